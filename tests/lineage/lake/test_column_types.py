"""Columns: every type and name is stored so that it reads back, or is refused in plain words."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.delta_schema import storable
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from tests.lineage.lake.conftest import ENGINE

KEPT = {
    "BOOLEAN": "true",
    "TINYINT": "-128",
    "SMALLINT": "32767",
    "INTEGER": "-2147483648",
    "BIGINT": "9223372036854775807",
    "FLOAT": "1.5",
    "DOUBLE": "'-Infinity'",
    "VARCHAR": "'é漢'",
    "BLOB": r"'\x00\xFFa'",
    "DATE": "'1600-02-29'",
    "TIMESTAMP": "'2017-01-01 12:34:56.789123'",
    "TIMESTAMP WITH TIME ZONE": "'2017-01-01 12:34:56.789123+02'",
    "DECIMAL(38,3)": "'-12345678901234567890123456789012345.678'",
    "INTEGER[]": "[1, NULL]",
    "VARCHAR[][]": "[['a'], [], NULL]",
    'STRUCT(a INTEGER, "b c" VARCHAR[])': "{'a': 1, 'b c': ['x']}",
    "MAP(VARCHAR, STRUCT(a DOUBLE))": "MAP {'k': {'a': 0.5}}",
}
# Type, a value, the type it is stored as.
CAST = [
    ("UTINYINT", "255", "SMALLINT"),
    ("USMALLINT", "65535", "INTEGER"),
    ("UINTEGER", "4294967295", "BIGINT"),
    ("UBIGINT", "18446744073709551615", "DECIMAL(20,0)"),
    ("HUGEINT", "9223372036854775807", "BIGINT"),
    ("UHUGEINT", "7", "BIGINT"),
    ("BIGNUM", "'123456789012345678901234567890123456789012345'", "VARCHAR"),
    ("UUID", "'c0ffee00-0000-4000-8000-000000000001'", "VARCHAR"),
    ("ENUM('x', 'y)', 'it''s, STRUCT(')", "'it''s, STRUCT('", "VARCHAR"),
    ("TIME", "'12:34:56.789'", "VARCHAR"),
    ("TIME WITH TIME ZONE", "'12:34:56+02'", "VARCHAR"),
    ("INTERVAL", "'1 day 2 hours'", "VARCHAR"),
    ("BIT", "'0101'", "VARCHAR"),
    ("JSON", "'{\"a\": [1]}'", "VARCHAR"),
    ("TIMESTAMP_S", "'2017-01-01 12:34:56'", "TIMESTAMP"),
    ("TIMESTAMP_MS", "'2017-01-01 12:34:56.789'", "TIMESTAMP"),
    ("TIMESTAMP_NS", "'2017-01-01 12:34:56.789123'", "TIMESTAMP"),
    ('"NULL"', "NULL", "VARCHAR" if int(duckdb.__version__.split(".")[0]) > 1 else "INTEGER"),
    ("FLOAT[3]", "[1, 2.5, NULL]", "FLOAT[]"),
    ("HUGEINT[2][]", "[[1, 2]]", "BIGINT[][]"),
    ("STRUCT(a HUGEINT, b ENUM('x'))[]", "[{'a': 1, 'b': 'x'}, NULL]", "STRUCT(a BIGINT, b VARCHAR)[]"),
    ("STRUCT(\"a, b\" UUID, \"q\"\"q\" STRUCT(\"select\" TIME[]))",
     "{'a, b': 'c0ffee00-0000-4000-8000-000000000001', 'q\"q': {'select': ['01:02:03']}}",
     "STRUCT(\"a, b\" VARCHAR, \"q\"\"q\" STRUCT(\"select\" VARCHAR[]))"),
    ("MAP(ENUM('k'), STRUCT(n UBIGINT)[])", "MAP {'k': [{'n': 18446744073709551615}]}",
     "MAP(VARCHAR, STRUCT(n DECIMAL(20,0))[])"),
]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("type_", "value", "stored"), [(type_, value, type_) for type_, value in KEPT.items()] + CAST
)
def test_a_type_reads_back(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, type_: str, value: str, stored: str
) -> None:
    values = "CAST(NULL AS VARCHAR)" if type_ == '"NULL"' else f"CAST({value} AS {type_})"
    query = (
        "SELECT NULL AS v, 1 AS k"
        if type_ == '"NULL"'
        else f"SELECT {values} AS v, 1 AS k UNION ALL SELECT NULL, 2"
    )
    version = folder_lake.write("t", query, connection=folder_db)
    expected = folder_db.sql(f"SELECT CAST({values} AS {stored})::VARCHAR").fetchall()
    relation = folder_lake.relation(version)
    spelled = str(folder_db.sqltype(stored))
    assert version.schema[0] == Column("v", spelled)
    assert folder_db.sql(f"SELECT v::VARCHAR FROM {relation} WHERE k = 1").fetchall() == expected
    assert folder_db.sql(f"SELECT typeof(v) FROM {relation} WHERE k = 1").fetchall() == [(spelled,)]
    assert folder_db.sql(f"SELECT v FROM {relation} WHERE k > 1 AND v IS NOT NULL").fetchall() == []
    read = folder_lake.scan(version).filter(pl.col("k") == 1).collect()
    assert read["v"].to_list() == folder_lake.arrow(version).slice(0, 1)["v"].to_pylist() or type_.startswith(
        "MAP"
    )
    again = folder_lake.write("t", f"FROM {relation}", connection=folder_db)
    assert (again.schema, again.fingerprint) == (version.schema, version.fingerprint)


def test_sums_of_integers_are_stored_as_integers(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    version = folder_lake.write("t", "SELECT sum(range) AS n FROM range(10)", connection=folder_db)
    assert version.schema == (Column("n", "BIGINT"),)
    assert folder_lake.arrow(version)["n"].to_pylist() == [45]
    with pytest.raises(duckdb.ConversionException, match="9223372036854775808"):
        folder_lake.write("t", "SELECT sum(n) AS n FROM (VALUES (9223372036854775807), (1)) t(n)",
                          connection=folder_db)  # fmt: skip
    assert folder_lake.version("t") == version


@pytest.mark.parametrize("type_", ["UNION(a INTEGER, b VARCHAR)", "STRUCT(a UNION(b INTEGER))[]", "VARIANT"])
def test_a_type_that_cannot_be_stored_is_refused(folder_db: duckdb.DuckDBPyConnection, folder_lake: Lake,
                                                 type_: str) -> None:  # fmt: skip
    assert storable(folder_db.sqltype(type_)) is None
    with pytest.raises(LineageError, match=r"Column 'v' cannot be stored(.|\n)*CAST\(\"v\" AS VARCHAR\)"):
        folder_lake.write("t", f"SELECT CAST(NULL AS {type_}) AS v", connection=folder_db)


@pytest.mark.parametrize("value", ["{'a': row(1, 2)}", "row(1, now())"])
def test_a_struct_without_names_is_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, value: str
) -> None:
    with pytest.raises(LineageError, match="structs with named fields"):
        folder_lake.write("t", f"SELECT {value} AS v", connection=folder_db)


NAMES = ["a b", 'a"b', "o'q", "é漢", "select", "a.b", "a,b;c", "a{b}(c)", "a=b", "a\tb", "a\nb", "50%", "a/b", "%20",
         "Customer ID", "_file", "A"]  # fmt: skip


def test_odd_column_names(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(
        '{} AS "{}"'.format(number, name.replace('"', '""')) for number, name in enumerate(NAMES)
    )
    folder_lake.write("t", f"SELECT {columns}", connection=folder_db)
    version = folder_lake.write("t", f"SELECT {columns}", connection=folder_db)
    assert version.columns == NAMES
    read = folder_db.sql(f"FROM {folder_lake.relation(version)}")
    assert (read.columns, read.fetchall()) == (NAMES, [tuple(range(len(NAMES)))])
    assert folder_lake.scan(version).collect().rows(named=True) == [
        dict(zip(NAMES, range(len(NAMES)), strict=True))
    ]
    assert pl.read_delta(folder_lake.table_uri("t")).columns == NAMES


@pytest.mark.parametrize("columns", ["1 AS i, 2 AS i", "1 AS i, 2 AS I"])
def test_repeated_columns_are_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, columns: str
) -> None:
    with pytest.raises(LineageError, match="several columns named"):
        folder_lake.write("t", f"SELECT {columns}", connection=folder_db)


@pytest.mark.parametrize("name", ["", "A", "a b", "a-b", "../a", "a/b", "1a", "é", "a.b", "x" * 200, "a\n"])
def test_odd_table_names_are_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, name: str
) -> None:
    with pytest.raises(LineageError, match="cannot be a table's name"):
        folder_lake.write(name, "SELECT 1 AS i", connection=folder_db)
    with pytest.raises(LineageError, match="lower-case letters"):
        folder_lake.latest(name)


@pytest.mark.parametrize("folder", ["a b", "o'q", 'd"q', "é漢", "a#b", "a{b}", "a,b;c&d", "~x"])
def test_odd_folders(tmp_path: Path, folder: str) -> None:
    lake = Lake(str(tmp_path / folder / "lake"), ENGINE)
    query = "SELECT 1 AS i, 'x y' AS p"
    with lake.connect() as db:
        lake.write("t", query, connection=db, partition_by="p")
        version = lake.write("t", query, connection=db, partition_by="p", partitions=["x y"])
        assert db.sql(f"FROM {lake.relation(version)}").fetchall() == [(1, "x y")]
    assert lake.scan(version).collect().rows() == [(1, "x y")]
    assert lake.tables() == ["t"]


@pytest.mark.parametrize(
    "root", ["/tmp/a*b", "/tmp/a[b]", "/tmp/a?b", "/tmp/env=prod/lake", "/tmp/a%20b", "gs://b/c"]
)
def test_roots_that_readers_would_misread_are_refused(root: str) -> None:
    with pytest.raises(LineageError, match="A lake cannot lie at"):
        Lake(root)
