"""WhollyMarked: definitions that are wholly marked as soon as another one is.

A definition of one row, such as a count over a table, is wholly marked if its row is, and everything joined with it
depends on that row. The same holds for everything above, so nothing of it must be computed to find the followed rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.row_facts.single_rows import SingleRows
from recsys_lineage.rows.statement.syntax import Node, children, conjuncts, is_expression, parts, subqueries
from recsys_lineage.rows.witnesses.witness import Witnesses


class WhollyMarked:
    """Consequences of a wholly marked definition.

    Args:
        statement: the decomposed statement.
        witnesses: the statement's witnesses.

    Attributes:
        single: the definitions with at most one row.
    """

    def __init__(self, statement: Statement, witnesses: Witnesses) -> None:
        self._statement, self._witnesses = statement, witnesses
        self.single = SingleRows(statement, witnesses)

    def follow_from(self, definition: Definition) -> list[tuple[str, ...]]:
        """Lists of a definition's inputs, folded: if all inputs in a list are wholly marked, so is the definition."""
        query, followed = definition.query, self._witnesses.followed
        if definition.recursive or definition.keys:
            return []
        if query["type"] == "SET_OPERATION_NODE":
            return self._of_sides(query)
        if not _is_joined(query):
            return []
        items = from_items(query["from_table"], self._statement.catalog)
        sets = query.get("group_sets", [])
        if self._witnesses.is_aggregated(query) and (len(sets) > 1 or not self._witnesses.keys_of(query)):
            return []  # such a query may give a row that is made of none
        found = dict.fromkeys(item.table for item in items if _is_always_there(item))
        return [(table,) for table in found if table in followed]

    def _of_sides(self, query: Node) -> list[tuple[str, ...]]:
        followed = self._witnesses.followed
        sides = [side.get("from_table", {}).get("table_name", "").casefold() for side in children(query)]
        if query["setop_type"].startswith("UNION"):
            return [tuple(sides)] if followed.issuperset(sides) else []
        taken = sides[:1] if query["setop_type"] == "EXCEPT" else sides
        return [(side,) for side in taken if side in followed]

    def scalars_of(self, definition: Definition) -> Iterable[str]:
        """The definitions of one row, folded, whose value every row of a definition uses."""
        query = definition.query
        if definition.recursive or not _is_joined(query) or self._witnesses.is_aggregated(query):
            return
        where = [part for part in conjuncts(query.get("where_clause")) if not _is_absence(part)]
        for each in subqueries([where, query["select_list"]]):
            inner = each["subquery"]["node"]
            read = inner.get("from_table", {})
            table = read.get("table_name", "").casefold()
            decides = ("where_clause", "having", "qualify", "modifiers")
            if (
                each["subquery_type"] == "SCALAR"
                and self.single.has(table)
                and not any(map(inner.get, decides))
            ):
                yield table


def _is_joined(query: Node) -> bool:
    """Whether a query is a SELECT of relations in which each row is joined with some of the others."""
    if query["type"] != "SELECT_NODE" or query["from_table"]["type"] in ("PIVOT", "SHOW_REF", "EMPTY"):
        return False
    return not any(part.get("ref_type") == "POSITIONAL" for part in parts(query["from_table"]))


def _is_absence(condition: Node) -> bool:
    return condition.get("type") == "OPERATOR_NOT" and is_expression(condition["children"][0], "SUBQUERY")


def _is_always_there(item: FromItem) -> bool:
    return bool(item.table) and item.hidden is None and not item.nulled and item.nearest is None
