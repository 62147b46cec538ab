"""verify_rows refutes traces of too few rows, names rows too many, and knows that one witness is enough."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pytest

from recsys_lineage.cli.proving import Proofs
from recsys_lineage.proof import AssetProof, RowProof, verify_rows
from recsys_lineage.proof import rows as proof_of_rows
from recsys_lineage.proof import time_limit as time_limits
from recsys_lineage.proof.rows import Traced, Tracer
from recsys_lineage.proof.time_limit import time_limit
from recsys_lineage.rows.trace_query import trace

SCHEMAS = {
    "orders": {"id": "INTEGER", "buyer": "INTEGER", "price": "INTEGER"},
    "buyers": {"buyer": "INTEGER", "name": "VARCHAR"},
}
TABLES = {
    "orders": [(1, 1, 10), (2, 1, 20), (3, 2, 30), (4, 2, 30), (5, 3, 5), (5, 3, 5), (6, None, 7)],
    "buyers": [(1, "Ann"), (2, "Bo"), (4, "Cy"), (3, None)],
}
SPENT = "SELECT buyer, sum(price) AS spent FROM orders GROUP BY buyer"


@dataclass(frozen=True)
class Trace:
    """A trace as it is handed over."""

    sql: str
    context: str | None = None
    insufficient: tuple[str, ...] = ()


def proof(sql: str, trace: str | Tracer) -> RowProof:
    """Of every row, with a trace that is given as a text or by a function of source and row."""

    def traced(source: str, row: Mapping[str, object]) -> str | Traced:
        found = trace if isinstance(trace, str) else trace(source, row)
        shown = {name: "NULL" if value is None else value for name, value in row.items()}
        return found.format(**shown) if isinstance(found, str) else found

    tables = {table: rows for table, rows in TABLES.items() if table in sql}
    return verify_rows(sql, SCHEMAS, tables, traced)


def verdicts(found: RowProof) -> set[str]:
    return {trial.verdict for trial in found.trials}


def test_a_row_that_is_made_of_no_row_needs_none() -> None:
    sql = "SELECT n, max(price) AS most FROM range(3) AS r(n) LEFT JOIN orders ON id = n GROUP BY n"
    found = proof(sql, lambda source, row: trace(sql, SCHEMAS, source, row))
    assert verdicts(found) == {"proved"}, found.report()
    assert sorted(trial.traced["orders"] for trial in found.trials) == [0, 1, 1]


def test_a_right_trace_stands() -> None:
    found = proof(SPENT, "SELECT * FROM orders WHERE buyer IS NOT DISTINCT FROM {buyer}")
    assert found.true and len(found.trials) == found.rows == 4, found.report()
    assert [dict(trial.traced) for trial in found.trials if trial.traced["orders"] == 1] == [{"orders": 1}]
    assert all(not trial.superfluous for trial in found.trials)


def test_a_trace_of_too_few_rows_is_refuted() -> None:
    found = proof(SPENT, "SELECT * FROM orders WHERE buyer IS NOT DISTINCT FROM {buyer} AND id <> 2")
    assert [trial.verdict for trial in found.refuted] == ["too few"]
    assert "too few" in found.report()


def test_a_row_too_many_is_named() -> None:
    found = proof(SPENT, "SELECT * FROM orders WHERE buyer IS NOT DISTINCT FROM {buyer} OR id = 1")
    assert found.true
    extra = [trial.superfluous for trial in found.trials if trial.superfluous]
    assert extra == [{"orders": (0,)}] * 3
    assert "too many" in found.report()


def test_a_trace_of_other_rows_is_refuted() -> None:
    found = proof(SPENT, "SELECT * FROM orders WHERE buyer = 1 AND {spent} <> 30")
    assert verdicts(found) == {"too few"}


def test_a_trace_of_nothing_is_refuted() -> None:
    assert verdicts(proof(SPENT, "SELECT * FROM orders WHERE false AND {buyer} IS NULL")) == {"too few"}


def test_rows_that_the_table_does_not_have_are_refuted() -> None:
    made_up = proof(
        "SELECT id FROM orders", "SELECT id, buyer, price + 0 * {id} + 1 AS price FROM orders WHERE id = {id}"
    )
    assert verdicts(made_up) == {"not its rows"}
    once = proof("SELECT id FROM orders", "SELECT DISTINCT * FROM orders WHERE id = {id}")
    assert [trial.row for trial in once.refuted] == [4, 5], once.report()
    fewer_columns = proof("SELECT id FROM orders", "SELECT id FROM orders WHERE id = {id}")
    assert verdicts(fewer_columns) == {"not its rows"}


def test_one_witness_of_a_maximum_is_enough() -> None:
    sql = "SELECT buyer, max(price) AS most FROM orders GROUP BY buyer"
    witness = """
        SELECT * FROM orders WHERE id = (
            SELECT arg_max(id, price) FROM orders WHERE buyer IS NOT DISTINCT FROM {buyer}
        )
    """
    assert proof(sql, witness).true


def test_without_the_rows_the_output_row_must_go() -> None:
    """Of the right side of an anti join nothing is needed; tracing only it is refuted."""
    sql = "SELECT name FROM buyers WHERE buyer NOT IN (SELECT buyer FROM orders WHERE buyer IS NOT NULL)"
    left = {"buyers": "SELECT * FROM buyers WHERE name = '{name}'", "orders": "FROM orders WHERE false"}
    assert proof(sql, lambda source, row: left[source]).true
    other = {"buyers": "FROM buyers WHERE false", "orders": "FROM orders WHERE id = 1 AND '{name}' <> ''"}
    assert verdicts(proof(sql, lambda source, row: other[source])) == {"too few"}
    constant = "SELECT coalesce(max(price), 0) AS m FROM orders WHERE id > 99"
    assert proof(constant, "FROM orders WHERE id > 99 AND {m} = 0").true


def test_a_limit_that_lets_an_equal_row_in_does_not_refute_a_trace() -> None:
    """Which of two orders of one price comes out is open: without one the other does."""
    sql = "SELECT id, price FROM orders ORDER BY price DESC LIMIT 1"
    found = proof(sql, lambda source, row: trace(sql, SCHEMAS, source, row))
    assert verdicts(found) == {"proved"}, found.report()


def test_context_is_added_for_columns_that_are_not_sufficient_alone() -> None:
    sql = "SELECT id, rank() OVER (ORDER BY price, id) AS place FROM orders"

    def trace(source: str, row: Mapping[str, object]) -> Trace:
        return Trace(f"SELECT * FROM orders WHERE id = {row['id']}", "true", ("place",))

    assert proof(sql, trace).true
    assert verdicts(proof(sql, lambda source, row: trace(source, row).sql)) >= {"too few"}

    def narrow(source: str, row: Mapping[str, object]) -> Trace:
        return Trace(trace(source, row).sql, "false", ("place",))

    assert "too few" in verdicts(proof(sql, narrow))


def test_a_trace_that_does_not_run_is_told() -> None:
    found = proof(SPENT, "SELECT * FROM orders WHERE nothing = {buyer}")
    assert verdicts(found) == {"failed"} and "nothing" in found.report()

    def raises(source: str, row: Mapping[str, object]) -> str:
        raise ValueError("no trace")

    assert "no trace" in proof(SPENT, raises).report()


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN"])
def test_traces_to_several_tables_are_taken_together(join: str) -> None:
    sql = f"SELECT o.id, b.name FROM orders AS o {join} buyers AS b ON b.buyer = o.buyer"
    right = {
        "orders": "SELECT * FROM orders WHERE id = {id}",
        "buyers": "SELECT * FROM buyers WHERE buyer IN (SELECT buyer FROM orders WHERE id = {id})",
    }
    assert proof(sql, lambda source, row: right[source]).true
    lost = {
        **right,
        "buyers": "SELECT * FROM buyers WHERE buyer > 1 AND buyer IN (SELECT buyer FROM orders WHERE id = {id})",
    }
    assert [trial.row for trial in proof(sql, lambda source, row: lost[source]).refuted] == [0, 1]


_BY_CHANCE = {
    "the last one up to a row of several with one key": "SELECT buyer, last_value(price IGNORE NULLS) OVER "
    "(ORDER BY buyer ROWS UNBOUNDED PRECEDING) AS v FROM orders",
    "a number": "SELECT buyer, row_number() OVER (PARTITION BY buyer ORDER BY buyer) AS v FROM orders",
    "the one before": "SELECT buyer, lag(price, 1, 0) OVER (PARTITION BY buyer ORDER BY buyer) AS v FROM orders",
}


@pytest.mark.parametrize("sql", _BY_CHANCE.values(), ids=_BY_CHANCE.keys())
def test_rows_that_differ_by_chance_alone_are_not_told_apart(sql: str) -> None:
    """Each of them has rows of its own; a trace of fewer than it is made of still does not give it."""
    schemas = {"orders": {"id": "INTEGER", "buyer": "INTEGER", "price": "INTEGER"}}
    assert proof(sql, lambda source, row: trace(sql, schemas, source, row)).true
    assert verdicts(proof(sql, "FROM orders WHERE false AND {buyer} IS NULL AND {v} IS NULL")) == {"too few"}


ENDLESS = "SELECT 1 FROM range(1000000000000) WHERE range = -1"


def test_a_trace_that_is_given_up_refutes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, traces that took longer than a minute were called wrong."""
    monkeypatch.setattr(proof_of_rows, "_LONGEST_TRACE", 0.1)
    found = proof(
        SPENT, f"SELECT * FROM orders WHERE buyer IS NOT DISTINCT FROM {{buyer}} OR EXISTS ({ENDLESS})"
    )
    assert verdicts(found) == {"out of time"} and found.true and not found.refuted
    assert len(found.unfinished) == 4 and "given up: row 0: out of time" in found.report()
    proofs = [AssetProof(name, 1, None, found, None) for name in ("spent", "earned")]
    assert Proofs(proofs, {}).report().count("given up: row 0: out of time") == 2
    assert not Proofs(proofs, {}).found, "not everything was tried"


def test_a_statement_that_is_given_up_on_traced_rows_refutes_nothing() -> None:
    """It ends at once on the table, and not on the rows of a trace: nothing was seen of these."""
    sql = (
        "WITH RECURSIVE steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps "
        "WHERE (SELECT count(*) FROM orders) < 7) "
        "SELECT buyer, sum(price) AS spent FROM orders, steps WHERE buyer = 1 GROUP BY buyer"
    )
    found = proof(sql, "SELECT * FROM orders WHERE buyer = {buyer}")
    assert verdicts(found) == {"out of time"}, found.report()


def test_only_computing_counts_against_a_time_limit() -> None:
    with duckdb.connect(config={"threads": 1}) as connection:

        def wait(seconds: float) -> float:
            time.sleep(seconds)
            return seconds

        connection.create_function("wait", wait, ["DOUBLE"], "DOUBLE", side_effects=True)
        with time_limit(connection, 0.3):
            assert connection.execute("SELECT sum(wait(0.5)) FROM range(2)").fetchone() == (1.0,)
        with pytest.raises(duckdb.InterruptException), time_limit(connection, 0.3):
            connection.execute(ENDLESS)


def test_what_only_waits_is_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "_PATIENCE", 2)
    monkeypatch.setattr(time, "process_time", lambda: 0.0)  # as if it computed nothing
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.InterruptException),
        time_limit(connection, 0.3),
    ):
        connection.execute("SELECT count(*) FROM range(20000000000) WHERE range % 7 = -1")
