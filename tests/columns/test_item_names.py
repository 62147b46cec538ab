"""Columns of a subquery without aliases have DuckDB's names for their expressions, so they are found by them."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage import column_lineage
from recsys_lineage.sql.names import quote
from tests.columns.written_cases import SCHEMAS

EXPRESSIONS = (
    "list(a)", "array_agg(a)", "string_agg(b, ',')", "listagg(b)", "group_concat(b, ';')", "max_by(b, a)",
    "list(a ORDER BY c DESC NULLS LAST)", "percentile_cont(0.5) WITHIN GROUP (ORDER BY a)", "bool_and(a > 2)",
    "sum(a) FILTER (c > 1)", "count(*)", "a ** 2", "a ^ 2", "a IS NOT NULL", "b ^@ 'a'", "if(a > 1, b, 'x')", "len(l)",
    "length(l)", "list_contains(l, 1)", "interval 1 day", "d + INTERVAL 1 MONTH", "datediff('day', d, d)",
    "substr(b, 1, 2)", "position('a' IN b)", "instr(b, 'a')", "string_split(b, ',')", "ceiling(a)", "pow(a, 2)",
    "log10(a)", "mod(a, 2)", "@a", "a!", "b::VARCHAR(5)", "a::HUGEINT", "a::INT8", "b::STRING", "b::CHAR(2)",
    "s::STRUCT(x BIGINT, t STRUCT(y BIGINT))", "a IS DISTINCT FROM c", "(a)", "(a + c) * 2", "extract(year FROM d)",
    "CASE WHEN a > 1 THEN b END", "[x + 1 FOR x IN l]", "(SELECT max(k) FROM u)", "count(*) OVER w",
    "sum(a) OVER (PARTITION BY b ORDER BY c)", "l[::-1]", "s.x", "s['x']", "{'p': a}", "b ->> 'k'",
)  # fmt: skip
OF_DUCKDB_2 = ("l[::-1]", "a::HUGEINT", "b::CHAR(2)", "[x + 1 FOR x IN l]", "b::VARCHAR(5)")
STATISTICS = ("sum(a) / 2", "list(a)", "string_agg(e::VARCHAR, ',')", "count(*)", "max(a) FILTER (a > 1)")


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    for table in ("t", "u"):
        made.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {k}' for n, k in SCHEMAS[table].items())})")
    return made


def _found_by_name(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    names = [each[0] for each in connection.execute(f"SELECT * FROM ({sql})").description or ()]
    listed = ", ".join(map(quote, names))
    assert [*column_lineage(f"SELECT {listed} FROM ({sql})", SCHEMAS).items()] == [
        *zip(names, column_lineage(sql, SCHEMAS).values(), strict=True)
    ]


@pytest.mark.parametrize(
    "text", ["SELECT {} FROM t", "SELECT DISTINCT ON (1) {}\nFROM t", "FROM t SELECT {}, 1"]
)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_is_found_by_its_name(
    expression: str, text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    window = " WINDOW w AS (PARTITION BY b)" if expression.endswith("OVER w") else ""
    sql = text.format(expression) + window
    if duckdb.__version__.startswith("1.") and expression in OF_DUCKDB_2:
        pytest.skip("DuckDB 1.5 does not take it, or names it in two ways")
    _found_by_name(sql, connection)


@pytest.mark.parametrize(
    "text", ["PIVOT u ON k IN ('x', 'y') USING {} GROUP BY e", "FROM u PIVOT ({} FOR k IN ('x'))"]
)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_each_statistic_of_a_pivot_is_found_by_its_name(
    statistic: str, text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    for statistics in (f"{statistic}, min(a)", f"min(a) AS least, {statistic}"):
        _found_by_name(text.format(statistics), connection)


def test_columns_are_chosen_by_these_names() -> None:
    found = column_lineage(
        "SELECT COLUMNS('^len') FROM (SELECT len(l), length(b), list(a) FROM t GROUP BY ALL)", SCHEMAS
    )
    assert [each.column for of in found.values() for each in of if each.kind == "DIRECT"] == ["l", "b"]
