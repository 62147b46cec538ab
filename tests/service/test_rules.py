"""Rules: what their file may say, and what then holds of every list."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.service.answers.arrangement import arranged
from recsys_assets.service.answers.described_items import Groups
from recsys_assets.service.answers.rules import Rules, RulesError
from recsys_lineage.lake.lake import Lake
from tests.examples import examples
from tests.service.running import served, until
from tests.service.small_shop import ITEMS, lake_of, split

TODAY = date.today()
TEXT = """\
[bought]
again_after_days = 90

[[filter]]
column = "category"
never = ["shelf 0"]

[stock]
out = ["item-1"]
table = "stock"

[[pin]]
item = "item-13"
position = 2
first_day = 2026-01-01
last_day = 2099-01-01

[[boost]]
value = "shelf 3"
up = 4

[[at_most]]
column = "category"
n = 2

[exploration]
share = 0.1
among = 10
"""
KEYS = [
    (number, line.split("=")[0].strip()) for number, line in enumerate(TEXT.splitlines(), 1) if "=" in line
]


def load(path: Path, text: str) -> Rules:
    path.write_text(text)
    return Rules.load(path)


def test_a_file_becomes_rules(tmp_path: Path) -> None:
    rules = load(tmp_path / "rules.toml", TEXT)
    assert rules.bought.again_after_days == 90 and rules.pin[0].position == 2 and rules.boost[0].up == 4
    assert Rules.load(tmp_path / "none.toml") == Rules()


@pytest.mark.parametrize(("number", "key"), KEYS)
def test_a_misspelt_key_is_told_with_its_line_and_the_right_one(
    tmp_path: Path, number: int, key: str
) -> None:
    lines: list[str] = [*TEXT.splitlines()]
    lines[number - 1] = lines[number - 1].replace(key, key + key[-1], 1)
    with pytest.raises(RulesError) as caught:
        load(tmp_path / "rules.toml", "\n".join(lines))
    missing = caught.value.message.endswith(f"{key} is missing.")
    assert caught.value.where is not None
    assert missing or caught.value.where.endswith(f"rules.toml:{number}")
    assert missing or f"{key!r}" in (caught.value.advice or "")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("[exploration]\nshare = 2\n", 2),
        ("[[at_most]]\nn = 1\n[[at_most]]\nn = 0\n", 4),
        ('[[boost]]\nup = 1\nitem = "a"\nvalue = "b"\n', 1),
        ('[[pin]]\nitem = "a"\nfirst_day = 2026-01-02\nlast_day = 2026-01-01\n', 1),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_line(tmp_path: Path, wrong: str, line: int) -> None:
    with pytest.raises(RulesError) as caught:
        load(tmp_path / "rules.toml", wrong)
    assert caught.value.where == f"{tmp_path / 'rules.toml'}:{line}"


GROUPS = Groups(np.array([row % 5 - 1 for row in range(40)], np.int32), {})


@settings(deadline=None, max_examples=examples(150))
@given(
    ranking=st.permutations(range(40)).flatmap(lambda p: st.integers(0, 40).map(lambda n: p[:n])),
    k=st.integers(1, 15),
    pins=st.dictionaries(st.integers(0, 14), st.integers(0, 39), max_size=4),
    n=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    lift=st.dictionaries(st.integers(0, 39), st.integers(-9, 9), max_size=5),
    seed=st.integers(0, 99),
)
def test_laws_of_a_list(
    ranking: list[int], k: int, pins: dict[int, int], n: int, share: float, lift: dict[int, int], seed: int
) -> None:
    up = np.zeros(40, np.int32)
    for row, places in lift.items():
        up[row] = places
    given_rows = np.array(ranking, np.int32)
    placed = arranged(
        given_rows, k, pins=pins, lift=up, limits=[(n, GROUPS)], share=share, among=6, chance=Random(seed)
    )
    rows = [each.row for each in placed]
    assert len(rows) <= k and len(set(rows)) == len(rows)
    assert set(rows) <= set(ranking) | set(pins.values())
    codes = Counter(int(GROUPS.code[row]) for row in rows)
    assert all(count <= n for code, count in codes.items() if code >= 0)
    assert all(0 < each.propensity <= 1 for each in placed)
    assert all(each.propensity == 1 for each in placed if each.why == "pinned" or share == 0)
    left_out = {int(GROUPS.code[row]) for row in ranking if row not in rows}
    assert len(rows) == k or all(code >= 0 and codes[code] >= n for code in left_out)


def test_without_rules_the_list_is_the_ranking() -> None:
    ranking = np.random.default_rng(0).permutation(40).astype(np.int32)
    assert [each.row for each in arranged(ranking, 12)] == ranking[:12].tolist()


def test_propensities_are_the_frequencies() -> None:
    ranking, times = np.arange(12, dtype=np.int32), 8000
    first: Counter[int] = Counter()
    told: dict[int, float] = {}
    for seed in range(times):
        placed = arranged(ranking, 3, share=0.4, among=5, chance=Random(seed))
        first[placed[0].row] += 1
        told[placed[0].row] = placed[0].propensity
    assert sum(told.values()) == pytest.approx(1)
    for row, propensity in told.items():
        deviation = (propensity * (1 - propensity) / times) ** 0.5
        assert abs(first[row] / times - propensity) < 5 * deviation


def test_rules_hold_for_every_customer_of_the_service(home: Path) -> None:
    (home / "rules.toml").write_text(
        TEXT.replace('table = "stock"\n', "").replace("[bought]\nagain_after_days = 90\n", "")
    )
    had = split().filter("is_target")
    with served(home) as (customer, _):
        assert customer.ready()["problems"] == []
        for user in range(0, 60, 7):
            items = customer.list_of(f"customer-{user}", k=8).items
            own = set(had.filter(pl.col("user_id") == f"customer-{user}")["item_id"])
            numbers = [int(item.split("-")[1]) for item in items]
            assert not own & set(items) and "item-1" not in items
            assert 0 not in {number % 6 for number in numbers}
            assert max(Counter(number % 6 for number in numbers).values()) <= 2 and len(items) == 8
            assert ("item-13" in own) or items[1] == "item-13"


def test_what_was_bought_long_ago_may_come_again(home: Path) -> None:
    had = set(split().filter("is_target", pl.col("user_id") == "customer-3")["item_id"])
    (home / "rules.toml").write_text("[bought]\nagain_after_days = 0\n")
    with served(home) as (customer, _):
        assert had <= set(customer.list_of("customer-3", k=ITEMS).items)
        (home / "rules.toml").write_text("")
        until(lambda: not had & set(customer.list_of("customer-3", k=ITEMS).items), "the new rules hold")


def test_dates_of_pins_and_boosts_are_kept(home: Path) -> None:
    yesterday, tomorrow = TODAY - timedelta(2), TODAY + timedelta(2)
    (home / "rules.toml").write_text(
        f'[[pin]]\nitem = "item-20"\nlast_day = {yesterday}\n[[pin]]\nitem = "item-21"\nfirst_day = {tomorrow}\n'
        f'[[boost]]\nitem = "item-22"\nup = 500\nlast_day = {tomorrow}\n'
    )
    with served(home) as (customer, _):
        answer = customer.session(k=3, explain=True).json["items"]
        assert answer[0]["item"] == "item-22" and answer[0]["placed_by"] == "boosted"


def test_a_table_says_what_is_in_stock(home: Path) -> None:
    lake: Lake = lake_of(home)
    (home / "rules.toml").write_text('[stock]\ntable = "stock"\n')

    def write(*out: int) -> None:
        numbers = range(ITEMS)
        stock = {"item_id": [f"item-{n}" for n in numbers], "in_stock": [n not in out for n in numbers]}
        lake.write_arrow("stock", pl.DataFrame(stock))

    write(4, 5)
    with served(home) as (customer, _):
        assert not {"item-4", "item-5"} & set(customer.session(k=ITEMS).items)
        write(6)
        until(lambda: "item-6" not in customer.session(k=ITEMS).items, "the stock of now counts")
        assert {"item-4", "item-5"} <= set(customer.session(k=ITEMS).items)


def test_names_that_mean_nothing_are_told(home: Path) -> None:
    (home / "rules.toml").write_text('[[filter]]\nnever = ["shelf O"]\n[[pin]]\nitem = "itm-1"\n')
    with served(home) as (customer, _):
        problems = customer.ready()["problems"]
        assert len(problems) == 2 and "Did you mean 'shelf" in problems[0] and "itm-1" in problems[1]
        (home / "rules.toml").write_text('[[at_most]]\nn = 1\ncolumn = "categry"\n')
        until(
            lambda: "Did you mean 'category'" in str(customer.ready()["problems"]),
            "the new rules are refused",
        )
        (home / "rules.toml").write_text('[stock]\ntable = "item_profile"\n')
        until(
            lambda: "Did you mean 'item_profiles'" in str(customer.ready()["problems"]),
            "a table that there is not is told",
        )
        assert customer.list_of("customer-1").status == 200
