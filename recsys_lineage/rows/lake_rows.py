"""Rows of table versions in a lake: their representation in a trace, and lookups of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.row_keys import Pairs, RowKeys
from recsys_lineage.rows.statement.catalog import Column as NamedColumn
from recsys_lineage.rows.statement.steps import numbered
from recsys_lineage.rows.statement.value_literal import equals
from recsys_lineage.rows.stored_rows import stored_rows
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.sql_text import SqlText
from recsys_lineage.sql.statement import bare_statement

STARTING_ROWS = "__starting_rows"
"""The name of the starting rows of a trace on its connection."""
MOST_ROWS = 1_000
NOT_REPRODUCED = (
    "its statement, run again over what it read, does not give the row: that may depend on chance, on the time, "
    "or on the order of equal rows"
)
"""Reason why nothing is found behind an existing row."""


class RowNotFound(LineageError):
    """A table has no such row, or several different ones."""


@dataclass(frozen=True)
class TracedRows:
    """Rows of one table version in a trace.

    Attributes:
        table, version: their table version.
        count: their number, duplicates included.
        rows: the first of them in the order of values, as Python values from DuckDB.
        context: asset → the condition on rows that it uses only through windows over the whole table.
        insufficient: asset → the columns that need the context.
    """

    table: str
    version: int
    count: int
    rows: tuple[dict[str, Any], ...]
    context: Mapping[str, str]
    insufficient: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class TrainedRows:
    """Training rows of a model in a trace.

    Attributes:
        model: the fitted asset.
        table, version, predicate: the table version, and the condition that selects its rows.
        rows: their number.
        of_row: the number of them that match the traced rows by shared keys; None where there are no shared keys.
    """

    model: str
    table: str
    version: int
    predicate: str
    rows: int
    of_row: int | None


@dataclass(frozen=True)
class Stop:
    """An end of a trace: the asset, the table that it does not reach, and the reason."""

    asset: str
    table: str
    reason: str


def the_row(lake: Lake, version: TableVersion, row: Mapping[str, object]) -> pa.Table:
    """The row of a table version with some values, with its duplicates.

    Args:
        lake: the lake of the table.
        version: the version of the table.
        row: values of enough columns to identify it.

    Raises:
        RowNotFound: there is none, or there are several different ones.
        LineageError: the table has no such column.
    """
    found = rows_with(lake, version, row, MOST_ROWS + 1)
    if found.num_rows == 1:
        return found
    with cursor() as connection:
        connection.register("_found", found)
        different = connection.sql("SELECT count(*) FROM (SELECT DISTINCT * FROM _found)").fetchall()[0][0]
    if different > 1:
        rest = [name for name in version.columns if name.casefold() not in {each.casefold() for each in row}]
        raise RowNotFound(
            f"Several rows of {version.table!r} have these values.",
            expected="values that only one row has",
            found=f"{different if found.num_rows <= MOST_ROWS else 'many'} different rows",
            where=f"{version.table}, version {version.version}",
            advice=f"give more columns, such as {', '.join(rest[:5])}",
        )
    return found


def rows_with(
    lake: Lake, version: TableVersion, row: Mapping[str, object], limit: int | None = None
) -> pa.Table:
    """The rows of a table version with some values.

    Args:
        lake: the lake of the table.
        version: the version of the table.
        row: values of some columns.
        limit: the most rows returned; all when None.

    Raises:
        RowNotFound: there is none.
        LineageError: the table has no such column.
    """
    columns = {column.name.casefold(): column for column in version.schema}
    if unknown := [name for name in row if name.casefold() not in columns]:
        raise LineageError(
            f"The table {version.table!r} has no column {unknown[0]!r}.",
            expected=", ".join(version.columns),
            found=unknown[0],
            where=f"{version.table}, version {version.version}",
            advice=did_you_mean(unknown[0], version.columns) or None,
        )
    if not row:
        raise LineageError(
            f"No value of a row of {version.table!r} is given.",
            expected="values of enough columns to tell the row from all others",
            where=version.table,
        )
    with lake.reading(), lake.cursor() as connection:
        fits = " AND ".join(
            equals(
                quote(columns[name.casefold()].name),
                value,
                connection.sqltype(columns[name.casefold()].type),
                name,
            )
            for name, value in row.items()
        )
        most = "" if limit is None else f" LIMIT {int(limit)}"
        found = connection.sql(f"SELECT * FROM {lake.relation(version)} WHERE {fits}{most}").to_arrow_table()
    if not found.num_rows:
        raise RowNotFound(
            f"No row of {version.table!r} has these values.",
            expected="a row that the table holds",
            found=", ".join(row),
            where=f"{version.table}, version {version.version}",
            advice="look at the table's rows, or name the version that held it",
        )
    return found


@lru_cache(maxsize=1)
def _instance(process: int) -> duckdb.DuckDBPyConnection:
    """The DuckDB instance of a process; a fork must not use its parent's, whose threads it lacks."""
    del process
    instance = duckdb.connect()
    _ = instance.execute("SET GLOBAL TimeZone = 'UTC'")
    return instance


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection in UTC for rows in memory; names registered on it are visible only there.

    Creating a DuckDB instance takes longer than most statements about a trace's rows, so a process keeps one.
    """
    return _instance(os.getpid()).cursor()


def plain_rows(rows: pa.Table) -> tuple[dict[str, Any], ...]:
    """The first rows in the order of values, always the same, as Python values from DuckDB."""
    with cursor() as connection:
        connection.register("_rows", rows)
        found = connection.execute(f"SELECT * FROM _rows ORDER BY ALL LIMIT {MOST_ROWS}")
        names = [column[0] for column in found.description or ()]
        return tuple(dict(zip(names, values, strict=True)) for values in found.fetchall())


def together(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows of one table found in several ways, each as often as it is in the table."""
    whole = parts[0]
    if len(parts) == 1:
        return whole
    with cursor() as connection:
        for part in parts[1:]:
            connection.register("_whole", whole)
            connection.register("_part", part)
            same = " AND ".join(f"w.{quote(n)} IS NOT DISTINCT FROM p.{quote(n)}" for n in whole.column_names)
            whole = connection.sql(
                f"FROM _whole UNION ALL SELECT * FROM _part AS p "
                f"WHERE NOT EXISTS (SELECT 1 FROM _whole AS w WHERE {same})"
            ).to_arrow_table()
            connection.unregister("_whole")
            connection.unregister("_part")
    return whole


def as_stored(connection: duckdb.DuckDBPyConnection, found: pa.Table, stored: str) -> pa.Table:
    """Distinct rows repeated as often as a table has them; a row that the table lacks is kept once, because computing
    it again may change its last digits.

    Args:
        connection: a connection with the table.
        found: the distinct rows.
        stored: the table's name.
    """
    whole = connection.sql(f"SELECT count(*) FROM {quote(stored)}").fetchall()[0][0]
    if found.num_rows in (0, whole):
        return found
    if found.num_rows * 10 > whole:  # whether any row comes twice costs less than a join with most of them
        hashes = f"SELECT count(DISTINCT hash(__s)) FROM {quote(stored)} AS __s"
        if connection.sql(hashes).fetchall()[0][0] == whole:
            return found
    connection.register("_found", found)
    same = " AND ".join(f"s.{quote(n)} IS NOT DISTINCT FROM f.{quote(n)}" for n in found.column_names)
    connection.register("_values", found.rename_columns([*numbered(found.num_columns)]))
    described = connection.execute(f"DESCRIBE {quote(stored)}").fetchall()
    columns = [NamedColumn(str(name), str(kind)) for name, kind, *_ in described]
    held = connection.sql(stored_rows(columns, quote(stored), "_values")).to_arrow_table()
    if held.num_rows < found.num_rows:
        connection.register("_held", held)
        held = connection.sql(
            f"FROM _held UNION ALL SELECT f.* FROM _found AS f ANTI JOIN _held AS s ON {same}"
        ).to_arrow_table()
    return held


def table_reads(record: Materialization) -> list[Read]:
    """The table versions that an asset's output was made from."""
    return [
        read
        for read in record.reads
        if read.kind == "table" and read.version is not None and read.purpose in ("input", "previous")
    ]


def file_reads(record: Materialization) -> tuple[Read, ...]:
    """The files that an asset's output was made from."""
    return tuple(read for read in record.reads if read.kind == "file" and read.purpose == "input")


def view_reads(lake: Lake, record: Materialization, connection: duckdb.DuckDBPyConnection) -> None:
    """Make the inputs of a run readable under their tables' names, in the versions that it read."""
    for read in table_reads(record):
        version = lake.version(read.name, read.version)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(read.name)} AS FROM {lake.relation(version, read.partitions)}"
        )


def schemas_of(record: Materialization) -> dict[str, dict[str, str]]:
    """Columns and types of the tables that a run read."""
    return {read.name: types_of(read.schema) for read in table_reads(record)}


def check_is_rerunnable(record: Materialization, schemas: Mapping[str, Mapping[str, str]]) -> None:
    """Check that a run's statement can run again: no record has a frame made by Python, or values from data.

    Args:
        record: the run's record.
        schemas: the columns of the inputs that can be read again.

    Raises:
        LineageError: the statement names another relation, or had a value that is not recorded.
    """
    assert record.statement is not None
    if gone := record.statement.not_kept:
        raise LineageError(
            f"The statement of {record.asset!r} ran with values that its record does not keep.",
            expected="values of the asset's own parameters, names and days",
            found=", ".join(gone),
            where=record.asset,
            advice="take such values from a table, in the statement itself",
        )
    known = {name.casefold() for name in schemas}
    for name in SqlText(record.statement.text, f"the statement of {record.asset}").tables:
        if name.casefold() not in known:
            raise LineageError(
                f"The statement of {record.asset!r} names {name!r}, a frame that Python made.",
                expected=f"tables and files alone: {', '.join(sorted(schemas))}",
                found=name,
                where=record.asset,
                advice="make its rows in the statement itself, of the tables that they come from",
            )


def why_nothing(
    connection: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, object], rows: pa.Table
) -> str:
    """The reason why no input row is behind some rows of an asset's result.

    Args:
        connection: a connection with its inputs.
        text: the asset's statement over them.
        parameters: the statement's.
        rows: rows of its result.
    """
    connection.register(STARTING_ROWS, rows)
    query = f"SELECT EXISTS (FROM ({bare_statement(text)}\n) INTERSECT FROM {STARTING_ROWS})"
    try:
        ((is_reproduced,),) = connection.execute(query, dict(parameters) or None).fetchall()
    except duckdb.Error:
        return NOT_REPRODUCED
    return "it would be the same without any row of them" if is_reproduced else NOT_REPRODUCED


def types_of(columns: Sequence[Column]) -> dict[str, str]:
    """DuckDB types by column."""
    return {column.name: column.type for column in columns}


def by_keys(connection: duckdb.DuckDBPyConnection, relation: str, alternatives: Sequence[Pairs]) -> pa.Table:
    """Rows of a relation with the key values of given rows, each as often as it is in the relation.

    Args:
        connection: the connection with the given rows.
        relation: SQL for a FROM clause.
        alternatives: sets of pairs of a given row's column and the relation's; one matching set is enough.
    """
    return connection.sql(_of_keys(relation, alternatives)).to_arrow_table()


def other_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, alternatives: Sequence[Pairs]
) -> pa.Table:
    """The rows of a relation that `by_keys` leaves out."""
    joins = [_join(place, pairs, held=False) for place, pairs in enumerate(alternatives)]
    return connection.sql(f"SELECT r.* FROM {relation} AS r {' '.join(joins)}").to_arrow_table()


def _of_keys(relation: str, alternatives: Sequence[Pairs]) -> str:
    """A SELECT of the relation's rows: those of the first pairs, then those of the second that are not among them, …"""
    parts = []
    for last in range(len(alternatives)):
        joins = [_join(place, pairs, place == last) for place, pairs in enumerate(alternatives[: last + 1])]
        parts.append(f"SELECT r.* FROM {relation} AS r {' '.join(joins)}")
    return " UNION ALL ".join(parts)


def _join(place: int, pairs: Pairs, held: bool) -> str:
    """A join to the given rows by some pairs that keeps the matching rows, or the others."""
    kind, given = "SEMI" if held else "ANTI", f"g{place}"
    names = ", ".join(map(quote, pairs))
    same = (f"r.{quote(other)} IS NOT DISTINCT FROM {given}.{quote(own)}" for own, other in pairs.items())
    return f"{kind} JOIN (SELECT DISTINCT {names} FROM {STARTING_ROWS}) AS {given} ON {' AND '.join(same)}"


def trained_rows(
    lake: Lake,
    model: Materialization,
    rows: pa.Table,
    keys: RowKeys | Sequence[str],
    of: TableVersion | None = None,
) -> list[TrainedRows]:
    """Training rows of a model, and the number of them that match given rows.

    Args:
        lake: the lake of the tables.
        model: the record of its fit.
        rows: given rows.
        keys: the keys of the asset whose rows are given, or columns that match rows to these.
        of: the table version of the given rows, to which the result is limited; None for all.
    """
    found: list[TrainedRows] = []
    for data in model.trained_on:
        if of is not None and data.table != of.table:
            continue
        version = lake.version(data.table, data.version)
        row_keys = keys if isinstance(keys, RowKeys) else RowKeys(tuple(keys))
        shared = row_keys.pairs(data.table, rows.column_names, version.columns)
        of_row = None
        if shared and of is not None and of.version == version.version and rows.num_rows == of.rows:
            of_row = data.rows
        elif shared:
            with lake.reading(), lake.cursor() as connection:
                connection.register(STARTING_ROWS, rows)
                relation = f"(SELECT * FROM {lake.relation(version)} WHERE {data.predicate or 'true'})"
                count = f"SELECT count(*) FROM ({_of_keys(relation, shared)})"
                of_row = int(connection.sql(count).fetchall()[0][0])
        found.append(TrainedRows(model.asset, data.table, data.version, data.predicate, data.rows, of_row))
    return found
