"""The same tables through Polars and delta-rs: any Delta reader opens them, at any version."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from recsys_lineage.lake.lake import Lake


def _read(lake: Lake, number: int) -> list[tuple]:
    """A version's rows, read by Polars from the table's URL and by delta-rs, which must agree."""
    options = dict(lake.storage.options) or None
    uri = lake.table_uri("t")
    by_polars = pl.scan_delta(uri, version=number, storage_options=options).collect().select("i", "p").rows()
    delta = lake.open_delta("t", number)
    assert delta is not None
    by_delta = [(row["i"], row["p"]) for row in delta.to_pyarrow_table().to_pylist()]
    assert sorted(by_delta) == sorted(by_polars)
    return sorted(by_delta)


@pytest.mark.parametrize(("by", "commits"), [(None, 26), ("p", 26), ("p", 121)])
def test_versions_before_and_after_checkpoints(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, by: str | None, commits: int
) -> None:
    expected: list[list[tuple]] = []
    for number in range(commits):
        keys = ["0", "1", "2"] if by is None or number == 0 else [str(number % 3)]
        rows = f"SELECT {number}::BIGINT AS i, unnest({keys}) AS p"
        folder_lake.write(
            "t", rows, connection=folder_db, partition_by=by, partitions=keys if by and number else None
        )
        kept = [row for row in expected[-1] if row[1] not in keys] if expected else []
        expected.append(sorted([*kept, *((number, key) for key in keys)]))
    log = folder_lake.storage.files(folder_lake.table_uri("t") + "/_delta_log")
    assert sum(".checkpoint" in path for path in log) == (commits - 1) // 20
    for number in sorted({0, 1, 11, 12, 18, 19, 20, 21, 22, commits // 2, commits - 2, commits - 1}):
        assert _read(folder_lake, number) == expected[number]
        version = folder_lake.version("t", number)
        assert sorted(folder_lake.scan(version).collect().rows()) == expected[number]
        assert sorted(folder_db.sql(f"FROM {folder_lake.relation(version)}").fetchall()) == expected[number]
    assert folder_lake.version("t").version == commits - 1


def test_versions_before_and_after_changes_of_shape(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    for number, by in enumerate([None, "p", None, "p"]):
        extra = ", TIMESTAMP '2017-01-01' AS t" if number == 2 else ""
        lake.write("t", f"SELECT {number} AS i, 'x' AS p{extra}", connection=db, partition_by=by)
    for number in range(4):
        assert _read(lake, number) == [(number, "x")]


def test_types_read_elsewhere(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT 1::HUGEINT AS n, 2.5::DECIMAL(12,2) AS d, TIMESTAMP '2017-01-01 01:02:03' AS t, "
        "TIMESTAMPTZ '2017-01-01 01:02:03+00' AS z, DATE '2017-01-01' AS day, 'ab'::BLOB AS b, "
        "[{'a': 1, 'b': [0.5::FLOAT]}] AS l, 'é' AS s, NULL AS nothing"
    )
    version = lake.write("t", query, connection=db)
    read = pl.scan_delta(lake.table_uri("t"), storage_options=dict(lake.storage.options) or None).collect()
    assert read.equals(lake.scan(version).collect())
    assert read.equals(pl.DataFrame(lake.arrow(version)))


def test_the_history_shows_who_wrote(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    lake.write("t", "SELECT 1 AS i", connection=db, record={"asset": "t"})
    lake.write("t", "SELECT 2 AS i", connection=db, record={"asset": "t"})
    delta = lake.open_delta("t")
    assert delta is not None
    assert ['"asset": "t"' in entry["lineage"] for entry in delta.history()] == [True, True]
