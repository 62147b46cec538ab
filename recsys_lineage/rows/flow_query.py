"""The query for the rows of a statement's result that rows of a table flow into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb
import pyarrow as pa

from recsys_lineage.rows.flow_cache import Flow, FlowCache
from recsys_lineage.rows.flowing import Flowing
from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.whole_tables import set_aside
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.witnesses.context import context_of
from recsys_lineage.sql.pivot_values import with_pivot_values
from recsys_lineage.sql.statement import bare_statement


def flow_query(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    source: str,
    given: str,
    parameters: Mapping[str, object] | None = None,
) -> str:
    """A query for the rows of a statement's result that rows of a table flow into, each once.

    A row flows into those rows whose trace (`trace_query`) contains it, unless it only keeps another row out there.

    Args:
        sql: one SELECT in DuckDB's dialect.
        schemas: table → column → DuckDB type, for each table that it reads.
        source: the table whose rows are followed.
        given: the name, in the query, of a table with these rows and the columns of the source.
        parameters: values of the statement's parameters, needed if its columns' types depend on them.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: there is no such table, or a part of the statement cannot be traced; the error has its position.
    """
    catalog = Catalog(schemas, parameters)
    try:
        flowing = Flowing(Statement(bare_statement(sql), catalog), catalog.folded(source))
        return flowing.steps.with_query(flowing.result(given))
    finally:
        catalog.close()


def flowed(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    source: str,
    given: str,
    connection: duckdb.DuckDBPyConnection,
    parameters: Mapping[str, object],
    result: Sequence[str] = (),
    stored: str = "",
    cache: StepCache | None = None,
    whole: bool = False,
    all_stored: bool = False,
    flows: FlowCache | None = None,
    part: str = "",
    look: Callable[[str | None, tuple[str, ...]], None] | None = None,
    totals: bool = False,
) -> pa.Table:
    """The rows of `flow_query`, found step by step on a connection with the tables.

    Args:
        sql, schemas, source, given, parameters: as for `flow_query`.
        connection: a connection with the tables.
        result: names of the result's columns, which give the values of a PIVOT without a list.
        stored: the name of a table on the connection with the original result; empty where there is none.
        cache: results of other statements over the same tables and rows, on cursors of the same connection.
        whole: whether the given rows are all rows of the table, which saves computing anything made from each row.
        all_stored: whether the stored table has all rows of the result, not only some of its partitions.
        flows: the cache for analysed statements; none when None.
        part: an identifier of the part of the result in the stored table.
        totals: whether to follow totals over whole tables, with which all rows are joined, as `flow_query` does.
        look: called with the condition on rows that all rows of the result depend on, and the dependent columns; see
            `Trace`.

    Raises:
        SqlAssetError: DuckDB refuses the statement.
        RowTraceError: there is no such table, or a part of the statement cannot be traced; the error has its position.
    """

    def _rows(flow: Flow) -> pa.Table:
        if look is not None:
            look(flow.context, flow.insufficient)
        steps = Stepwise(connection, flow.steps, parameters, cache, flow.costly, (stored, part))
        return steps.rows(flow.wanted)

    tables = [(table, *columns.items()) for table, columns in schemas.items()]
    values = sorted(parameters.items())
    key = (sql, tables, source, given, values, list(result), stored, whole, all_stored, totals)
    if flows is not None and (flow := flows.get(*key)) is not None:
        return _rows(flow)
    catalog = Catalog(schemas, parameters)
    try:
        bare = bare_statement(sql)
        named = with_pivot_values(bare, result, catalog.names_of)
        statement = Statement(named, catalog)
        if not totals:
            set_aside(statement)
        name = catalog.folded(source)
        flowing = Flowing(statement, name, stored, whole=whole, all_stored=all_stored)
        wanted = flowing.result(given)
        flow = Flow(tuple(flowing.steps), wanted, flowing.costly(), *context_of(statement, name))
        if flows is not None and named == bare:  # values by which a PIVOT calls its columns are not stored
            flows.store(flow, *key)
        return _rows(flow)
    finally:
        catalog.close()
