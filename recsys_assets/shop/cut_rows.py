"""Cut rows: rows of files that a LIMIT, OFFSET or sample in a source's SQL leaves out, as after a try."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
from sqlglot import exp

from recsys_lineage.sql.parsed import statements_of

_CUTS = {"limit": "LIMIT", "offset": "OFFSET", "sample": "a sample"}
"""Clause that leaves out rows whatever they hold → its name."""


def cut_rows(statement: str, ask: Callable[[str], Sequence[tuple[Any, ...]]]) -> Iterator[str]:
    """A warning for the rows that such clauses leave out, in a sentence; none where they leave out nothing.

    Those of a table that is joined, and of a subquery in an expression, choose a value and no rows.

    Args:
        statement: the SQL, with the relations of its scans.
        ask: returns the rows of a SELECT.
    """
    tree = statements_of(statement)[0].copy()
    cuts = [
        (node, name)
        for node in list(tree.find_all(exp.Query, exp.Table))
        for name in _CUTS
        if node.args.get(name) is not None and _gives_all_rows(node)
    ]
    if not cuts:
        return
    for node, name in cuts:
        node.set(name, None)
    try:
        ((left, rows),) = ask(
            f"SELECT (SELECT count(*) FROM ({statement})), (SELECT count(*) FROM ({tree.sql('duckdb')}))"
        )
    except duckdb.Error:  # a value at which the SQL fails, in a row that is left out
        return
    if rows > left:
        words = " and ".join(dict.fromkeys(_CUTS[name] for _, name in cuts))
        yield (
            f"{rows - left:,} of {rows:,} rows are left out by {words} in the SQL: take it out, or write a WHERE that "
            "says which rows are meant"
        )


def _gives_all_rows(node: exp.Expr) -> bool:
    """Whether the rows of a query or table are those of the whole, up to other parts of a UNION.

    Those of a WITH are, if a query that reads it by its name gives them on.
    """
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.CTE):
            return any(map(_gives_all_rows, _readers(parent)))
        if isinstance(parent, exp.With):
            return False
        alone = (
            isinstance(parent, exp.Select)
            and str(node.arg_key).startswith("from")
            and not parent.args.get("joins")
        )
        if not (alone or isinstance(parent, (exp.Subquery, exp.SetOperation, exp.From))):
            return False
        node, parent = parent, parent.parent
    return True


def _readers(part: exp.CTE) -> Iterator[exp.Table]:
    """The places that read a part of a WITH by its name, but for those in that part itself, which recursion has."""
    name = part.alias.casefold()
    query = part.find_ancestor(exp.Query)
    for table in () if query is None else query.find_all(exp.Table):
        if table.name.casefold() == name and not table.db and table.find_ancestor(exp.CTE) is not part:
            yield table
