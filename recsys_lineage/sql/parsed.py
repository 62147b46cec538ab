"""Parsing of the one SELECT of a SQL text, with errors worded like DuckDB's."""

from __future__ import annotations

from contextlib import suppress

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from recsys_lineage.errors import LineageError
from recsys_lineage.sql.file_call import place
from recsys_lineage.sql.json_arrows import parsed_statements
from recsys_lineage.sql.respelled.other_spelling import spelled_otherwise
from recsys_lineage.sql.respelled.pivot_text import with_pivots
from recsys_lineage.sql.spare_database import spare_database
from recsys_lineage.sql.sql_place import PiecedSql, place_in, plain, pointed_at
from recsys_lineage.sql.statement import bare_statement

_TABLES = exp.Pivot | exp.Summarize | exp.Values
"""Statements that are no SELECT for the parser but return a table like one."""


def parsed_select(
    text: str, origin: str, kind: type[LineageError], advice: str, *, shaped: bool = False
) -> exp.Query:
    """The one SELECT of a text; set operations and WITH are included.

    Args:
        text: the text, without a byte order mark.
        origin: its file or asset, for messages.
        kind: the class of the errors.
        advice: the advice if it is not exactly one SELECT.
        shaped: whether plain PIVOT, UNPIVOT, SUMMARIZE and VALUES are accepted too, as a SELECT of all their columns.

    Raises:
        LineageError: it cannot be parsed, or is not exactly one SELECT.
    """
    try:
        statements = statements_of(bare_statement(text))
    except (SqlglotError, RecursionError) as error:
        found, where = fault_of_syntax(text, origin, error)
        raise kind(
            "The SQL cannot be parsed.",
            expected="one SELECT in DuckDB's dialect",
            found=found,
            where=where,
            advice="correct it there",
        ) from None
    if len(statements) == 1 and isinstance(statements[0], exp.Query):
        return statements[0]
    if shaped and len(statements) == 1 and isinstance(statements[0], _TABLES):
        return exp.Select(expressions=[exp.Star()], from_=exp.From(this=exp.Subquery(this=statements[0])))
    kinds = ", ".join(map(_kind, statements)) or "nothing"
    where = first_place(text, origin)
    if len(statements) > 1:
        tokens = sqlglot.tokenize(text, read="duckdb")
        first = next(n for n, token in enumerate(tokens) if token.text == ";")
        where = place(text, tokens[first + 1].start, origin)
    raise kind(
        "The SQL is not one SELECT.",
        expected="a single SELECT, WITH … SELECT or set operation",
        found=kinds,
        where=where,
        advice=advice,
    )


def statements_of(text: str) -> list[exp.Expr]:
    """Syntax trees of the statements of a text in any spelling that DuckDB takes and that can be rewritten for sqlglot.

    Raises:
        SqlglotError: the text cannot be parsed.
        RecursionError: it is nested too deeply.
    """
    try:
        found = parsed_statements(text)
    except (SqlglotError, RecursionError):
        with suppress(SqlglotError, RecursionError):  # such as a text that is not closed
            if found := with_pivots(text) or spelled_otherwise(text):
                return found
        raise
    is_misread = "PIVOT" in text.upper() and any(map(_is_misread, found))
    return (spelled_otherwise(text) if is_misread else []) or found


def _is_misread(tree: exp.Expr) -> bool:
    """Whether sqlglot takes the alias before an entry of UNPIVOT for the entry, and what follows for a parameter."""
    return any(each.args["alias"].find(exp.Placeholder) for each in tree.find_all(exp.PivotAlias))


def first_place(text: str, origin: str) -> str:
    """Position of the first word of a text, after its comments."""
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
    except SqlglotError:
        tokens = []
    return place(text, tokens[0].start if tokens else 0, origin)


def _kind(statement: exp.Expr) -> str:
    """The first word of a statement, if it is known."""
    return (
        str(statement.this).upper()
        if isinstance(statement, exp.Command)
        else type(statement).__name__.upper()
    )


def fault_of_syntax(text: str, origin: str, error: Exception) -> tuple[str, str]:
    """Fault of a text that sqlglot does not parse, and its position: DuckDB's, if it does not parse it either."""
    try:
        pieces = PiecedSql.of(text)
    except SqlglotError:  # such as a text that is not closed
        if (refused := _refused_by_duckdb(text)) is not None and (at := pointed_at(str(refused), text)):
            return plain(refused), f"{origin}:{at[0] + 1}:{at[1] + 1}"
        return str(refused or error).splitlines()[0], origin
    if (refused := _refused_by_duckdb(pieces.sql)) is not None:
        start = pieces.offset(refused)
        if start is None and "at end of input" in str(refused):  # DuckDB 1.5 shows no line of it
            start = sqlglot.tokenize(text, read="duckdb")[-1].start
        return plain(refused), place_in(text, start, origin)
    fault = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    if fault.get("line") and fault.get("col"):
        column = fault["col"] - len(fault.get("highlight") or " ") + 1
        return str(fault.get("description") or error).splitlines()[
            0
        ], f"{origin}:{fault['line']}:{max(column, 1)}"
    return str(error).splitlines()[0] if str(error) else "it is nested too deeply", origin


def _refused_by_duckdb(text: str) -> duckdb.Error | None:
    """Error of DuckDB's parser for a text."""
    with spare_database() as connection:
        try:
            connection.extract_statements(text)
        except duckdb.Error as error:
            return error
    return None
