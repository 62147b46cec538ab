"""FromItem: one relation of a FROM clause, and the effect of a join on its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.syntax import Node, conjuncts, copied, is_expression, parts
from recsys_lineage.sql.names import quote

_NULLED = {"LEFT": (False, True), "RIGHT": (True, False), "FULL": (True, True), "OUTER": (True, True)}


@dataclass
class FromItem:
    """One relation of a FROM clause.

    Attributes:
        node: its node in the syntax tree.
        alias: its name in columns.
        columns: its columns' names, in order; None where they are unknown.
        table: the folded name of its table or definition; empty for anything else.
        nulled: whether a join may replace its row by NULLs.
        hidden: for the right side of a SEMI or ANTI join, that join.
        nearest: for the right side of an ASOF join, that join: it takes the nearest row of a key, so the choice depends
            on the other rows.
        marker: the column that is true where its row exists; empty where there is none.
        mark: SQL of a column with a fact about its row; empty where there is none.
    """

    node: Node
    alias: str
    columns: list[str] | None
    table: str = ""
    nulled: bool = False
    hidden: Node | None = None
    nearest: Node | None = None
    marker: str = ""
    mark: str = ""
    left_of_hidden: list[FromItem] = field(default_factory=list)

    def may_leave_out_by(self, column: str) -> bool:
        """Whether rows with other values of a column can be left out without another row taking their place."""
        if self.nearest is None:
            return True
        keys = {name.casefold() for name in self.nearest.get("using_columns", [])[:-1]}
        for each in conjuncts(self.nearest.get("condition")):
            if each.get("type") == "COMPARE_EQUAL":
                sides = [each[side] for side in ("left", "right") if is_expression(each[side], "COLUMN_REF")]
                keys |= {side["column_names"][-1].casefold() for side in sides if self._is_of(side)}
        return column.casefold() in keys

    def _is_of(self, column: Node) -> bool:
        names = [name.casefold() for name in column["column_names"]]
        return len(names) == 1 or names[-2] == self.alias.casefold()

    @property
    def row(self) -> str:
        """SQL of its row as a STRUCT with the fields f0, f1, …"""
        assert self.columns is not None
        values = (f"f{n} := {quote(self.alias)}.{quote(name)}" for n, name in enumerate(self.columns))
        return f"struct_pack({', '.join(values)})"

    @property
    def is_there(self) -> str:
        """SQL that is true if its row exists; empty if it always does."""
        if not self.nulled:
            return ""
        if self.marker:
            return f"{quote(self.alias)}.{self.marker}"
        assert self.columns is not None
        return f"NOT ({' AND '.join(f'{quote(self.alias)}.{quote(name)} IS NULL' for name in self.columns)})"


def from_items(relation: Node, catalog: Catalog) -> list[FromItem]:
    """The relations of a FROM clause from left to right."""
    kind = relation.get("type")
    if kind == "JOIN":
        left = from_items(relation["left"], catalog)
        right = from_items(relation["right"], catalog)
        left_nulled, right_nulled = _NULLED.get(relation["join_type"], (False, False))
        for item in left:
            item.nulled |= left_nulled
        for item in right:
            item.nulled |= right_nulled
            if relation.get("ref_type") == "ASOF" and item.nearest is None:
                item.nearest = relation
            if relation["join_type"] in ("SEMI", "ANTI") and item.hidden is None:
                item.hidden, item.left_of_hidden = relation, left
        return [*left, *right]
    if kind == "EMPTY":
        return []
    if kind == "BASE_TABLE":
        table = relation["table_name"]
        names = [column.name for column in catalog.columns.get(table.casefold(), ())]
        aliases = relation.get("column_name_alias") or []
        return [
            FromItem(
                relation, relation.get("alias") or table, [*aliases, *names[len(aliases) :]], table.casefold()
            )
        ]
    return [FromItem(relation, relation.get("alias") or "", None)]


def mark_items(
    query: Node, items: list[FromItem], statement: Statement, fact: Callable[[FromItem], str]
) -> None:
    """Add columns to relations and exclude them from every `*`, in place.

    They show whether a row exists that a join may replace by NULLs, and a fact about a row before it is joined.

    Nothing is added if the query selects columns by a pattern or a relation's whole row.

    Args:
        query, items: the query and its relations.
        statement: the statement that contains it.
        fact: returns SQL of the fact about a relation's rows; empty for none.
    """
    added: dict[int, dict[str, str]] = {}
    for number, item in enumerate(items):
        if item.table and item.hidden is None:
            there = {f"__there{number}": "true"} if item.nulled else {}
            mark = {f"__mark{number}": text} if (text := fact(item)) else {}
            added |= {number: {**there, **mark}} if there or mark else {}
    aliases = {item.alias.casefold() for item in items}
    for part in parts(query) if added else ():
        by_pattern = is_expression(part, "STAR") and part.get("expr")
        whole_row = is_expression(part, "COLUMN_REF") and part["column_names"][-1].casefold() in aliases
        if by_pattern or whole_row:
            return
    for number, columns in added.items():
        item = items[number]
        item.marker = next((name for name in columns if name.startswith("__there")), "")
        item.mark = next((f"{quote(item.alias)}.{name}" for name in columns if name.startswith("__mark")), "")
        inner = copied(item.node)
        inner["alias"] = item.alias
        text = statement.catalog.syntax.relation_text(inner)
        more = ", ".join(f"{start_message} AS {name}" for name, start_message in columns.items())
        made = statement.catalog.syntax.relation(f"(SELECT *, {more} FROM {text}) AS {quote(item.alias)}")
        item.node.clear()
        item.node.update(made)
    # the star of ORDER BY ALL stands for the columns of the result, not for those of FROM
    of_result = [
        id(order.get("expression")) for each in query.get("modifiers", []) for order in each.get("orders", [])
    ]
    for part in parts(query):
        if is_expression(part, "STAR") and id(part) not in of_result:
            over = part.get("relation_name", "").casefold()
            hidden = [
                name
                for number, columns in added.items()
                for name in columns
                if over in ("", items[number].alias.casefold())
            ]
            part["exclude_list"] = [*part.get("exclude_list", []), *hidden]
