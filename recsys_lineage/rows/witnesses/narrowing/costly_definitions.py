"""Costly definitions: definitions that must compute all of their rows even if only some are requested."""

from __future__ import annotations

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts
from recsys_lineage.rows.witnesses.witness import Witnesses


def windows_of(query: Node) -> list[Node]:
    """The window functions of a query's result."""
    result = [query["select_list"], query.get("qualify"), query.get("having"), query.get("modifiers")]
    return [part for part in parts(result) if is_expression(part, "WINDOW")]


def is_distinct(query: Node) -> bool:
    """Whether a query removes duplicate rows."""
    return any(each["type"] == "DISTINCT_MODIFIER" for each in query.get("modifiers", []))


def is_costly(definition: Definition, statement: Statement, witnesses: Witnesses) -> bool:
    """Whether a definition makes groups, windows or distinct rows, or is the input of a PIVOT or UNPIVOT."""
    query = definition.query
    if definition.recursive or definition is statement.main:
        return False
    if definition.name.casefold() in shaped(statement):
        return True
    if query["type"] == "SET_OPERATION_NODE":
        return not query["setop_all"] or query["setop_type"] == "EXCEPT"
    return is_distinct(query) or witnesses.is_aggregated(query) or bool(windows_of(query))


def shaped(statement: Statement) -> set[str]:
    """The definitions, folded, that are inputs of a PIVOT or UNPIVOT: no conditions are pushed into these."""
    return {
        name
        for each in statement.definitions.values()
        if each.query.get("from_table", {}).get("type") in ("PIVOT", "SHOW_REF")
        for name in each.reads
        if name in statement.definitions
    }


def computed_whole(statement: Statement, witnesses: Witnesses) -> list[str]:
    """The subqueries of expressions, folded, over costly definitions, whose rows are all needed at once."""
    costly = [name for name, each in statement.definitions.items() if is_costly(each, statement, witnesses)]
    return [
        name
        for name, each in statement.definitions.items()
        if each.in_expression
        and (name in costly or any(each.depends_on(other, statement.definitions) for other in costly))
    ]
