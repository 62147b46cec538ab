"""Shops in states that are legal and rare: the whole graph is made, and words and counts say what is special."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from recsys_lineage.records.records import Records
from tests.platform.conftest import Shop

EVENTS = """SELECT moment AS event_time, who AS user_id, what AS item_id, how AS behaviour, _file, _line
FROM read_csv('clicks-*.csv')"""
FIRST = datetime(2024, 1, 1, 9)
Event = tuple[datetime, str, str, str]


def taste(luck: random.Random, user: int, items: int = 30) -> str:
    """An item that a customer of this number likes: half of the shop's, by turns."""
    return f"i{2 * luck.randrange(items // 2) + user % 2}"


def purchases(days: Iterable[int], users: Iterable[int], seed: int = 0) -> list[Event]:
    """Three customers a day buy two items each."""
    luck, everybody = random.Random(seed), list(users)
    return [
        (FIRST + timedelta(days=day, minutes=luck.randrange(600)), f"u{user}", taste(luck, user), "purchase")
        for day in days
        for user in luck.sample(everybody, 3)
        for _ in range(2)
    ]


def repeats_only() -> list[Event]:
    """Every customer buys their own two items, again and again."""
    return [
        (FIRST + timedelta(days=day, minutes=user), f"u{user}", f"i{user % 5 + 5 * (day % 2)}", "purchase")
        for day in range(90)
        for user in range(12)
        if (day + user) % 7 < 2
    ]


def closed_for_a_month() -> list[Event]:
    """Open for six weeks, closed for five, open again for three: the weeks that choose among models are empty."""
    return purchases([*range(42), *range(77, 98)], range(20))


def reopened_today() -> list[Event]:
    """Closed for a month, and today the first customers came: new ones all of them."""
    return [*purchases(range(60), range(20)), *purchases([91], range(50, 60), seed=1)]


def five_weeks_old() -> list[Event]:
    """Younger than the weeks that are held out."""
    return purchases(range(35), range(20))


def one_day_old() -> list[Event]:
    """All of it happened today."""
    return purchases([0] * 20, range(20))


def one_has_everything() -> list[Event]:
    """A customer has every item of the shop."""
    everything = [(FIRST + timedelta(days=day), "all", f"i{day}", "purchase") for day in range(30)]
    return [*purchases(range(90), range(20)), *everything]


def looks_alone() -> list[Event]:
    """In the weeks that are held out nobody buys."""
    looks = [(when, who, what, "view") for when, who, what, _ in purchases(range(60, 90), range(20), seed=2)]
    return [*purchases(range(60), range(20)), *looks]


STATES: dict[str, tuple[Callable[[], list[Event]], str, str]] = {
    "repeats only": (repeats_only, "evaluation", "evaluated with repeat purchases"),
    "closed for a month": (closed_for_a_month, "split", "divided by days"),
    "reopened today": (reopened_today, "split", "divided by weeks: train 148, valid 112, test 5"),
    "five weeks old": (five_weeks_old, "split", "divided by days"),
    "one day old": (one_day_old, "split", "divided by days"),
    "one has everything": (one_has_everything, "recommendations", "1 customers have every item already"),
    "looks alone": (looks_alone, "evaluation", "have no purchase: nothing is judged"),
}


def made(folder: Path, events: list[Event], **settings: str) -> Shop:
    """A shop of these events, its whole graph made."""
    (folder / "data").mkdir(parents=True)
    (folder / "source").mkdir()
    (folder / "source" / "raw_events.sql").write_text(EVENTS)
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    (folder / "source" / "source.toml").write_text(f'title = "A shop"\n{lines}\n')
    with (folder / "data" / "clicks-2024.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("moment", "who", "what", "how"), *events])
    shop = Shop(folder / "home", folder / "data")
    done = shop.recsys(
        "demo", RECSYS_SOURCE=str(folder / "source"), RECSYS_FAMILIES="popularity,item_neighbours"
    )
    assert done.exit_code == 0, done.output
    return shop


def said(shop: Shop, asset: str) -> str:
    """Everything that the record of an asset says in words: its checks, statistics and warnings."""
    record = Records(shop.lake).get(asset)
    return "\n".join([*(check.found for check in record.checks), repr(record.statistics)])


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_a_legal_state_passes_with_words(tmp_path: Path, state: str) -> None:
    events, asset, words = STATES[state]
    shop = made(tmp_path, events())
    assert words in said(shop, asset)
    parts = dict(shop.rows("SELECT subset, count(*) FROM {split} GROUP BY ALL"))
    assert set(parts) == {"train", "valid", "test"}
    assert shop.rows("SELECT count(*) FROM {recommendations}") > [(0,)]


@pytest.mark.slow
def test_looks_neither_judge_nor_hide_and_reasons_say_what_was_done(tmp_path: Path) -> None:
    bought = purchases(range(90), range(20))
    looked = [
        (when - timedelta(hours=1), who, taste(random.Random(n), n), "view")
        for n, (when, who, *_) in enumerate(bought)
    ]
    shop = made(tmp_path, [*bought, *looked])
    assert "target is purchase" in said(shop, "split")
    reasons = shop.rows(
        """SELECT reason, item_profiles.title, did.behaviours FROM {recommendations} AS recommendations
        JOIN {item_profiles} AS item_profiles ON item_profiles.item_id = recommendations.like_item_id
        JOIN (SELECT user_id, item_id, list(behaviour) AS behaviours FROM {split} GROUP BY ALL) AS did
            ON did.user_id = recommendations.user_id AND did.item_id = recommendations.like_item_id"""
    )
    for reason, title, behaviours in reasons:
        word = "bought" if "purchase" in behaviours else "viewed"
        assert reason in (f"because you {word} {title}", f"customers who chose {title} chose it too")
    only_viewed = """SELECT count(*) FROM {recommendations} SEMI JOIN (
        SELECT user_id, item_id FROM {split} GROUP BY ALL HAVING NOT bool_or(is_target)) USING (user_id, item_id)"""
    assert shop.rows(only_viewed) > [(0,)], "what was only viewed can be recommended"
    users = shop.rows("SELECT count(DISTINCT user_id) FROM {split} WHERE subset = 'test' AND is_target")
    judged = Records(shop.lake).get("evaluation").statistics["test users"]
    assert judged <= users[0][0]
