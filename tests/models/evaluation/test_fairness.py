"""The spread of NDCG between customer groups."""

import polars as pl
import pytest

from recsys_models.evaluation.fairness import SPREAD, by_segment, spread


def table(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["segment", "value", "users", "ndcg"], orient="row")


def test_spread_by_hand() -> None:
    found = spread(table(("age", "young", 30, 0.1), ("age", "old", 10, 0.4), ("town", "all", 40, 0.175)))
    assert found.columns == list(SPREAD)
    age, town = found.iter_rows(named=True)
    assert (age["segment"], age["groups"], age["users"]) == ("age", 2, 40)
    assert (age["best"], age["worst"]) == ("old", "young")
    assert age["gap"] == pytest.approx(0.3)
    assert age["ratio"] == pytest.approx(0.25)
    # mean 0.175; (30 · 0.075² + 10 · 0.225²) / 40
    assert age["deviation"] == pytest.approx(((30 * 0.075**2 + 10 * 0.225**2) / 40) ** 0.5)
    assert (town["gap"], town["ratio"], town["deviation"]) == (0, 1, 0)


def test_groups_that_are_all_served_nothing_are_equal() -> None:
    found = spread(table(("age", "young", 3, 0.0), ("age", "old", 1, 0.0))).row(0, named=True)
    assert (found["gap"], found["ratio"]) == (0, 1)


def test_no_segments() -> None:
    assert spread(table()).height == 0


@pytest.mark.parametrize(
    "name", ["ndcg", "recall", "users", "value", "segment", "cold", "relevant", "user_id_right"]
)
def test_a_segmentation_may_have_any_name(name: str) -> None:
    per_user = pl.DataFrame({"user_id": [1, 2, 3], "ndcg": [0.0, 0.5, 1.0], "recall": [1.0, 1.0, 0.0]})
    segments = pl.DataFrame({"user_id": [1, 2], name: ["a", "b"]})
    found = by_segment(per_user, segments, ("ndcg", "recall"))
    assert found.rows() == [
        (name, "a", 1, 0.0, 1.0),
        (name, "b", 1, 0.5, 1.0),
        (name, "unknown", 1, 1.0, 0.0),
    ]


def test_segments_without_a_segmentation_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a column besides 'user_id'"):
        by_segment(pl.DataFrame({"user_id": [1], "ndcg": [1.0]}), pl.DataFrame({"user_id": [1]}), ("ndcg",))
