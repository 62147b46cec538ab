"""Parsing the one SELECT of a SQL text, with faults told as DuckDB tells them."""

from __future__ import annotations

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from recsys_lineage.errors import LineageError
from recsys_lineage.sql.file_call import place
from recsys_lineage.sql.sql_place import syntax_place
from recsys_lineage.sql.statement import bare_statement


def parsed_select(text: str, origin: str, kind: type[LineageError], advice: str) -> exp.Query:
    """The one SELECT of a text; set operations and WITH are included.

    Args:
        text: the text, without a byte order mark.
        origin: where it comes from, for messages.
        kind: of the errors.
        advice: what to do where it is something else than one SELECT.

    Raises:
        LineageError: it cannot be parsed, or is not exactly one SELECT.
    """
    try:
        parsed = sqlglot.parse(bare_statement(text), dialect="duckdb")
    except (SqlglotError, RecursionError) as error:
        words = _refused_by_duckdb(text)
        told = error if isinstance(error, SqlglotError) else SqlglotError("it is nested too deeply")
        said = words.split("\n\nLINE")[0] if words is not None else str(told).splitlines()[0]
        raise kind(
            "The SQL cannot be parsed.",
            expected="one SELECT in DuckDB's dialect",
            found=said,
            where=syntax_place(text, origin, told, words),
            advice="correct it there",
        ) from None
    statements = [statement for statement in parsed if statement is not None]
    if len(statements) == 1 and isinstance(statements[0], exp.Query):
        return statements[0]
    kinds = ", ".join(type(statement).__name__.upper() for statement in statements) or "nothing"
    where = origin
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


def _refused_by_duckdb(text: str) -> str | None:
    """What DuckDB's parser says of a text; None where it takes it."""
    with duckdb.connect() as connection:
        try:
            connection.extract_statements(text)
        except duckdb.Error as error:
            return str(error)
    return None
