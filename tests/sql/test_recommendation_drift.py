"""The drift of recommendations: quiet while a model is only fitted anew, awake when something breaks."""

from __future__ import annotations

from functools import cache

import duckdb
import polars as pl
import pytest

from recsys_assets.assets.serving.served_profiles import PROFILE
from tests.sql.recommended_nights import FAULTS, PROFILES, Night, profile, quiet_nights, report

NIGHTS = 40


@cache
def _nights() -> tuple[pl.DataFrame, Night]:
    """The profiles of all nights but the last, and that."""
    *before, last = quiet_nights(0, NIGHTS)
    return pl.concat([profile(version, night) for version, night in enumerate(before)]), last


def _alarms(last: Night) -> set[tuple[str, str]]:
    before, _ = _nights()
    found = report(pl.concat([before, profile(NIGHTS - 1, last)]))
    loud = found.filter("alarm", pl.col("version") == NIGHTS - 1)
    return set(loud.select("column_name", "measure").iter_rows())


def test_quiet_nights_alarm_nobody() -> None:
    before, last = _nights()
    found = report(pl.concat([before, profile(NIGHTS - 1, last)]))
    assert found.filter("alarm").is_empty()
    newest = found.filter(pl.col("version") == NIGHTS - 1)
    assert newest["threshold"].null_count() == 0
    assert set(newest["column_name"]) == {
        "item", "department", "category", "brand", "score at rank 1", "score at rank 5", "score at rank 20", "cold",
        "length", "lists", "family",
    }  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_the_same_night(fault: str) -> None:
    _, (family, last) = _nights()
    found = _alarms((family, FAULTS[fault](last)))
    expected = {
        "scores are a third larger": ("score at rank 1", "distribution"),
        "scores are missing": ("score at rank 5", "distribution"),
        "a category vanishes": ("category", "distribution"),
        "everybody gets the same list": ("item", "distribution"),
        "nobody is known": ("cold", "distribution"),
        "half of the customers get none": ("lists", "volume"),
        "lists are half as long": ("length", "distribution"),
        "items that are not described": ("brand", "distribution"),
        "one item leads every list": ("item", "distribution"),
    }
    assert expected[fault] in found


def test_another_family_alarms_once_and_its_scores_are_compared_with_its_own_alone() -> None:
    before, (_, last) = _nights()
    other = last.with_columns(pl.col("score") * 50)
    later = [profile(NIGHTS - 1 + number, ("ease", other)) for number in range(3)]
    found = report(pl.concat([before, *later])).filter(pl.col("version") >= NIGHTS - 1)
    assert found.filter("alarm").select("version", "column_name").rows() == [(NIGHTS - 1, "family")]
    first = found.filter(pl.col("version") == NIGHTS - 1)
    assert "score at rank 1" not in first["column_name"].to_list()


def test_nothing_alarms_before_two_weeks_are_known() -> None:
    before, (family, last) = _nights()
    few = pl.concat(
        [before.filter(pl.col("version") < 12), profile(12, (family, FAULTS["nobody is known"](last)))]
    )
    assert not report(few)["alarm"].any() and report(few)["threshold"].null_count() == report(few).height


def test_every_place_is_counted_once() -> None:
    _, (_, last) = _nights()
    with duckdb.connect() as connection:
        connection.register("recommendations", last)
        connection.register("item_profiles", PROFILES)
        found = connection.sql(PROFILE).pl()
    sums = dict(found.group_by("column_name").agg(pl.col("lists").sum()).iter_rows())
    customers = last["user_id"].n_unique()
    assert {sums[each] for each in ("item", "department", "category", "brand")} == {last.height}
    assert {sums[each] for each in ("score at rank 1", "score at rank 20", "cold", "length")} == {customers}
    items = found.filter(pl.col("column_name") == "item")
    assert items.height == 101 and "(other)" in items["bin"].to_list()
