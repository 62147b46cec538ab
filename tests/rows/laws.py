"""The laws of a trace, held against every row of a statement's result."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pytest

from recsys_lineage.rows.flow_query import flow_query, flowed
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.trace_query import Trace, fits_of, trace
from recsys_lineage.rows.tracing import Tracing
from tests.databases import create_table, own_database
from tests.rows.generated import SCHEMAS, Made

Row = tuple[object, ...]


Rows = list[Row]


@contextmanager
def connected(data: Mapping[str, Rows]) -> Iterator[duckdb.DuckDBPyConnection]:
    with own_database() as connection:
        for table, columns in SCHEMAS.items():
            create_table(connection, table, columns, data[table])
        yield connection


def result_of(data: Mapping[str, Rows], sql: str) -> tuple[list[str], Rows]:
    with connected(data) as connection:
        cursor = connection.execute(sql)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()


def traces_of(data: Mapping[str, Rows], sql: str, row: Mapping[str, object]) -> dict[str, tuple[Trace, Rows]]:
    with connected(data) as connection:
        found: dict[str, tuple[Trace, Rows]] = {}
        for table in SCHEMAS:
            made = trace(sql, SCHEMAS, table, row)
            cursor = connection.execute(made.sql)
            assert [column[0] for column in cursor.description or ()] == list(SCHEMAS[table])
            found[table] = (made, cursor.fetchall())
        return found


def check_laws(made: Made, data: dict[str, Rows]) -> None:
    """Holds the laws against every row of a statement's result."""
    names, result = result_of(data, made.sql)
    for row in list(dict.fromkeys(result))[:4]:
        traces = traces_of(data, made.sql, dict(zip(names, row, strict=True)))
        for table, (_, rows) in traces.items():
            held = Counter(data[table])
            assert all(held[each] == count for each, count in Counter(rows).items()), (table, rows)
        insufficient = {name for each, _ in traces.values() for name in each.insufficient}
        exact = [n for n, name in enumerate(names) if name not in insufficient]
        _, again = result_of({table: rows for table, (_, rows) in traces.items()}, made.sql)
        shown = [tuple(each[n] for n in exact) for each in again]
        if exact:
            assert tuple(row[n] for n in exact) in shown, f"not enough: {row} from {traces}"
        if made.one or made.cut or made.alone or insufficient:
            continue
        left = {
            table: [each for each in data[table] if each not in rows] for table, (_, rows) in traces.items()
        }
        _, without = result_of(left, made.sql)
        assert row not in without, f"not needed: {row} from {traces}"


def drawn_tables(seed: int) -> dict[str, Rows]:
    """Few rows of both tables, in which keys and numbers occur several times."""
    drawn = random.Random(seed)
    return {
        "t": [(drawn.choice("abc"), drawn.randint(0, 3), drawn.randint(0, 3)) for _ in range(6)],
        "u": [(drawn.choice("abc"), drawn.randint(0, 3)) for _ in range(5)],
    }


def check_enough(data: dict[str, Rows], sql: str) -> None:
    """Holds against the last row, if any, that its traced rows are enough, but for what needs the context."""
    names, result = result_of(data, sql)
    for row in result[-1:]:
        traces = traces_of(data, sql, dict(zip(names, row, strict=True)))
        context = {name for trace, _ in traces.values() for name in trace.insufficient}
        exact = [place for place, name in enumerate(names) if name not in context]
        _, again = result_of({table: rows for table, (_, rows) in traces.items()}, sql)
        shown = [[each[place] for place in exact] for each in again]
        assert not exact or [row[place] for place in exact] in shown, f"not enough: {row} from {traces}"


def witnesses_of(data: Mapping[str, Rows], sql: str, row: Mapping[str, object]) -> dict[str, Rows]:
    """The traced rows but those that only keep others out."""
    found: dict[str, Rows] = {}
    for table in SCHEMAS:
        statement = Statement(sql, Catalog(SCHEMAS))
        tracing = Tracing(statement, (table,))
        tracing.trace(*fits_of(statement, row))
        with connected(data) as connection:
            found[table] = connection.execute(tracing.steps.with_query(tracing.rows_of(table))).fetchall()
    return found


def check_flow(made: Made, data: dict[str, Rows], *, stepwise: bool = False) -> None:
    """Holds what rows of each table flow into against every row's trace; step by step too, where that is wanted."""
    names, result = result_of(data, made.sql)
    traces = {
        row: witnesses_of(data, made.sql, dict(zip(names, row, strict=True))) for row in dict.fromkeys(result)
    }
    for table in SCHEMAS:
        for given_row in list(dict.fromkeys(data[table]))[:2]:
            with connected(data) as connection:
                connection.execute(f"CREATE TABLE given AS FROM {table} LIMIT 0")
                connection.execute(
                    f"INSERT INTO given VALUES ({', '.join('?' for _ in given_row)})", given_row
                )
                found = connection.execute(flow_query(made.sql, SCHEMAS, table, "given")).fetchall()
                again = _by_steps(made.sql, table, connection) if stepwise else []
            assert Counter(found) == Counter(row for row, each in traces.items() if given_row in each[table])
            for rows in again:
                assert Counter(rows) == Counter(found)


def _by_steps(sql: str, table: str, connection: duckdb.DuckDBPyConnection) -> list[Rows]:
    """What a table's given rows flow into, step by step: alone, beside the stored result, kept from before, as many."""
    connection.execute(f"CREATE TABLE stored AS {sql}")
    cache = StepCache(connection)
    found = [flowed(sql, SCHEMAS, table, "given", connection, {}, totals=True)]
    for _ in range(2):
        with connection.cursor() as cursor:
            given = (sql, SCHEMAS, table, "given", cursor, {})
            found.append(flowed(*given, stored="stored", cache=cache, totals=True))
    for stored in ("", "stored"):
        with pytest.MonkeyPatch.context() as patched, connection.cursor() as cursor:
            patched.setattr("recsys_lineage.rows.stepwise._MOST_MARKED", 0)
            patched.setattr("recsys_lineage.rows.statement.short_lists.MOST", 0)
            given = (sql, SCHEMAS, table, "given", cursor, {})
            found.append(flowed(*given, stored=stored, all_stored=bool(stored), totals=True))
    return [[*zip(*(column.to_pylist() for column in each.columns), strict=True)] for each in found]
