"""The policy report: on lists that the service's own arrangement drew, where the truth is known."""

from datetime import datetime
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.experiments.drawn_places import choices, drawn_places
from recsys_assets.experiments.policy_report import judged_policy, shown_policies
from recsys_assets.service.answers.arrangement import arranged

ITEMS, LENGTH = 12, 4
CHAMPION = list(range(ITEMS))
RATES = np.linspace(0.05, 0.5, ITEMS)
"""How likely each item is taken at the first place: what the champion shows first is the worst."""


def _log(seed: int, lists: int, share: float = 0.5, among: int = ITEMS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Exposures and feedback of lists that the service arranged, by customers who look less far down."""
    chance, draws = Random(seed), np.random.default_rng(seed)
    exposures, feedback = [], []
    for number in range(lists):
        ranking = np.array(CHAMPION, np.int32)
        for place, each in enumerate(
            arranged(
                ranking, LENGTH, share=share, among=among, chance=chance, pins={3: 5} if number % 2 else {}
            ),
            1,
        ):
            common = {
                "query_id": f"q{number}", "item_id": f"i{each.row}", "time": datetime(2026, 1, 1 + number % 28),
                "user_id": f"u{number % 400}",
            }  # fmt: skip
            exposures.append(
                {
                    **common,
                    "position": place,
                    "propensity": each.propensity,
                    "model_table": "champion",
                    "model_version": 3,
                }
            )
            if draws.random() < RATES[each.row] / place:
                feedback.append({**common, "action": "view"})
    return pl.DataFrame(exposures), pl.DataFrame(feedback)


def _best_left(above: list[str], ranking: list[int]) -> int:
    return next(item for item in ranking if f"i{item}" not in above)


def _truth(places: pl.DataFrame, ranking: list[int]) -> float:
    """What the ranking's choices would have earned at the drawn places of these very lists."""
    rates = []
    for (_,), shown in places.group_by("query_id", maintain_order=True):
        items, pinned = shown["item_id"].to_list(), shown.filter(~pl.col("drawn"))["item_id"].to_list()
        rates += [
            RATES[_best_left(items[:at] + pinned, ranking)] / (at + 1)
            for at, drawn in enumerate(shown["drawn"].to_list())
            if drawn
        ]
    return float(np.mean(rates))


def _rankings(places: pl.DataFrame, ranking: list[int]):
    return [(user, [f"i{item}" for item in ranking]) for user in places["user_id"].unique()]


def _report(seed: int, ranking: list[int], **log) -> tuple[dict, float]:
    places = drawn_places(*_log(seed, **log))
    rows = judged_policy("new", 0, places, choices(places, _rankings(places, ranking)))
    return rows.row(by_predicate=pl.col("reward") == "click", named=True), _truth(places, ranking)


@pytest.mark.parametrize("ranking", [CHAMPION[::-1], [5, 0, 11, *CHAMPION]])
def test_the_truth_lies_in_the_intervals(ranking: list[int]) -> None:
    inside = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(8):
        row, truth = _report(seed, ranking, lists=600)
        for name in inside:
            inside[name] += row[f"{name}_low"] <= truth <= row[f"{name}_high"]
        assert row["support"] == pytest.approx(1, abs=0.25)
    assert min(inside.values()) + 1 >= 7, inside  # 95 % of 8, less three standard errors


def test_the_better_and_the_worse_one_are_told() -> None:
    better, truth = _report(0, CHAMPION[::-1], lists=1_500)
    assert (
        better["verdict"] == "better"
        and better["difference_low"] < truth - better["shown"] < better["difference_high"]
    )
    same, _ = _report(1, CHAMPION, lists=1_500, share=0.2)
    assert same["verdict"] in ("open", "worse") and same["effective"] > 1_500
    good = RATES[CHAMPION].copy()
    try:
        RATES[:] = RATES[::-1]
        worse, _ = _report(2, CHAMPION[::-1], lists=1_500)
    finally:
        RATES[:] = good
    assert worse["verdict"] == "worse" and "earns less" in worse["words"]


def test_lists_that_were_not_drawn_by_lot_say_nothing_and_that_is_said() -> None:
    places = drawn_places(*_log(0, 200, share=0.0))
    assert not places["drawn"].any()
    row = judged_policy("new", 0, places, None, since="since 2026-01-01").row(0, named=True)
    assert row["verdict"] == "no support" and "exploration.share" in row["words"]
    assert row["ips"] is None and row["difference"] is None
    nothing = judged_policy("new", 0, places.clear(), None).row(0, named=True)
    assert nothing["words"] == "Nothing was shown to a named customer."


def test_what_could_not_be_drawn_is_not_held_against_a_policy() -> None:
    for seed in range(2):
        row, truth = _report(seed, CHAMPION[::-1], lists=1_000, among=2)  # its items never could
        assert row["verdict"] == "too little" and row["ips"] is None
        # at the first place it wants what can be drawn, below that what cannot
        half, truth = _report(seed, [1, *CHAMPION[:1:-1]], lists=1_000, among=2)
        assert half["verdict"] in ("partly supported", "better") and half["difference_high"] is None
        assert half["support"] < 0.9 and half["ips_low"] < truth


def test_wrong_propensities_are_noticed() -> None:
    exposures, feedback = _log(0, 2_000)
    places = drawn_places(exposures.with_columns(pl.col("propensity") * 0.5), feedback)
    rows = judged_policy("new", 0, places, choices(places, _rankings(places, CHAMPION[::-1])))
    assert set(rows["verdict"]) == {"propensities wrong"}


def test_what_was_shown_is_told_as_it_was() -> None:
    places = drawn_places(*_log(0, 500))
    row = shown_policies(places).row(by_predicate=pl.col("reward") == "click", named=True)
    assert row["shown"] == pytest.approx(places.filter("drawn")["click"].mean())
    assert (row["policy"], row["version"], row["kind"]) == ("champion", 3, "shown")
    assert shown_policies(places.clear()).is_empty()


@given(
    st.lists(st.permutations(range(6)), min_size=1, max_size=5), st.permutations(range(6)), st.integers(1, 6)
)
def test_a_choice_is_the_best_item_that_does_not_stand_above(
    lists: list[list[int]], ranking: list[int], length: int
) -> None:
    places = pl.DataFrame(
        [
            {"query_id": f"q{number}", "user_id": "u", "item_id": f"i{item}", "drawn": True}
            for number, items in enumerate(lists)
            for item in items[:length]
        ]
    )
    chosen = choices(places, [("u", [f"i{item}" for item in ranking])]).to_list()
    expected = [
        f"i{_best_left([f'i{item}' for item in items[:at]], ranking)}"
        for items in lists
        for at in range(length)
    ]
    assert chosen == expected
