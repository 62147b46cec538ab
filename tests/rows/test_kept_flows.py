"""Statements taken apart to follow rows are kept for other processes, and say the same as those that are not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from recsys_lineage.rows import kept_flows
from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.kept_flows import KeptFlows
from tests.rows.generated import SCHEMAS
from tests.rows.laws import Rows, connected
from tests.rows.test_flow_laws import KEYED
from tests.rows.test_wanted_groups import CUT

_DATA: dict[str, Rows] = {
    "t": [("z", 1, 2), ("a", 1, 1), ("a", 0, 1), (None, 2, 3), ("b", 0, 0)],
    "u": [("a", 0), ("a", 1), (None, 0), ("b", 2)],
}


@pytest.fixture(autouse=True)
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def _followed(sql: str, flows: KeptFlows | None, table: str = "t", **values: object) -> list[str]:
    with connected(_DATA) as connection:
        connection.execute(f"CREATE TABLE given AS FROM {table} LIMIT 1")
        connection.execute(f"CREATE TABLE stored AS {sql}", values or None)
        given = (sql, SCHEMAS, table, "given", connection, values)
        rows = flowed(*given, stored="stored", all_stored=True, flows=flows)
    return sorted(map(repr, rows.to_pylist()))


@pytest.mark.parametrize("how", [*KEYED, *CUT])
@pytest.mark.parametrize("most", [0, 100_000])
def test_a_kept_flow_finds_what_a_new_one_does(
    how: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys_lineage.rows.stepwise._MOST_MARKED", most)
    sql = (KEYED | CUT)[how]
    new = _followed(sql, None)
    assert _followed(sql, KeptFlows(tmp_path)) == new
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 1
    assert _followed(sql, KeptFlows(tmp_path)) == new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept


def test_whatever_the_answer_hangs_on_makes_another_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = KeptFlows(tmp_path)
    sql = "SELECT k, n + $more AS v FROM t JOIN u USING (k)"
    for number, (table, values) in enumerate(
        [("t", {"more": 1}), ("u", {"more": 1}), ("t", {"more": 1.5}), ("t", {"more": 1})]
    ):
        assert _followed(sql, flows, table, **values) == _followed(sql, None, table, **values)
        assert len(list(tmp_path.iterdir())) == min(number + 1, 3)
    monkeypatch.setattr(kept_flows, "_analysis", lambda: "other code")
    _ = _followed(sql, flows, "t", more=1)
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_not_as_it_was_written_is_found_anew(tmp_path: Path) -> None:
    sql = KEYED["a union of both"]
    new = _followed(sql, KeptFlows(tmp_path))
    (kept,) = tmp_path.iterdir()
    for text in ("", "[]", '{"steps": [{}]}', json.dumps({"steps": 1, "wanted": "", "dear": {}})):
        kept.write_text(text)
        assert _followed(sql, KeptFlows(tmp_path)) == new


def test_values_are_not_kept(tmp_path: Path) -> None:
    """Neither those of parameters nor those by which a PIVOT calls its columns."""
    _ = _followed("SELECT k, n AS v FROM t WHERE k <> $other", KeptFlows(tmp_path), other="the secret")
    assert all("the secret" not in path.read_text() for path in tmp_path.iterdir())
    before = list(tmp_path.iterdir())
    with connected(_DATA) as connection:
        connection.execute("CREATE TABLE given AS FROM t LIMIT 1")
        sql = "FROM (PIVOT t ON k USING sum(n))"
        columns = [column[0] for column in connection.execute(sql).description or ()]
        _ = flowed(sql, SCHEMAS, "t", "given", connection, {}, columns, flows=KeptFlows(tmp_path))
    assert list(tmp_path.iterdir()) == before


def test_no_more_than_some_are_kept_and_none_where_no_byte_code_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_flows, "MOST_KEPT", 3)
    for number in range(5):
        _ = _followed(f"SELECT k, n + {number} AS v FROM t", KeptFlows(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    none = tmp_path / "none"
    none.mkdir()
    _ = _followed("SELECT k, n AS v FROM t", KeptFlows(none))
    _ = _followed("SELECT k, n AS v FROM t", KeptFlows(tmp_path / "missing"))
    assert not list(none.iterdir())
