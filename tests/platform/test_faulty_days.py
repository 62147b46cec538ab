"""The days that faulty files hold, against the same question asked in SQL."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.assets.source_files import SCHEMA, faulty_days, newest_files
from recsys_lineage.lake.lake import Lake

DAYS = st.lists(st.dates(date(2026, 1, 1), date(2026, 1, 5)), max_size=3, unique=True)
STATUSES = st.sampled_from(["loaded", "faulty", "duplicate"])
FILES = st.lists(st.tuples(STATUSES, DAYS, st.sampled_from("abc"), st.sampled_from("xyz")), max_size=8)


@given(FILES)
def test_each_day_names_every_faulty_file_that_holds_it(rows: list[tuple]) -> None:
    names = ("status", "days", "sha256", "fault")
    given_rows = [dict(zip(names, row, strict=True)) for row in rows]
    files = pl.DataFrame(given_rows, schema=SCHEMA)
    found = faulty_days(files)
    with duckdb.connect() as connection:
        connection.register("files", files)
        expected = connection.execute(
            """SELECT CAST(day AS VARCHAR), list_sort(list((sha256, fault)))
            FROM (SELECT unnest(days) AS day, sha256, fault FROM files WHERE status = 'faulty')
            GROUP BY day ORDER BY day"""
        ).fetchall()
    told = [(day, sorted((file.sha256, file.fault) for file in files)) for day, files in found.items()]
    assert told == [(day, [tuple(pair) for pair in pairs]) for day, pairs in expected]


def test_before_the_first_look_at_the_files_no_day_is_faulty(tmp_path: Path) -> None:
    files = newest_files(Lake(str(tmp_path)))
    assert files.columns == list(SCHEMA)
    assert faulty_days(files) == {}
