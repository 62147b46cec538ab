"""The query for the rows of a table from which one row of a statement's result was made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa

from recsys_lineage.errors import did_you_mean
from recsys_lineage.rows.excluding_rows import traced
from recsys_lineage.rows.flow_cache import Descent, FlowCache
from recsys_lineage.rows.lake_rows import STARTING_ROWS, plain_rows
from recsys_lineage.rows.statement.catalog import ORIGIN, Catalog, RowTraceError, not_taken
from recsys_lineage.rows.statement.condition import Fits
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import MAIN
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.whole_tables import set_aside
from recsys_lineage.rows.statement.row_values import RowValues
from recsys_lineage.rows.statement.value_literal import equals
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.witnesses.context import context_of
from recsys_lineage.rows.witnesses.narrowing.costly_definitions import computed_whole
from recsys_lineage.rows.witnesses.nondeterminism.random_draws import refuse_drawn
from recsys_lineage.rows.witnesses.nondeterminism.recomputed import RecomputedValues
from recsys_lineage.sql.names import quote
from recsys_lineage.sql.pivot_values import with_pivot_values
from recsys_lineage.sql.statement import bare_statement


@dataclass(frozen=True)
class Trace:
    """Query and context for the rows behind one row.

    Attributes:
        sql: a query over the statement's tables, with the statement's parameters, for rows of the source, each as often
            as it is in the source.
        context: the SQL condition on rows of the source that matter only through a window over all of them, such as a
            rank; None where there are none. They are not in the result of `sql`.
        insufficient: columns of the result that also need the context, in order: the rows alone do not reproduce their
            values.
    """

    sql: str
    context: str | None
    insufficient: tuple[str, ...]


def trace_query(
    sql: str, schemas: Mapping[str, Mapping[str, str]], source: str, row: Mapping[str, object]
) -> str:
    """A query for the rows of a table from which one row of a statement's result was made: its why-provenance.

    It is a query over the statement's own tables, with the statement's `$name` parameters. It returns exactly the
    columns of the table, and each row as often as it is in the table; if the table is used several times, the union.
    For a row that is not in the result it returns nothing. Sums of doubles need only be nearly equal, because their
    last digits depend on the order of the rows. A value that an aggregate or a window takes from one of equal rows is
    not compared if the keys of a group identify the row, or if no row has it together with all other values. Rows that
    matter only through a window over the whole table are left to `trace`, which names them.

    On these rows the statement reproduces the row: for an aggregate the rows of the group, or one witness for min, max,
    arg_min, arg_max, any_value, first and last; for a window the rows of its frame; for DISTINCT and UNION all equal
    rows; for EXCEPT, NOT IN, NOT EXISTS and anti joins those of the left side, and of the right side only those that
    exclude another traced row; for IN, EXISTS and a scalar subquery those behind its result. If these alone do not
    reproduce the row, because of partial groups, the whole groups are added.

    Args:
        sql: one SELECT in DuckDB's dialect.
        schemas: table → column → DuckDB type, for each table that it reads.
        source: the table whose rows are requested.
        row: all columns of the row, with their values as DuckDB returns them to Python.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: columns of the row are missing or unknown, there is no such table, or a part of the statement
            cannot be traced; the error has its position.
    """
    return trace(sql, schemas, source, row).sql


def trace(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    source: str,
    row: Mapping[str, object],
    parameters: Mapping[str, object] | None = None,
) -> Trace:
    """Like `trace_query`, with the context, which the rows alone do not show.

    Args:
        sql, schemas, source, row: as for `trace_query`.
        parameters: values of the statement's parameters, needed if its columns' types depend on them.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: columns of the row are missing or unknown, there is no such table, or a part of the statement
            cannot be traced; the error has its position.
    """
    (found,) = trace_tables(sql, schemas, (source,), row, parameters).values()
    return found


def trace_tables(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    sources: Sequence[str],
    row: Mapping[str, object],
    parameters: Mapping[str, object] | None = None,
) -> dict[str, Trace]:
    """Like `trace`, for several tables: the statement is decomposed and followed once for all of them.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: columns of the row are missing or unknown, there is no such table, or a part of the statement
            cannot be traced; the error has its position.
    """
    catalog = Catalog(schemas, parameters)
    try:
        return _traced(bare_statement(sql), catalog, sources, row)
    finally:
        catalog.close()


def trace_rows(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    source: str,
    given: str,
    parameters: Mapping[str, object] | None = None,
) -> Trace:
    """Like `trace`, for all rows of the result in another table with the result's columns.

    Args:
        sql, schemas, source: as for `trace`.
        given: the name of that table in the query.
        parameters: values of the statement's parameters, needed if its columns' types depend on them.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: there is no such table, or a part of the statement cannot be traced; the error has its position.
    """
    catalog = Catalog(schemas, parameters)
    try:
        statement = Statement(bare_statement(sql), catalog)
        refuse_drawn(statement)
        folded = catalog.folded(source)
        tracing = traced(statement, (folded,), {}, given=given)
        text = tracing.steps.with_query(tracing.rows_of(folded))
        context, insufficient = context_of(statement, folded)
        return Trace(text, context, insufficient)
    finally:
        catalog.close()


def traced_tables(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    sources: Sequence[str],
    rows: pa.Table,
    connection: duckdb.DuckDBPyConnection,
    parameters: Mapping[str, object],
    flows: FlowCache | None = None,
) -> dict[str, tuple[pa.Table, Trace]]:
    """The rows of several tables from which rows of a statement's result were made, found at once.

    Args:
        sql, schemas: as for `trace`.
        sources: the tables whose rows are requested.
        rows: rows of the result.
        connection: a connection with the tables; temporary tables are created there.
        parameters: values of the statement's parameters.
        flows: the cache for analysed statements; none when None.

    Returns:
        For each table the rows and the `Trace`, whose `sql` uses the steps before it.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: there is no such table, or a part of the statement cannot be traced; the error has its position.
    """
    one = RowValues(plain_rows(rows)[0]) if rows.num_rows == 1 else None
    if one is None:
        connection.register(STARTING_ROWS, rows)

    def steps(descent: Descent) -> Stepwise:
        return Stepwise(connection, descent.steps, parameters, kept, descent.costly)

    kept = StepCache(connection)
    arguments = (sql, schemas, sources, rows.column_names, one, connection, parameters, flows)
    descent = _descent(*arguments, further=False)
    stepwise, texts = steps(descent), descent.wanted
    if descent.lost and stepwise.has_rows(descent.lost):
        stepwise.forget()
        descent = _descent(*arguments, further=True)
        stepwise, texts = steps(descent), descent.wanted
    elif descent.lost:
        texts = descent.enough
    return {
        source: (stepwise.rows(text), Trace(text, *look))
        for source, text, look in zip(sources, texts, descent.looks, strict=True)
    }


def _descent(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    sources: Sequence[str],
    names: Sequence[str],
    one: RowValues | None,
    connection: duckdb.DuckDBPyConnection,
    parameters: Mapping[str, object],
    flows: FlowCache | None,
    *,
    further: bool,
) -> Descent:
    """The queries for the rows behind a row, or behind given rows, from the cache or new."""
    tables = [(table, *columns.items()) for table, columns in schemas.items()]
    shape = None if one is None else one.shape()
    key = ("down", sql, tables, list(sources), sorted(parameters.items()), list(names), shape, further)
    descent = None if flows is None else flows.descent(*key)
    if descent is None:
        catalog = Catalog(schemas, parameters)
        try:
            bare = bare_statement(sql)
            named = with_pivot_values(bare, names, catalog.names_of)
            descent = _descent_to(Statement(named, catalog), sources, one, further)
            # values are not stored: those of a row, and those by which a PIVOT calls its columns
            if flows is not None and named == bare and (one is None or descent.kinds):
                flows.store(descent, *key)
        finally:
            catalog.close()
    return descent.of_row(one, connection) if one is not None and descent.kinds else descent


def _descent_to(
    statement: Statement, sources: Sequence[str], one: RowValues | None, further: bool
) -> Descent:
    """The queries for the rows of some tables behind a row, or behind given rows when None.

    Args:
        statement, sources: the statement and the tables.
        one: the row.
        further: whether to add the steps that are needed only if `lost` has a row.
    """
    refuse_drawn(statement)
    set_aside(statement)
    folded = [statement.catalog.folded(source) for source in sources]
    kinds: tuple[str, ...] = ()
    if one is None:
        tracing = traced(statement, folded, {}, given=STARTING_ROWS, further=further)
    elif one.can_use_stand_ins(statement.sql, statement.result_types()):
        kinds = tuple(column.type for column in statement.main.columns)
        tracing = traced(statement, folded, *fits_of(statement, one.stand_ins()), further=further)
    else:
        tracing = traced(statement, folded, *fits_of(statement, one.row), further=further)
    wanted = tuple(map(tracing.rows_of, folded))
    return Descent(
        tuple(tracing.steps),
        wanted,
        dict.fromkeys(computed_whole(statement, tracing.witnesses), 1),
        tuple(context_of(statement, source) for source in folded),
        tracing.lost,
        tuple(f"SELECT * FROM {quote(tracing.enough[source])}" for source in folded) if tracing.lost else (),
        kinds,
    )


def _traced(
    sql: str, catalog: Catalog, sources: Sequence[str], row: Mapping[str, object]
) -> dict[str, Trace]:
    folded = [catalog.folded(source) for source in sources]
    statement = Statement(with_pivot_values(sql, [*row], catalog.names_of), catalog)
    refuse_drawn(statement)
    tracing = traced(statement, folded, *fits_of(statement, row))
    texts = [tracing.steps.with_query(query) for query in [tracing.rows_of(each) for each in folded]]
    try:
        for text in texts:
            catalog.columns_of(text, statement.parameters, sure=False)
    except duckdb.Error as error:
        raise not_taken(error) from error
    looks = [context_of(statement, each) for each in folded]
    return {source: Trace(text, *look) for source, text, look in zip(sources, texts, looks, strict=True)}


def fits_of(statement: Statement, row: Mapping[str, object]) -> tuple[Fits, Fits, Fits]:
    """Conditions, by column of the result, that an expression has the row's value in it.

    The first conditions leave out columns whose values may differ in another run, if others identify the row. The
    second are for such columns where nothing else surely identifies the row: among the rows that satisfy the first,
    those that satisfy these count, or all if none does. The third are for all columns.
    """
    columns = statement.main.columns
    given = {name.casefold(): value for name, value in row.items()}
    known = {column.name.casefold() for column in columns}
    if unknown := [name for name in row if name.casefold() not in known]:
        raise RowTraceError(
            f"The result has no column {unknown[0]!r}.",
            expected=", ".join(column.name for column in columns),
            found=", ".join(row),
            where=ORIGIN,
            advice=did_you_mean(unknown[0], [column.name for column in columns]) or "leave it out",
        )
    if missing := [column.name for column in columns if column.name.casefold() not in given]:
        raise RowTraceError(
            f"The row lacks the column {missing[0]!r}.",
            expected=", ".join(column.name for column in columns),
            found=", ".join(row) or "nothing",
            where=ORIGIN,
            advice="give every column of the row, with None for NULL",
        )
    recomputed = RecomputedValues(statement, QueryFacts(statement, ()).is_aggregated)
    fits: dict[int, Callable[[str], str]] = {}
    likely: dict[int, Callable[[str], str]] = {}
    taken: dict[int, Callable[[str], str]] = {}
    for place, (column, kind) in enumerate(zip(columns, statement.result_types(), strict=True)):
        value = given[column.name.casefold()]
        exact = partial(equals, value=value, kind=kind, where=column.name)
        exact("")  # a value that the column cannot have is refused
        taken[place] = recomputed.nearly(statement.main, place, exact, value)
        fit, is_likely = recomputed.fit(statement.main, place, exact, value)
        if fit is not None:
            (likely if is_likely else fits)[place] = fit
    return fits, likely, taken


__all__ = ["MAIN", "Trace", "dataclasses", "trace", "trace_query"]
