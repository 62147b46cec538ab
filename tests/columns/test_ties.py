"""Where rows are equal in a window's order, what decides their order has an edge: DuckDB is asked what does."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage import column_lineage
from tests.examples import examples

SCHEMAS = {"t": {"c": "INTEGER", "a": "INTEGER", "b": "INTEGER", "d": "INTEGER"}}
FUNCTIONS = (
    "row_number()", "ntile(2)", "lag(c)", "first_value(c)", "last_value(c)", "list(c)", "string_agg(c::VARCHAR, '')",
    "arg_max(c, d)", "mode(c)", "rank()", "cume_dist()", "sum(c)", "max(c)", "median(c)", "count(*)",
)  # fmt: skip
WINDOWS = (
    "", "ORDER BY a", "ORDER BY a, b", "ORDER BY a DESC, b", "ORDER BY b", "ORDER BY a NULLS FIRST",
    "PARTITION BY a", "PARTITION BY a ORDER BY b", "PARTITION BY a, d ORDER BY b", "PARTITION BY d, a",
    "ORDER BY d ROWS UNBOUNDED PRECEDING",
)  # fmt: skip
SHAPES = {
    "after": "SELECT c, {own} AS v, sum(c) OVER ({other}) AS w FROM t",
    "before": "SELECT c, sum(c) OVER ({other}) AS w, {own} AS v FROM t",
    "qualified": "SELECT c, {own} AS v FROM t QUALIFY count(*) OVER ({other}) > 0",
    "below": "SELECT c, {own} AS v, w FROM {below}",
    "below a union": "SELECT c, {own} AS v, w FROM (FROM {below} UNION ALL FROM t, (SELECT 0))",
    "named": "SELECT c, {own} AS v, sum(c) OVER o AS w FROM t WINDOW o AS ({other})",
    "aggregated": "SELECT 1 AS c, {alone} AS v, max(w) AS w FROM {below}",
    "grouped": "SELECT a AS c, {alone} AS v, max(w) AS w FROM {below} GROUP BY a",
    "cut": "SELECT c AS v, 1 AS c, w FROM {below} LIMIT 3",
    "first of each": "SELECT DISTINCT ON (a) c AS v, a AS c, w FROM {below}",
}  # fmt: skip
"""Statements in which the column v hangs on the order of rows that another window sorted, or not."""
AGGREGATES = (
    "list(c)",
    "first(c)",
    "last(c)",
    "string_agg(c::VARCHAR, '')",
    "arg_min(c, d)",
    "max(c)",
    "sum(c)",
)
Rows = list[tuple[int, int, int, int]]


def _answers(sql: str, rows: Rows) -> list[tuple[object, ...]]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE t (c INTEGER, a INTEGER, b INTEGER, d INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        found = connection.sql(sql).to_arrow_table()
        return sorted(zip(found["c"].to_pylist(), found["v"].to_pylist(), strict=True), key=repr)


@settings(max_examples=examples(60), deadline=None)
@given(
    shape=st.sampled_from(sorted(SHAPES)), function=st.sampled_from(FUNCTIONS), own=st.sampled_from(WINDOWS),
    other=st.sampled_from(WINDOWS), alone=st.sampled_from(AGGREGATES), seed=st.integers(0, 50),
    place=st.sampled_from([1, 2, 3]),
)  # fmt: skip
def test_what_decides_the_order_of_equal_rows_has_an_edge(
    shape: str, function: str, own: str, other: str, alone: str, seed: int, place: int
) -> None:
    sql = _statement(shape, f"{function} OVER ({own})", other, alone)
    column = [*SCHEMAS["t"]][place]
    assert column in _edges(sql) or not _changes(sql, seed, place), f"{sql}: no edge from {column}"


@pytest.mark.parametrize("shape", SHAPES)
def test_an_order_that_a_longer_one_goes_on_with_hangs_on_that(shape: str) -> None:
    sql = _statement(shape, "list(c) OVER (ORDER BY a)", "ORDER BY a, b", "list(c)")
    assert any(_changes(sql, seed, 2) for seed in range(9))
    assert "b" in _edges(sql)


def _statement(shape: str, own: str, other: str, alone: str) -> str:
    below = f"(SELECT *, sum(c) OVER ({other}) AS w FROM t)"
    return SHAPES[shape].format(own=own, other=other, alone=alone, below=below)


def _edges(sql: str) -> set[str]:
    """The columns from which the rows of the columns c and v together have an edge."""
    return {edge.column for name in ("c", "v") for edge in column_lineage(sql, SCHEMAS)[name]}


def _changes(sql: str, seed: int, place: int) -> bool:
    """Whether DuckDB gives something else where the values of one column stand in other rows."""
    chance = random.Random(seed)
    rows: Rows = [(n, chance.randrange(2), chance.randrange(5), chance.randrange(2)) for n in range(12)]
    moved = [row[place] for row in rows]
    moved = moved[5:] + moved[:5]
    others: Rows = [(*row[:place], value, *row[place + 1 :]) for row, value in zip(rows, moved, strict=True)]  # type: ignore[misc]
    return _answers(sql, rows) != _answers(sql, others)


def test_the_keys_of_distinct_on_are_those_of_its_aliases() -> None:
    """`z` is no key of the rows below, although it is the column that the alias `a` hides."""
    sql = (
        "SELECT c, list(c) OVER (ORDER BY z) AS v, sum(c) OVER (ORDER BY z, d) AS w "
        "FROM (SELECT DISTINCT ON (a) b AS a, a AS z, c, d FROM t)"
    )
    assert any(_changes(sql, seed, 3) for seed in range(9))
    assert "d" in _edges(sql)


FREE = (
    "SELECT rank() OVER (ORDER BY a) AS v, sum(c) OVER (ORDER BY a, b) AS w FROM t",
    "SELECT sum(c) OVER (ORDER BY a) AS v, sum(c) OVER (ORDER BY b) AS w FROM t",
    "SELECT row_number() OVER () AS v, sum(c) OVER (ORDER BY b) AS w FROM t",
    "SELECT row_number() OVER (ORDER BY a) AS v, sum(c) OVER (ORDER BY a DESC, b) AS w FROM t",
    "SELECT max(d) OVER (ORDER BY d) AS w, row_number() OVER (ORDER BY a) AS v "
    "FROM (SELECT DISTINCT ON (a) * FROM t)",
)
"""Functions that no order changes, windows that sort for themselves, and rows that are never equal."""


@pytest.mark.parametrize("sql", FREE)
def test_what_decides_nothing_has_no_edge(sql: str) -> None:
    edges = column_lineage(sql, SCHEMAS)["v"]
    assert {edge.column for edge in edges}.isdisjoint({"b", "d"})
