"""Partitions: any text, date or integer as a value; anything else is refused."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake

VALUES = ["a b", "  led and trailed ", "a/b", "../../up", "..", ".", "é漢\U0001f600", "50%", "a%20b", "%", "k=v", "o'q",
          'd"q', "a\\b", "a:b", "*?[x]", "x#y", "a+b", "tab\tx", "line\nbreak", "&;,{}()", "~`|<>^", "NULL ",
          "2017-01-01", "007", "true", "x" * 60]  # fmt: skip


def test_odd_values_round_trip(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    values = VALUES if lake.storage.is_local else VALUES[::3]
    db.execute("CREATE TABLE source (i INTEGER, p VARCHAR)")
    db.executemany("INSERT INTO source VALUES (?, ?)", list(enumerate(values)))
    version = lake.write("t", "FROM source", connection=db, partition_by="p")
    assert sorted(version.partitions) == sorted(values)
    expected = list(enumerate(values))
    assert sorted(db.sql(f"FROM {lake.relation(version)}").fetchall()) == expected
    assert sorted(lake.scan(version).collect().rows()) == expected
    for value in values[:6]:
        relation = lake.relation(version, partitions=[value])
        assert db.sql(f"SELECT p FROM {relation}").fetchall() == [(value,)]
    again = lake.write(
        "t", "SELECT i + 100 AS i, p FROM source", connection=db, partition_by="p", partitions=values
    )
    assert sorted(db.sql(f"FROM {lake.relation(again)}").fetchall()) == [(i + 100, p) for i, p in expected]
    assert again.files == len(values)


def test_odd_values_read_elsewhere(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    folder_db.execute("CREATE TABLE source (i INTEGER, p VARCHAR)")
    folder_db.executemany("INSERT INTO source VALUES (?, ?)", list(enumerate(VALUES)))
    folder_lake.write("t", "FROM source", connection=folder_db, partition_by="p")
    assert sorted(pl.read_delta(folder_lake.table_uri("t")).rows()) == list(enumerate(VALUES))
    delta = folder_lake.open_delta("t")
    assert delta is not None
    read = delta.to_pyarrow_table().to_pylist()
    assert sorted((row["i"], row["p"]) for row in read) == list(enumerate(VALUES))


@pytest.mark.parametrize(
    ("value", "type_", "key"),
    [("DATE '2017-01-31'", "DATE", "2017-01-31"), ("-5", "INTEGER", "-5"), ("7", "TINYINT", "7"),
     ("7::HUGEINT", "BIGINT", "7"), ("'x'::ENUM('x')", "VARCHAR", "x")],
)  # fmt: skip
def test_dates_and_integers_keep_their_type(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, value: str, type_: str, key: str
) -> None:
    cast = value if "::" in value else f"CAST({value} AS {type_})"
    for partitions in (None, [key]):
        version = folder_lake.write(
            "t", f"SELECT 1 AS i, {cast} AS p", connection=folder_db, partition_by="p", partitions=partitions
        )
    assert (list(version.partitions), version.files, version.schema[1].type) == ([key], 1, type_)
    read = folder_db.sql(
        f"SELECT p, typeof(p) FROM {folder_lake.relation(version, partitions=[key])}"
    ).fetchall()
    assert read == folder_db.sql(f"SELECT CAST({value} AS {type_}), '{type_}'").fetchall()
    assert folder_lake.scan(version).collect()["p"].to_list() == [read[0][0]]


@pytest.mark.parametrize(
    "value", ["NULL::VARCHAR", "''", "NULL::DATE", "'__HIVE_DEFAULT_PARTITION__'", "'NULL'", "'null'"]
)
def test_a_row_without_a_partition_is_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, value: str
) -> None:
    with pytest.raises(LineageError, match="no value in the partition column 'p'"):
        folder_lake.write("t", f"SELECT 1 AS i, {value} AS p", connection=folder_db, partition_by="p")
    assert not folder_lake.has("t")
    assert list(folder_lake.storage.files(folder_lake.table_uri("t"))) == []


@pytest.mark.parametrize(
    "query",
    ["SELECT 1 AS i, 1.5 AS p", "SELECT 1 AS i, true AS p", "SELECT 1 AS i, [1] AS p",
     "SELECT 1 AS i, TIMESTAMP '2017-01-01' AS p"],
)  # fmt: skip
def test_other_types_are_refused(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(LineageError, match=r"'p' cannot be a table's partitions(.|\n)*rename or cast it"):
        folder_lake.write("t", query, connection=folder_db, partition_by="p")


def test_odd_partition_columns_are_refused(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    for name in ("a b", "é", "a=b"):
        with pytest.raises(LineageError, match="cannot be a table's partitions"):
            folder_lake.write(
                "t", f"SELECT 1 AS i, 'x' AS \"{name}\"", connection=folder_db, partition_by=name
            )
    with pytest.raises(LineageError, match="lacks the partition column 'p'"):
        folder_lake.write("t", "SELECT 1 AS i", connection=folder_db, partition_by="p")
    with pytest.raises(LineageError, match="nothing but the partition column"):
        folder_lake.write("t", "SELECT 'x' AS p", connection=folder_db, partition_by="p")


def test_more_partitions_than_open_files(folder_lake: Lake) -> None:
    """DuckDB closes a partition's file and starts another when there are too many: no row may be lost."""
    folder_db = duckdb.connect()  # not locked, so that there can be too many of few
    folder_db.execute("SET partitioned_write_max_open_files = 3; SET partitioned_write_flush_threshold = 500")
    version = folder_lake.write(
        "t", "SELECT i, (i * 7919) % 60 AS p FROM range(100000) t(i)", connection=folder_db, partition_by="p"
    )
    assert version.files > 60
    assert {part.rows for part in version.partitions.values()} == {1666, 1667}
    relation = folder_lake.relation(version)
    assert folder_db.sql(f"SELECT count(*), count(DISTINCT i) FROM {relation}").fetchall() == [
        (100000, 100000)
    ]
