"""Unread texts: values of files that a TRY_CAST or try_strptime of the source's SQL turns into no value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import duckdb
from sqlglot import exp

from recsys_lineage.sql.names import literal
from recsys_lineage.sql.parsed import statements_of

_PLACE = "_file || ':' || _line"
_SOME_TIME = "TIMESTAMP '2000-01-01'"


def unread_texts(
    statement: str, columns: Collection[str], no_value: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]
) -> Iterator[str]:
    """Warnings for columns that are empty only because a text cannot be read, in sentences.

    An empty quantity is one piece, and an empty price no price, so that a file with decimal commas would change both
    without a fault. A value that the SQL leaves out by a condition, or replaces by another, is not among them.

    Args:
        statement: the SQL, with the relations of its scans.
        columns: the names of the columns that are looked at.
        no_value: the pattern of texts that mean that there is no value.
        ask: returns the rows of a SELECT.
    """
    tree = statements_of(statement)[0]
    for select in list(tree.find_all(exp.Select)):
        tried = {
            column.alias_or_name: column
            for column in select.selects
            if column.alias_or_name.casefold() in columns and any(_attempts(column, select))
        }
        if not tried:
            continue
        try:
            found = ask(_counted(tree, select, tried, no_value))
        except duckdb.Error:  # rows of groups, or of a query around it, cannot be looked at one by one
            continue
        for name, (rows, place) in zip(tried, zip(found[0][::2], found[0][1::2], strict=True), strict=True):
            if rows:
                at = f", as at {place}" if place else ""
                yield (
                    f"{rows:,} rows have no {name} because the SQL cannot read its text{at}: mend its TRY_CAST or "
                    "try_strptime, or take it out, which rejects such rows with their file and line"
                )


def _attempts(column: exp.Expr, select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Expr, str]]:
    """The casts of a column that make NULL of what they cannot read, each with its text and some value of its type."""
    for node in column.find_all(exp.TryCast, exp.Anonymous, exp.StrToTime):
        if node.find_ancestor(exp.Select) is not select:
            continue
        if isinstance(node, exp.TryCast):
            type_ = node.to.sql("duckdb")
            some = "1" if node.to.is_type(*exp.DataType.NUMERIC_TYPES) else _SOME_TIME
            if node.to.is_type(*exp.DataType.NUMERIC_TYPES, *exp.DataType.TEMPORAL_TYPES):
                yield node, node.this, f"CAST({some} AS {type_})"
        elif _is_try_strptime(node):
            yield node, node.this if isinstance(node, exp.StrToTime) else node.expressions[0], _SOME_TIME


def _is_try_strptime(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return str(node.this).casefold() == "try_strptime" and len(node.expressions) > 1
    return bool(node.args.get("safe"))


def _counted(tree: exp.Expr, select: exp.Select, tried: dict[str, exp.Expr], no_value: str) -> str:
    """A SELECT of the number of rows, and the first place, for each column that an unread text leaves empty."""
    made = select.copy()
    counts: list[str] = []
    names = {column.alias_or_name.casefold() for column in select.selects}
    first = f"arg_min({_PLACE}, (_file, _line))" if {"_file", "_line"} <= names else "NULL"
    for number, column in enumerate(tried.values()):
        value = column.unalias().copy()
        # the column as it would be if every text could be read
        whole = exp.select(column.unalias().copy())
        inner = next(whole.find_all(exp.Select))
        for node, text, some in list(_attempts(whole.selects[0], inner)):
            has_text = f"NOT regexp_matches(trim(CAST({text.sql('duckdb')} AS VARCHAR)), {literal(no_value)})"
            read = exp.maybe_parse(
                f"coalesce({node.sql('duckdb')}, CASE WHEN {has_text} THEN {some} END)", dialect="duckdb"
            )
            node.replace(read)
        name = f"_unread_{number}"
        could = whole.selects[0].sql("duckdb")
        made.select(
            f"({value.sql('duckdb')}) IS NULL AND ({could}) IS NOT NULL AS {name}",
            dialect="duckdb",
            copy=False,
        )
        counts.append(f"count(*) FILTER ({name}), {first}{f' FILTER ({name})' if first != 'NULL' else ''}")
    if select is not tree and tree.args.get("with_") is not None and made.args.get("with_") is None:
        made.set("with_", tree.args["with_"].copy())
    return f"SELECT {', '.join(counts)} FROM ({made.sql('duckdb')})"
