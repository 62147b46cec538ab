"""A small shop's files, the same each time: tastes are planted, so that models have something to learn."""

from __future__ import annotations

import csv
import os
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SOURCE = Path(__file__).with_name("shop_source")
FIRST_DAY = date(2024, 1, 1)
DAYS = 24
USERS, ITEMS, CATEGORIES = 240, 160, 8
HEADER = ("invoice", "product", "pieces", "price", "moment", "customer")
ARRIVED = datetime(2024, 2, 1).timestamp()

Row = tuple[str, ...]


def day_file(day: int) -> str:
    """The name of the file of the shop's nth day, from 0."""
    return f"sales-{FIRST_DAY + timedelta(days=day)}.csv"


def day_name(day: int) -> str:
    """The nth day as a partition key."""
    return str(FIRST_DAY + timedelta(days=day))


def write_shop(folder: Path, days: int = DAYS) -> Path:
    """Writes the shop's files; byte for byte the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days):
        write_day(folder / day_file(day), day_rows(day))
    with (folder / "customers.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [("customer", "age"), *((f"u{user}", ("young", "old")[user % 2]) for user in range(USERS))]
        )
    items = range(ITEMS)
    pq.write_table(
        pa.table(
            {
                "product": [f"i{item}" for item in items],
                "name": [f"product {item} of shelf {item % CATEGORIES}" for item in items],
                "category": [f"shelf {item % CATEGORIES}" for item in items],
                "brand": [f"brand {item % 5}" for item in items],
            }
        ),
        folder / "products.parquet",
    )
    weeks = [FIRST_DAY + timedelta(days=7 * week) for week in range(4)]
    pq.write_table(
        pa.table(
            {
                "product": [f"i{(7 * place) % ITEMS}" for place in range(40)],
                "store": ["1"] * 40,
                "starts": [weeks[place % 4] for place in range(40)],
                "ends": [weeks[place % 4] + timedelta(days=6) for place in range(40)],
            }
        ),
        folder / "mailer.parquet",
    )
    for path in folder.iterdir():
        os.utime(path, (ARRIVED, ARRIVED))
    return folder


def day_rows(day: int) -> list[Row]:
    """The lines of one day: every customer's basket comes mostly from their two shelves; some lines are dirty."""
    luck = random.Random(day)
    rows: list[Row] = []
    for user in luck.sample(range(USERS), 70):
        invoice = f"{day:02}{user:04}"
        moment = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time())
        moment += timedelta(hours=9 + luck.random() * 10)
        for _ in range(luck.randint(1, 4)):
            shelf = luck.choice((user % CATEGORIES, (user + 3) % CATEGORIES))
            if luck.random() < 0.15:
                shelf = luck.randrange(CATEGORIES)
            place = min(int(luck.expovariate(0.15)), ITEMS // CATEGORIES - 1)
            item = place * CATEGORIES + shelf
            price = f"{1 + item % 17 + 0.01 * (item % 100):.2f}"
            line = (
                invoice,
                f"i{item}",
                str(luck.randint(1, 5)),
                price,
                f"{moment:%Y-%m-%d %H:%M:%S}",
                f"u{user}",
            )
            rows.append(line)
    rows.append(rows[0])  # delivered twice within the file
    rows.append((rows[1][0], rows[1][1], "many", *rows[1][3:]))  # a number that is not one
    rows.append((*rows[2][:5], ""))  # nobody's
    rows.append((f"C{rows[3][0]}", rows[3][1], f"-{rows[3][2]}", *rows[3][3:]))  # taken back
    rows.append((rows[4][0], "POST", "1", "4.00", *rows[4][4:]))  # no product
    return rows


def write_day(path: Path, rows: list[Row], header: Row = HEADER) -> Path:
    """Writes one day's file with a fixed time of arrival."""
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    os.utime(path, (ARRIVED, ARRIVED))
    return path
