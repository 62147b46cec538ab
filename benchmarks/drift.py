"""How often the report on drift cries wolf on quiet nights, and which faults it finds the same night.

    python benchmarks/drift.py                   300 quiet nights of five made-up shops, then ten faults in each
    python benchmarks/drift.py --shops 1         a quick look
    python benchmarks/drift.py --recommendations the same of what is recommended: nights of a model that is fitted anew

A made-up shop has weekdays, growth, promotions, new products every week, prices that rise and a season that moves its
departments; a quiet night has nothing else. Each fault is planted into one night of a copy, so that none hides another.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from recsys_assets.sql import load_sql

BEGIN = date(2026, 1, 1)
LEARNING = 60
"""Nights before those that count."""


def shop(seed: int, nights: int, events: int) -> dict[str, pl.DataFrame]:
    """The tables events, items and users of a shop over so many nights, about `events` of them a night at first."""
    generator = np.random.default_rng(seed)
    items, users = 2_000, 3_000
    department = generator.choice(12, items, p=generator.dirichlet(np.full(12, 2.0)))
    price = generator.lognormal(1.5, 0.8, items)
    taste = generator.dirichlet(np.full(items, 0.3))
    appears = np.where(generator.random(items) < 0.2, generator.integers(0, nights, items), 0)
    weekday = generator.uniform(0.7, 1.4, 7)
    hours = np.stack(
        [generator.dirichlet(1 + 20 * np.exp(-((np.arange(24) - peak) ** 2) / 20)) for peak in (12, 17)]
    )
    wave = generator.uniform(0, 2 * np.pi, 12)
    parts = []
    for night in range(nights):
        day = BEGIN + timedelta(days=night)
        count = int(
            generator.poisson(events * weekday[day.weekday()] * 1.001**night * generator.lognormal(0, 0.05))
        )
        season = 1 + 0.3 * np.sin(2 * np.pi * night / 365 + wave)[department]
        chance = taste * season * (appears <= night)
        promoted = generator.choice(items, 20, replace=False)
        chance[promoted] *= 3
        item = generator.choice(items, count, p=chance / chance.sum())
        on_offer = np.isin(item, promoted)
        hour = generator.choice(24, count, p=hours[int(day.weekday() >= 5)])
        parts.append(
            pl.DataFrame(
                {
                    "day": [day] * count,
                    "hour": hour,
                    "item": item,
                    "user": generator.zipf(1.3, count) % users,
                    "behaviour": generator.choice(["view", "cart", "purchase"], count, p=[0.7, 0.2, 0.1]),
                    "store": generator.choice(30, count, p=np.arange(30, 0, -1) / 465),
                    "quantity": 1.0 + generator.poisson(0.6, count),
                    "unit_price": price[item] * (1 + 0.0003 * night) * np.where(on_offer, 0.8, 1.0),
                    "discount": np.where(on_offer, 0.2, 0.0),
                    "ordered": generator.random(count) < 0.98,
                }
            )
        )
    frame = pl.concat(parts)
    described = frame.select(
        (pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=pl.col("hour"))).alias("event_time"),
        "day",
        pl.format("u{}", "user").alias("user_id"),
        pl.format("i{}", "item").alias("item_id"),
        pl.when("ordered").then(pl.format("o{}", "user")).alias("order_id"),
        "behaviour",
        "quantity",
        "unit_price",
        "discount",
        pl.format("s{}", "store").alias("store_id"),
    )
    countries = generator.choice(["GB", "DE", "FR", "IE", "NL"], users, p=[0.7, 0.12, 0.1, 0.05, 0.03])
    return {
        "events": described,
        "items": pl.DataFrame(
            {
                "item_id": [f"i{item}" for item in range(items)],
                "department": [f"d{each}" for each in department],
                "category": [f"c{each}" for each in department * 5 + generator.integers(0, 5, items)],
                "brand": [f"b{each}" for each in generator.integers(0, 150, items)],
            }
        ),
        "users": pl.DataFrame(
            {
                "user_id": [f"u{user}" for user in range(users)],
                "country": countries,
                "age_group": generator.choice(["19-24", "25-34", "35-44", "45-54", "unknown"], users),
            }
        ),
    }


Fault = Callable[[pl.DataFrame, pl.Expr], pl.DataFrame]
FAULTS: dict[str, Fault] = {
    "a column becomes null": lambda t, now: t.with_columns(
        pl.when(now).then(None).otherwise("store_id").alias("store_id")
    ),
    "a tenth of prices are missing": lambda t, now: t.with_columns(
        pl.when(now & (pl.int_range(pl.len()) % 10 == 0))
        .then(None)
        .otherwise("unit_price")
        .alias("unit_price")
    ),
    "a country vanishes": lambda t, now: t.filter(~(now & (pl.col("country") == "DE"))),
    "prices in cents": lambda t, now: t.with_columns(
        pl.when(now).then(pl.col("unit_price") * 100).otherwise("unit_price").alias("unit_price")
    ),
    "the clock is six hours off": lambda t, now: t.with_columns(
        pl.when(now).then(pl.col("event_time").dt.offset_by("6h")).otherwise("event_time").alias("event_time")
    ),
    "an hour is missing": lambda t, now: t.filter(~(now & (pl.col("event_time").dt.hour() == 17))),
    "every event comes twice": lambda t, now: pl.concat([t, t.filter(now)]),
    "half of the day is lost": lambda t, now: t.filter(~(now & (pl.int_range(pl.len()) % 2 == 0))),
    "a behaviour is renamed": lambda t, now: t.with_columns(
        pl.when(now & (pl.col("behaviour") == "cart"))
        .then(pl.lit("add_to_cart"))
        .otherwise("behaviour")
        .alias("behaviour")
    ),
    "items in another format": lambda t, now: t.with_columns(
        pl.when(now & (pl.int_range(pl.len()) % 4 == 0))
        .then(pl.format("00{}", "item_id"))
        .otherwise("item_id")
        .alias("item_id")
    ),
}


def report(tables: dict[str, pl.DataFrame], nights: int) -> pl.DataFrame:
    """The report on these tables, by the SQL of the platform's assets."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        for name, frame in tables.items():
            connection.register(name, frame)
        profiles = connection.sql(load_sql("feedback", "day_profiles"), params={"days": nights}).pl()
        connection.register("day_profiles", profiles)
        return connection.sql(load_sql("feedback", "drift_report")).pl()


def of_recommendations(shops: int, nights: int) -> None:
    """Print how often the report on recommendations alarms on quiet nights, and which faults it finds."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.sql.recommended_nights import FAULTS as OF_LISTS
    from tests.sql.recommended_nights import profile, quiet_nights
    from tests.sql.recommended_nights import report as report_of_lists

    found: dict[str, list[bool]] = {name: [] for name in OF_LISTS}
    alarms = []
    for seed in range(shops):
        made = list(enumerate(quiet_nights(seed, LEARNING + nights)))
        profiles = pl.concat([profile(version, night) for version, night in made])
        cried = report_of_lists(profiles).filter("alarm", pl.col("version") >= LEARNING)
        alarms.append(cried["version"].n_unique())
        for row in cried.iter_rows(named=True):
            moved = f"{row['value']:.3f} > {row['threshold']:.3f}"
            print(f"    night {row['version']} {row['column_name']} {row['measure']} {moved}")
        generator = np.random.default_rng(seed)
        for name, fault in OF_LISTS.items():
            version = int(generator.integers(LEARNING, LEARNING + nights))
            family, lists = made[version][1]
            before = profiles.filter(pl.col("version") < version, pl.col("version") >= version - 100)
            told = report_of_lists(pl.concat([before, profile(version, (family, fault(lists)))]))
            found[name].append(bool(told.filter("alarm", pl.col("version") == version).height))
    met = "met" if max(alarms) <= 2 else "MISSED"
    print(f"\nfalse alarms in {nights} quiet nights of recommendations: {alarms} (target 0 to 2: {met})\n")
    for name, noticed in found.items():
        print(f"{name:32} found the same night in {sum(noticed)} of {len(noticed)}")


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shops", type=int, default=5)
    parser.add_argument("--nights", type=int, default=300)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument(
        "--recommendations", action="store_true", help="watch what is recommended, not events"
    )
    given = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when this began")
    print(
        f"versions: Python {platform.python_version()}, DuckDB {version('duckdb')}, polars {version('polars')}\n"
    )
    began = time.process_time()
    if given.recommendations:
        of_recommendations(given.shops, given.nights)
        print(f"\n{time.process_time() - began:.1f} CPU s")
        return
    nights = LEARNING + given.nights
    first = BEGIN + timedelta(days=LEARNING)
    found: dict[str, list[str]] = {name: [] for name in FAULTS}
    alarms = []
    for seed in range(given.shops):
        tables = shop(seed, nights, given.events)
        quiet = report(tables, nights)
        cried = quiet.filter("alarm", pl.col("night") >= first)
        alarms.append(cried["night"].n_unique())
        loud = cried["night"].n_unique()
        print(
            f"shop {seed}: {tables['events'].height:,} events, {loud} of {given.nights} quiet nights alarmed"
        )
        for row in cried.sort("night").iter_rows(named=True):
            print(
                f"    {row['night']} {row['column_name']} {row['measure']} {row['value']:.3f} > {row['threshold']:.3f}"
            )
        generator = np.random.default_rng(seed)
        for name, fault in FAULTS.items():
            night = BEGIN + timedelta(days=int(generator.integers(LEARNING, nights)))
            recent = tables["events"].filter(
                pl.col("day") > night - timedelta(days=100), pl.col("day") <= night
            )
            joined = recent.join(tables["users"].select("user_id", "country"), on="user_id", how="left")
            spoilt = fault(joined, pl.col("day") == night).drop("country")
            told = report({**tables, "events": spoilt}, nights).filter(pl.col("night") == night, "alarm")
            found[name].append(
                ", ".join(f"{c} ({m})" for c, m in told.select("column_name", "measure").iter_rows())
            )
    met = "met" if max(alarms) <= 2 else "MISSED"
    print(f"\nfalse alarms in {given.nights} quiet nights: {alarms} (target 0 to 2: {met})\n")
    for name, told in found.items():
        noticed = sum(bool(each) for each in told)
        print(
            f"{name:32} found the same night in {noticed} of {len(told)}; {next((t for t in told if t), '')[:90]}"
        )
    print(f"\n{time.process_time() - began:.1f} CPU s")


if __name__ == "__main__":
    main()
