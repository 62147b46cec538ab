"""A JSON arrow at the beginning of an argument is no lambda."""

from __future__ import annotations

import pytest
from sqlglot import exp

from recsys_lineage import ColumnEdge, column_lineage
from recsys_lineage.sql.json_arrows import parsed_statements

SCHEMAS = {"orders": {"id": "INTEGER", "body": "JSON", "the key": "VARCHAR", "tags": "VARCHAR[]"}}
ARROWS = (
    "body -> 'a'", "body -> 'a' -> 'b'", "body -> 'a' ->> 'b'", "(body) -> 'a'", "body -> 0", "body -> -1",
    'body -> "the key"', "body -> orders.\"the key\"", '"body" -> lower(tags[1])', "body -> ('a' || 'b')",
    "body -> $key", "body -> body ->> 'a'",
)  # fmt: skip
CALLS = (
    "json_array_length({})", "upper({})", "coalesce({}, '1')", "coalesce('1', {})", "concat(id, {}, {})", "[{}]",
    "[id::JSON, {}]", "max({})", "count(DISTINCT {})", "string_agg({}, ',')", "list({} ORDER BY id)",
    "arg_max(id, {})", "arg_max({}, id)", "lag({}) OVER (ORDER BY id)", "json_object('k', {})", "{{'k': {}}}",
    "map {{'k': {}}}", "list_transform(tags, lambda t: concat(t, {}))", "list_transform([{}], lambda t: t)",
    "[json_type({}) FOR t IN tags]", "try({})", "struct_pack(k := {})", "row({}, id)", "count({}) FILTER (id > 1)",
)  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_an_arrow_is_the_same_with_and_without_parentheses(call: str) -> None:
    def made(*arguments: str) -> dict[str, list[ColumnEdge]]:
        listed = ", ".join(call.format(each, each) for each in arguments)
        return column_lineage(f"SELECT {listed} FROM orders", SCHEMAS)

    found = list(made(*ARROWS).values())
    assert found == list(made(*(f"({arrow})" for arrow in ARROWS)).values())
    assert all("body" in {edge.column for edge in edges} for edges in found)


@pytest.mark.parametrize(
    ("arrow", "lambda_"),
    [
        ("list_transform(l, x -> x + 1)", "list_transform(l, lambda x: x + 1)"),
        ("list_filter(l, (x, i) -> x > i)", "list_filter(l, lambda x, i: x > i)"),
        ("l.list_transform(x -> x + 1)", "l.list_transform(lambda x: x + 1)"),
        ("list_reduce(l, (x, y) -> x + y, 0)", "list_reduce(l, lambda x, y: x + y, 0)"),
        ("list_transform(l, x -> x -> 'a')", "list_transform(l, lambda x: x -> 'a')"),
    ],
)
def test_a_lambda_of_duckdb_1_stays_one(arrow: str, lambda_: str) -> None:
    (one,), (other,) = (parsed_statements(f"SELECT {each}") for each in (arrow, lambda_))
    assert one.sql("duckdb") == other.sql("duckdb")
    assert one.find(exp.Lambda) is not None
