"""Files of a shop, and what its source loads of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from recsys_assets.shop.loaded_source import load_source
from tests.sql.pipeline import open_source, run_raw, run_sql, small_database

HEAD = "order_id;customer_id;sku;qty;price;order date\n"
"""The header of orders whose rows stand one for one in a file."""


def loaded(folder: Path, data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events and the rejected rows of a source."""
    source = load_source(folder)
    with small_database() as con:
        open_source(con, source, data)
        run_raw(con, source)
        run_sql(con, source, "clean", ("events", "promotions", "rejected_rows"))
        return con.sql("SELECT * FROM events").pl(), con.sql("SELECT * FROM rejected_rows").pl()


def write(path: Path, header: list[str], rows: list[list[str]], delimiter: str, encoding: str) -> None:
    """Write a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
