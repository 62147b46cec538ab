"""Distinct counts of the Parquet writer: where one is told, it is what counting would give."""

from __future__ import annotations

import tempfile

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from tests.examples import examples

_VALUES = {
    "text": (pl.String, st.text("aé\0 ,", max_size=2)),
    "number": (pl.Int64, st.sampled_from([0, -1, 2**62, 7])),
    "double": (pl.Float64, st.sampled_from([0.0, -0.0, float("nan"), 1.5, float("inf")])),
    "day": (pl.Date, st.dates().map(lambda day: day.replace(month=1, day=1))),
    "nested, x": (pl.Int8, st.integers(0, 2)),
    "flag": (pl.Boolean, st.booleans()),
}


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.integers(1, 40), st.integers(1, 30))
def test_what_is_told_is_the_count(data: st.DataObject, rows: int, times: int) -> None:
    frame = pl.DataFrame(
        {
            name: data.draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
            for name, (_, values) in _VALUES.items()
        },
        schema={name: type_ for name, (type_, _) in _VALUES.items()},
    )
    frame = pl.concat([frame] * times).with_columns(nested=pl.struct(x=pl.col("number") % 5))
    with tempfile.TemporaryDirectory() as folder:
        written = Lake(folder).write_arrow("t", frame)
    told = {name: column.distinct for name, column in written.columns_written.items()}
    with duckdb.connect() as connection:
        for name in frame.columns:
            found = connection.execute(f'SELECT count(DISTINCT "{name}") FROM frame').fetchall()[0][0]
            assert told[name] in (None, found), name
    assert told["nested"] is None
    assert TableVersion.from_json(written.to_json()) == written


def _distinct(version: TableVersion) -> int | None:
    return version.columns_written["n"].distinct


def test_several_files_or_row_groups_tell_none(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    few = "SELECT i % 3 AS n, 'p' || (i % 2) AS p FROM range(300) AS t(i)"
    assert _distinct(lake.write("one", few, connection=db)) == 3
    assert _distinct(lake.write("of_days", few, connection=db, partition_by="p")) is None
    one_day = lake.write(
        "of_days", f"{few} WHERE i % 2 = 0", connection=db, partition_by="p", partitions=["p0"]
    )
    assert _distinct(one_day) == 3, "of what was written"
    many = "SELECT i % 3 AS n FROM range(400_000) AS t(i)"
    assert _distinct(lake.write("many", many, connection=db)) is None
    assert _distinct(lake.write("one", few, connection=db, append=True)) is None


def test_a_column_of_nulls_alone_has_no_value(folder_lake: Lake) -> None:
    written = folder_lake.write_arrow("t", pl.DataFrame({"n": [None] * 5}, schema={"n": pl.String}))
    assert _distinct(written) == 0


def test_of_no_rows_nothing_is_told(folder_lake: Lake) -> None:
    assert folder_lake.write_arrow("t", pl.DataFrame(schema={"n": pl.Int64})).rows == 0
