"""Column lineage of a SQL statement, derived from its text and the columns of its tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.columns.binding.empty_tables import empty_tables, is_syntax, parameters_of
from recsys_lineage.columns.binding.inputs import Inputs
from recsys_lineage.columns.binding.parameters import Parameters
from recsys_lineage.columns.binding.scope import Reader, Scope
from recsys_lineage.columns.binding.statement import Statement
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.derivation_cache import Answers
from recsys_lineage.columns.edges import Edge, public
from recsys_lineage.columns.expressions.expression import value
from recsys_lineage.columns.queries.query import relation
from recsys_lineage.columns.queries.sorting import repeat_for_all
from recsys_lineage.columns.relation import folded
from recsys_lineage.errors import ColumnLineageError
from recsys_lineage.sql.parsed import parsed_select, statements_of
from recsys_lineage.sql.pivot_values import with_pivot_values
from recsys_lineage.sql.statement import bare_statement

_ADVICE = "give the one SELECT whose result the columns are of"
_answers = Answers()
_STATEMENTS = exp.Query | exp.Pivot | exp.Summarize | exp.Describe | exp.Values


def column_lineage(
    sql: str,
    schemas: Mapping[str, Mapping[str, str]],
    *,
    origin: str = "<sql>",
    people: Collection[tuple[str, str]] | None = None,
    result: Sequence[str] | None = None,
    parameters: Mapping[str, object] | None = None,
) -> dict[str, list[ColumnEdge]]:
    """Column lineage of a query: result column → the columns of tables that it comes from, with the kind of each edge.

    Names are bound as DuckDB binds them, and the operators are followed one after the other. DuckDB itself, over tables
    without rows, validates the statement and names its columns. The result is cached in this process while the columns
    of the statement's tables are the same.

    Args:
        sql: one SELECT, WITH, set operation, VALUES, PIVOT, UNPIVOT or SUMMARIZE in DuckDB's dialect.
        schemas: table → column → DuckDB type. Files read by table functions are included under their path or pattern as
            written (several of one call joined by ", "), or under the text of the whole call. Otherwise the files'
            headers are read, if the files exist; edges name them by their path.
        origin: the file or asset of the SQL, for messages.
        people: columns, as (table, column), that identify people: only counts of these make groups of at least k
            people. If None, whatever is counted counts as people.
        result: names of the result's columns, which give the values of a PIVOT without a list.
        parameters: values of its `$name` parameters. They decide whether groups have at least `$k` people, and whether
            a hash has a key: an unknown k counts as too small, an unknown key as a key.

    Returns:
        The sorted edges of each column of the result, in order, under the names of a subquery in a FROM clause (so a
        duplicate name is numbered).

    Raises:
        ColumnLineageError: the SQL cannot be parsed, names a table or column that is unknown or ambiguous, or has a
            part whose lineage cannot be derived; the error has the position.
    """
    inputs = Inputs(schemas)
    known = None if people is None else frozenset(people)
    if result is not None:
        sql = with_pivot_values(sql, result, partial(_names, inputs=inputs))
    given = Parameters.of(parameters or {})
    question = (sql, known, given)
    if (answer := _answers.find(question, Inputs(schemas))) is not None:
        return answer
    statement = Statement(sql, _parsed(sql, origin), origin, inputs, known, given)
    try:
        answer = _lineage(statement)
    except ColumnLineageError as error:
        raise statement.fault_of_syntax(error) from None
    if inputs.lasting:
        _answers.store(question, inputs, answer)
    return answer


def _names(sql: str, *, inputs: Inputs) -> list[str]:
    """Column names of a statement over tables named without a schema."""
    words = {token.text for token in sqlglot.tokenize(sql, read="duckdb")}
    tables = {found.name: found.columns for word in words if (found := inputs.find(word)) is not None}
    bare = bare_statement(sql)
    return [name for name, _ in empty_tables().described(bare, tables, parameters_of(bare))]


def _lineage(statement: Statement) -> dict[str, list[ColumnEdge]]:
    scope = Scope(statement, Reader(value, relation))
    found = relation(statement.tree, scope)
    names = [name for name, _ in statement.described()]
    if len(names) != len(found.columns):
        raise statement.fault(
            "The columns of the SQL cannot be told apart.",
            None,
            expected=f"{len(names)} columns: {', '.join(names)}",
            found=f"{len(found.columns)}: {', '.join(column.name for column in found.columns)}",
            advice="write the columns one by one",
        )
    derived = [column.name for column in found.columns]
    if any(one != other and folded(one) == folded(other) for one, other in zip(names, derived, strict=True)):
        names = statement.spelled()
    known: dict[Edge, ColumnEdge] = {}
    return {
        name: public(column.value.edges | found.rows, known)
        for name, column in zip(names, found.columns, strict=True)
    }


def _parsed(sql: str, origin: str) -> exp.Expr:
    try:
        found = statements_of(bare_statement(sql))
    except (SqlglotError, RecursionError):
        found = []
    if len(found) == 1 and isinstance(found[0], _STATEMENTS):
        return repeat_for_all(found[0])
    try:
        return parsed_select(sql, origin, ColumnLineageError, _ADVICE)
    except ColumnLineageError as error:
        if not error.message.startswith("The SQL cannot be parsed") or not is_syntax(sql):
            raise
        raise ColumnLineageError(
            "The lineage of this form of SQL cannot be derived, although DuckDB accepts it.",
            expected="one SELECT in a supported form",
            found=error.found,
            where=error.where,
            advice="write it in another way",
        ) from None
