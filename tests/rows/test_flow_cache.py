"""Statements taken apart to follow rows are cached for other processes, and find the same as those that are not."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from recsys_lineage.rows import flow_cache
from recsys_lineage.rows.flow_cache import FlowCache
from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.trace_query import traced_tables
from tests.rows.generated import SCHEMAS
from tests.rows.laws import Rows, connected
from tests.rows.test_flow_laws import KEYED
from tests.rows.test_wanted_groups import CUT

_DATA: dict[str, Rows] = {
    "t": [("z", 1, 2), ("a", 1, 1), ("a", 0, 1), (None, 2, 3), ("b", 0, 0)],
    "u": [("a", 0), ("a", 1), (None, 0), ("b", 2)],
}
_KEPT_OUT = {
    "what another keeps out": "SELECT k, n FROM t WHERE n > (SELECT count(*) FROM t AS o WHERE o.k < t.k "
    "AND NOT EXISTS (SELECT 1 FROM u WHERE u.k = o.k AND u.y > 1))"
}
"""A descent that is wanted less of where the traced rows give the row again."""


@pytest.fixture(autouse=True)
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def _followed(sql: str, flows: FlowCache | None, table: str = "t", **values: object) -> list[str]:
    with connected(_DATA) as connection:
        connection.execute(f"CREATE TABLE given AS FROM {table} LIMIT 1")
        connection.execute(f"CREATE TABLE stored AS {sql}", values or None)
        given = (sql, SCHEMAS, table, "given", connection, values)
        rows = flowed(*given, stored="stored", all_stored=True, flows=flows)
    return sorted(map(repr, rows.to_pylist()))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("how", [*KEYED, *CUT])
@pytest.mark.parametrize("most", [0, 100_000])
def test_a_kept_flow_finds_what_a_new_one_does(
    how: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys_lineage.rows.stepwise._MOST_MARKED", most)
    monkeypatch.setattr("recsys_lineage.rows.statement.short_lists.MOST", min(most, 20))
    sql = (KEYED | CUT)[how]
    new = _followed(sql, None)
    assert _followed(sql, FlowCache(tmp_path)) == new
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) == 1
    assert _followed(sql, FlowCache(tmp_path)) == new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def _made_of(
    sql: str,
    flows: FlowCache | None,
    values: dict[str, object] | None = None,
    *,
    most: int = 2,
    first: int = 0,
) -> list[str]:
    """What the first rows of a statement's result are made of, and what is said beside."""
    with connected(_DATA) as connection:
        rows = connection.sql(sql, params=values).to_arrow_table().slice(first, most)
        rows = pa.concat_tables([rows] * (most if rows.num_rows == 1 else 1))  # a row and its copy are two
        named = [table for table in SCHEMAS if re.search(rf"\b{table}\b", sql)]
        found = traced_tables(sql, SCHEMAS, named, rows, connection, values or {}, flows)
    return [
        f"{name} {sorted(map(repr, rows.to_pylist()))} {how.context} {how.insufficient}"
        for name, (rows, how) in found.items()
    ]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("how", [*KEYED, *CUT, "what another keeps out"])
def test_a_kept_descent_finds_what_a_new_one_does(how: str, tmp_path: Path) -> None:
    sql = (KEYED | CUT | _KEPT_OUT)[how]
    new = _made_of(sql, None)
    assert _made_of(sql, FlowCache(tmp_path)) == new
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) == 1
    assert _made_of(sql, FlowCache(tmp_path)) == new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def test_a_descent_hangs_on_all_that_it_answers(tmp_path: Path) -> None:
    flows = FlowCache(tmp_path)
    sql = "SELECT k, n + $more AS v FROM t JOIN u USING (k)"
    for number, more in enumerate([1, 1.5, 1]):
        assert _made_of(sql, flows, {"more": more}) == _made_of(sql, None, {"more": more})
        assert len(list(tmp_path.iterdir())) == min(number + 1, 2)


_NULLS_AND_NUMBERS = (
    "SELECT k, n, n / 3::DOUBLE AS third, [k, k] AS ks, n = 1 AS is_one, sum(n / 7::DOUBLE) AS s FROM t "
    "GROUP BY ALL"
)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("how", ["values of many kinds", "what another keeps out", *KEYED, *CUT])
def test_what_was_kept_for_one_row_finds_what_others_are_made_of(how: str, tmp_path: Path) -> None:
    sql = (KEYED | CUT | _KEPT_OUT | {"values of many kinds": _NULLS_AND_NUMBERS})[how]
    rows = _rows_of(sql)[:3]
    number = len(rows)
    new = [_made_of(sql, None, most=1, first=first) for first in range(number)]
    assert [_made_of(sql, FlowCache(tmp_path), most=1, first=first) for first in range(number)] == new
    assert len(list(tmp_path.iterdir())) == len({tuple(value is None for value in row) for row in rows})


def _rows_of(sql: str) -> list[tuple[object, ...]]:
    with connected(_DATA) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("value", ["'infinity'::DATE", "'2020-01-01 00:00:00.123456789'::TIMESTAMP_NS"])
def test_a_value_that_stands_for_several_is_not_taken_for_one_of_them(value: str, tmp_path: Path) -> None:
    sql = f"SELECT k, n, {value} AS v FROM t WHERE k = 'b'"
    for _ in range(2):
        assert _made_of(sql, FlowCache(tmp_path), most=1) == _made_of(sql, None, most=1)
        assert "'b'" in _made_of(sql, None, most=1)[0]


def test_whatever_the_answer_hangs_on_makes_another_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = FlowCache(tmp_path)
    sql = "SELECT k, n + $more AS v FROM t JOIN u USING (k)"
    for number, (table, values) in enumerate(
        [("t", {"more": 1}), ("u", {"more": 1}), ("t", {"more": 1.5}), ("t", {"more": 1})]
    ):
        assert _followed(sql, flows, table, **values) == _followed(sql, None, table, **values)
        assert len(list(tmp_path.iterdir())) == min(number + 1, 3)
    monkeypatch.setattr(flow_cache, "_analysis", lambda: "other code")
    _ = _followed(sql, flows, "t", more=1)
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_not_as_it_was_written_is_found_anew(tmp_path: Path) -> None:
    sql = KEYED["a union of both"]
    new = _followed(sql, FlowCache(tmp_path))
    (cached,) = tmp_path.iterdir()
    for text in ("", "[]", '{"steps": [{}]}', json.dumps({"steps": 1, "wanted": "", "costly": {}})):
        cached.write_text(text)
        assert _followed(sql, FlowCache(tmp_path)) == new


def test_values_are_not_kept(tmp_path: Path) -> None:
    """Neither those of parameters, nor those of a row, nor those by which a PIVOT calls its columns."""
    assert "'z'" in _made_of("SELECT k, [k] AS ks FROM t WHERE k > 'y'", FlowCache(tmp_path), most=1)[0]
    assert all("'z'" not in path.read_text() for path in tmp_path.iterdir())
    _ = _followed("SELECT k, n AS v FROM t WHERE k <> $other", FlowCache(tmp_path), other="the secret")
    assert all("the secret" not in path.read_text() for path in tmp_path.iterdir())
    before = list(tmp_path.iterdir())
    with connected(_DATA) as connection:
        connection.execute("CREATE TABLE given AS FROM t LIMIT 1")
        sql = "FROM (PIVOT t ON k USING sum(n))"
        columns = [column[0] for column in connection.execute(sql).description or ()]
        _ = flowed(sql, SCHEMAS, "t", "given", connection, {}, columns, flows=FlowCache(tmp_path))
    assert list(tmp_path.iterdir()) == before


def test_no_more_than_some_are_kept_and_none_where_no_byte_code_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_cache, "MOST_CACHED", 3)
    for number in range(5):
        _ = _followed(f"SELECT k, n + {number} AS v FROM t", FlowCache(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    none = tmp_path / "none"
    none.mkdir()
    _ = _followed("SELECT k, n AS v FROM t", FlowCache(none))
    _ = _followed("SELECT k, n AS v FROM t", FlowCache(tmp_path / "missing"))
    assert not list(none.iterdir())
