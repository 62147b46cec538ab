"""A row's values are compared exactly as DuckDB gave them, whatever their types."""

from __future__ import annotations

import datetime as dt
import decimal
import math

import duckdb
import numpy as np
import pytest

from recsys_lineage.rows.statement.catalog import RowTraceError
from recsys_lineage.rows.trace_query import trace_query

VALUES = {
    "TINYINT": ("-128", "1"),
    "UBIGINT": ("18446744073709551615", "0"),
    "HUGEINT": ("170141183460469231731687303715884105727", "-1"),
    "DOUBLE": ("'nan'::DOUBLE", "'-infinity'::DOUBLE", "0.1", "1e300", "-0.0"),
    "FLOAT": ("0.1", "'inf'::FLOAT"),
    "DECIMAL(38, 10)": ("1234567890123456789012345678.0123456789", "0"),
    "BOOLEAN": ("true", "false"),
    "VARCHAR": ("'it''s \"$x\" %{}'", "''", "'é\n'", "chr(0) || 'a'", "'NULL'"),
    "BLOB": (r"'\x00\xFFab'::BLOB", "''::BLOB"),
    "BIT": ("'0101'::BIT", "'1'::BIT"),
    "UUID": ("'00000000-0000-0000-0000-000000000001'::UUID", "uuid()"),
    "DATE": ("'infinity'::DATE", "'-infinity'::DATE", "'0044-03-15 (BC)'::DATE", "DATE '2024-02-29'"),
    "TIME": ("TIME '23:59:59.999999'", "TIME '00:00:00'"),
    "TIMETZ": ("'10:00:00+05:30'::TIMETZ", "'10:00:00-01'::TIMETZ"),
    "TIMESTAMP": ("TIMESTAMP '1969-12-31 23:59:59.999999'", "'infinity'::TIMESTAMP"),
    "TIMESTAMPTZ": ("TIMESTAMPTZ '2024-03-31 02:30:00+02'", "'-infinity'::TIMESTAMPTZ"),
    "TIMESTAMP_NS": ("TIMESTAMP_NS '2024-01-01 00:00:00.123456789'",),
    "TIMESTAMP_S": ("TIMESTAMP_S '2024-01-01 00:00:01'",),
    "INTERVAL": ("INTERVAL '1 month'", "INTERVAL '-3 days 2 microseconds'"),
    "ENUM('a b', 'c')": ("'a b'", "'c'"),
    "INTEGER[]": ("[1, NULL]", "[]", "[1]"),
    "INTEGER[2]": ("[1, NULL]", "[1, 2]"),
    "STRUCT(a INTEGER, \"B c\" VARCHAR[])": ("{'a': NULL, 'B c': ['x', NULL]}", "{'a': 1, 'B c': NULL}"),
    "MAP(VARCHAR, INTEGER)": ("MAP {'a': 1, 'b': NULL}", "MAP {}"),
    "MAP(INTEGER[], STRUCT(x DATE))": ("MAP {[1]: {'x': DATE '2024-01-01'}}",),
    "STRUCT(s STRUCT(d DECIMAL(4, 2))[])[]": ("[{'s': [{'d': 1.25}, NULL]}, NULL]",),
    "JSON": ("'{\"a\": [1, null]}'::JSON",),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_a_row_is_found_by_a_value_of_any_type(kind: str) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t (id INTEGER, v {kind})")
        for number, value in enumerate((*VALUES[kind], "NULL")):
            connection.execute(f"INSERT INTO t VALUES ({number}, {value})")
        schemas = {"t": {"id": "INTEGER", "v": kind}}
        for number, value in connection.execute("SELECT id, v FROM t ORDER BY id").fetchall():
            query = trace_query("SELECT v FROM t", schemas, "t", {"v": value})
            assert [row[0] for row in connection.execute(query).fetchall()] == [number]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INTEGER", 1.5),
        ("INTEGER", [1]),
        ("INTEGER", "x"),
        ("INTEGER", "1.5"),
        ("INTEGER", 1 << 40),
        ("INTEGER", dt.date(2020, 1, 1)),
        ("INTEGER", math.nan),
        ("UTINYINT", -1),
        ("DECIMAL(10,2)", decimal.Decimal("1.239")),
        ("DECIMAL(10,2)", 10**12),
        ("DATE", "x"),
        ("DATE", dt.datetime(2020, 1, 1, 3)),
        ("DATE", 5),
        ("UUID", 5),
        ("ENUM('x', 'y')", "z"),
        ("JSON", "{a"),
        ("INTEGER[]", ["x"]),
        ("INTEGER[2]", [1, 2, 3]),
        ("VARCHAR[]", "a"),
        ("STRUCT(a INTEGER)", {"b": 1}),
        ("BLOB", "a"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: object) -> None:
    with pytest.raises(RowTraceError, match="cannot be one of its type") as raised:
        trace_query("SELECT v FROM t", {"t": {"v": kind}}, "t", {"v": value})
    assert raised.value.where == "v"


def test_a_list_may_be_a_numpy_array() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT [1, 2] AS v UNION ALL SELECT [3]")
        query = trace_query("SELECT v FROM t", {"t": {"v": "INTEGER[]"}}, "t", {"v": np.array([1, 2])})
        assert connection.execute(query).fetchall() == [([1, 2],)]
