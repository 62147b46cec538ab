"""The drift report: quiet on quiet days, and awake on the day that something breaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from recsys_assets.sql import load_sql

BEGIN, DAYS, PER_DAY = date(2026, 1, 1), 90, 400
LAST = BEGIN + timedelta(days=DAYS - 1)


def _shop() -> dict[str, pl.DataFrame]:
    """Ninety days with weekdays, growth and promotions, and nothing out of the ordinary."""
    generator = np.random.default_rng(0)
    parts = []
    for number in range(DAYS):
        day = BEGIN + timedelta(days=number)
        weekend = day.weekday() >= 5
        count = int(generator.poisson(PER_DAY * (1.5 if weekend else 1.0) * 1.002**number))
        item = generator.zipf(1.2, count) % 200
        parts.append(
            pl.DataFrame(
                {
                    "day": [day] * count,
                    "hour": generator.normal(18 if weekend else 12, 3, count).clip(0, 23).astype(int),
                    "user_id": [f"u{user}" for user in generator.integers(0, 300, count)],
                    "item_id": [f"i{each}" for each in item],
                    "order_id": pl.Series(np.where(generator.random(count) < 0.95, "o", "")).replace(
                        "", None
                    ),
                    "behaviour": generator.choice(["view", "cart", "purchase"], count, p=[0.7, 0.2, 0.1]),
                    "store_id": generator.choice(["a", "b", "c"], count),
                    "quantity": 1.0 + generator.poisson(0.6, count),
                    "unit_price": 1.0 + item / 10,
                    "discount": generator.choice([0.0, 0.2], count, p=[0.9, 0.1]),
                }
            )
        )
    events = pl.concat(parts).with_columns(
        event_time=pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=pl.col("hour"))
    )
    return {
        "events": events.drop("hour"),
        "items": pl.DataFrame({"item_id": [f"i{each}" for each in range(200)]}).with_columns(
            department=pl.format("d{}", pl.int_range(200) % 8),
            category=pl.format("c{}", pl.int_range(200) % 20),
            brand=pl.format("b{}", pl.int_range(200) % 30),
        ),
        "users": pl.DataFrame({"user_id": [f"u{each}" for each in range(300)]}).with_columns(
            country=pl.when(pl.int_range(300) % 8 == 0).then(pl.lit("DE")).otherwise(pl.lit("GB")),
            age_group=pl.format("{}", pl.int_range(300) % 5),
        ),
    }


SHOP = _shop()


def _report(events: pl.DataFrame, days: int = 120) -> tuple[pl.DataFrame, pl.DataFrame]:
    with duckdb.connect() as connection:
        for name, frame in {**SHOP, "events": events}.items():
            connection.register(name, frame)
        profiles = connection.sql(load_sql("feedback", "day_profiles"), params={"days": days}).pl()
        connection.register("day_profiles", profiles)
        return profiles, connection.sql(load_sql("feedback", "drift_report")).pl()


def test_every_event_is_counted_once_in_each_column() -> None:
    events = SHOP["events"].with_columns(store_id=pl.format("s{}", pl.int_range(pl.len()) % 200))
    profiles, _ = _report(events, days=30)
    assert profiles["night"].n_unique() == 30
    told = profiles.group_by("night", "column_name").agg(pl.col("events").sum())
    counted = events.group_by("day").len()
    assert (
        told.join(counted, left_on="night", right_on="day")
        .filter(pl.col("events") != pl.col("len"))
        .is_empty()
    )
    assert told.height == 30 * profiles["column_name"].n_unique()
    stores = profiles.filter(pl.col("column_name") == "store_id")
    assert stores["bin"].n_unique() == 51  # the fifty commonest, and one row for the others
    assert (profiles["new_events"] <= profiles["events"]).all()


def test_quiet_days_alarm_nobody() -> None:
    _, report = _report(SHOP["events"])
    assert report.filter("alarm").is_empty()
    assert report.filter(pl.col("night") == LAST)["threshold"].null_count() == 0


def test_nothing_alarms_before_two_weeks_are_known() -> None:
    short = SHOP["events"].filter(pl.col("day") < BEGIN + timedelta(days=14))
    broken = short.with_columns(
        store_id=pl.when(pl.col("day") == pl.col("day").max()).then(None).otherwise("store_id")
    )
    _, report = _report(broken)
    assert report["threshold"].null_count() == report.height
    assert not report["alarm"].any()


NOW = pl.col("day") == LAST
FAULTS: dict[str, tuple[str, str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "a column becomes null": (
        "store_id", "missing", lambda t: t.with_columns(store_id=pl.when(~NOW).then("store_id")),
    ),
    "prices in cents": (
        "unit_price", "distribution",
        lambda t: t.with_columns(unit_price=pl.col("unit_price") * pl.when(NOW).then(100).otherwise(1)),
    ),
    "a country vanishes": (
        "country", "distribution",
        lambda t: t.join(SHOP["users"].filter(pl.col("country") == "DE"), on="user_id", how="anti").vstack(
            t.join(SHOP["users"].filter(pl.col("country") == "DE"), on="user_id", how="semi").filter(~NOW)
        ),
    ),
    "the clock is six hours off": (
        "hour", "distribution",
        lambda t: t.with_columns(
            event_time=pl.when(NOW).then(pl.col("event_time").dt.offset_by("-6h")).otherwise("event_time")
        ),
    ),
    "half of the day is lost": ("events", "volume", lambda t: t.filter(~NOW | (pl.int_range(pl.len()) % 2 == 0))),
    "every event comes twice": ("events", "volume", lambda t: pl.concat([t, t.filter(NOW)])),
    "a behaviour is renamed": (
        "behaviour", "new values",
        lambda t: t.with_columns(
            behaviour=pl.when(NOW & (pl.col("behaviour") == "cart")).then(pl.lit("basket")).otherwise("behaviour")
        ),
    ),
    "orders are lost": ("has_order", "distribution", lambda t: t.with_columns(order_id=pl.when(~NOW).then("order_id"))),
    "items in another format": (
        "brand", "missing",
        lambda t: t.with_columns(item_id=pl.when(NOW).then(pl.format("00{}", "item_id")).otherwise("item_id")),
    ),
    "everything is on offer": (
        "discounted", "distribution",
        lambda t: t.with_columns(discount=pl.when(NOW).then(0.5).otherwise("discount")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_on_its_day_in_the_column_that_broke(fault: str) -> None:
    column, measure, plant = FAULTS[fault]
    _, report = _report(plant(SHOP["events"]))
    alarms = report.filter("alarm")
    assert set(alarms["night"]) == {LAST}
    assert (column, measure) in set(alarms.select("column_name", "measure").iter_rows())


def test_the_value_that_moved_is_named_with_its_shares() -> None:
    _, report = _report(FAULTS["a country vanishes"][2](SHOP["events"]))
    row = report.row(
        by_predicate=(pl.col("night") == LAST)
        & (pl.col("column_name") == "country")
        & (pl.col("measure") == "distribution"),
        named=True,
    )
    assert row["share_before"] > 0.1
    assert row["share_now"] < 0.01 or row["share_now"] > 0.99
    assert row["psi"] > 0.25


def test_a_shop_without_days_has_no_report() -> None:
    one_day = SHOP["events"].filter(pl.col("day") == BEGIN)
    profiles, report = _report(one_day)
    assert not profiles.is_empty()
    assert report.is_empty()


def test_it_is_the_same_to_the_last_bit_in_whatever_order_rows_are_added_up() -> None:
    profiles, report = _report(SHOP["events"])
    order = ["night", "column_name", "measure"]
    for seed in range(3):
        with duckdb.connect() as connection:
            mixed = profiles.sample(fraction=1, shuffle=True, seed=seed)
            connection.register("day_profiles", mixed)
            again = connection.sql(load_sql("feedback", "drift_report")).pl()
        assert again.sort(order).equals(report.sort(order))
