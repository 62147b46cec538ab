"""Syntax: a SELECT as parsed by DuckDB, decomposed and written again.

DuckDB exports its syntax tree as JSON and imports it again, so no second parser's interpretation of the dialect is
needed. The tree differs a little between DuckDB 1.5 and 2.0; this module hides the differences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

from recsys_lineage.sql.spare_database import spare_database

Node = dict[str, Any]

_NESTED = (dict, list)
_TRUE: Node = {
    "class": "CONSTANT",
    "type": "VALUE_CONSTANT",
    "alias": "",
    "value": {"type": {"id": "BOOLEAN", "type_info": None}, "is_null": False, "value": True},
}
QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
_QUERIES = frozenset(QUERIES)


class Syntax:
    """DuckDB's parser and writer."""

    def parsed(self, sql: str) -> Node | str:
        """The query node of one SELECT; DuckDB's error if it has none."""
        tree = json.loads(_answer("SELECT json_serialize_sql(?::VARCHAR)", sql))
        if tree["error"]:
            return str(tree["error_message"])
        if len(tree["statements"]) != 1:
            return f"{len(tree['statements'])} statements"
        return tree["statements"][0]["node"]

    def text(self, query: Node) -> str:
        """The SQL of a query node, possibly inside a WITH."""
        node = query if self._brackets_joins else _with_conditions(query)
        statement = json.dumps({"error": False, "statements": [{"node": node}]})
        written = _answer("SELECT json_deserialize_sql(?::JSON)", statement)
        # DuckDB 1.5 writes FROM (DESCRIBE …) as DESCRIBE …, and takes that in no WITH
        return f"SELECT * FROM ({written})" if written.startswith(("DESCRIBE ", "SUMMARIZE ")) else written

    @cached_property
    def _brackets_joins(self) -> bool:
        """Whether DuckDB writes parentheses around joins: 1.5 writes a cross join as a comma, which binds less
        tightly."""
        sql = "SELECT 1 FROM a CROSS JOIN b LEFT JOIN c ON a.x = c.x"
        written = "SELECT json_deserialize_sql(json_serialize_sql(?::VARCHAR))"
        return " , " not in _answer(written, sql)

    def expression(self, sql: str) -> Node:
        """An expression of a SELECT list."""
        return self._select(sql)["select_list"][0]

    def expression_text(self, expression: Node) -> str:
        """The SQL of an expression, without its alias."""
        select = {**self._one_value, "select_list": [{**expression, "alias": ""}]}
        return self.text(select).removeprefix("SELECT ")

    def relation(self, sql: str) -> Node:
        """The node after FROM."""
        return self._select(f"* FROM {sql}")["from_table"]

    def relation_text(self, relation: Node) -> str:
        """The SQL of the node after FROM."""
        select = {**self._one_value, "from_table": relation}
        return self.text(select).removeprefix("SELECT 1 FROM ")

    @cached_property
    def _one_value(self) -> Node:
        """The smallest query in which parts can be written."""
        return self._select("1")

    def _select(self, sql: str) -> Node:
        node = self.parsed(f"SELECT {sql}")
        assert isinstance(node, dict), f"{node}: {sql}"
        return node


@lru_cache(maxsize=1024)
def _answer(sql: str, value: str) -> str:
    """DuckDB's result for one value; kept, because most parts of a statement are the same for its next row."""
    with spare_database() as connection:
        row = connection.execute(sql, [value]).fetchone()
    assert row is not None
    return row[0]


def _with_conditions(value: Any, in_join: bool = False) -> Any:
    """A part of a syntax tree with cross joins inside other joins replaced by joins on true."""
    if isinstance(value, list):
        return [_with_conditions(each) for each in value]
    if not isinstance(value, dict):
        return value
    is_join = value.get("type") == "JOIN" and "ref_type" in value
    if is_join and in_join and value["ref_type"] == "CROSS":
        value = {**value, "ref_type": "REGULAR", "condition": _TRUE}
    inside = is_join and value["ref_type"] != "CROSS"
    return {
        name: _with_conditions(each, inside and name in ("left", "right")) for name, each in value.items()
    }


def is_query(value: Any) -> bool:
    """Whether a part of a syntax tree is a query node."""
    return isinstance(value, dict) and value.get("type") in QUERIES


def parts(value: Any) -> Iterator[Node]:
    """Every part of a syntax tree outside of the queries inside it, from the top."""
    stack = [value]
    push, pop = stack.append, stack.pop
    while stack:
        each = pop()
        if type(each) is dict:
            yield each
            inside = each.values()
        elif type(each) is list:
            inside = each
        else:
            continue
        for part in reversed(inside):
            if not part:  # a trace walks over these trees so often that a call for each part is felt
                continue
            kind = type(part)
            if kind is list:
                push(part)
            elif kind is dict:
                named = part.get("type")
                if named.__class__ is not str or named not in _QUERIES:
                    push(part)


def everything(query: object) -> list[Node]:
    """Every part of a query and of the queries inside it."""
    found: list[Node] = []
    stack: list[object] = [query]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            found.append(each)
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
    return found


def copied(value: Any) -> Any:
    """An independent copy of a part of a syntax tree; only JSON, so faster than deepcopy."""
    if type(value) is dict:
        return {key: copied(part) if type(part) in _NESTED else part for key, part in value.items()}
    if type(value) is list:
        return [copied(part) if type(part) in _NESTED else part for part in value]
    return value


def is_expression(part: Node, kind: str) -> bool:
    """Whether a part is an expression of a class, such as WINDOW or COLUMN_REF."""
    return part.get("class") == kind


def subqueries(value: Any) -> list[Node]:
    """The subquery expressions of a part, in order."""
    return [part for part in parts(value) if is_expression(part, "SUBQUERY")]


def conjuncts(condition: Node | None) -> list[Node]:
    """The conditions that a condition joins by AND."""
    if condition is None:
        return []
    if condition.get("type") == "CONJUNCTION_AND":
        return [each for child in condition["children"] for each in conjuncts(child)]
    return [condition]


def arguments(call: Node) -> list[Node]:
    """The arguments of a function or window."""
    if "arguments" in call:
        return [each.get("expression", each) for each in call["arguments"]]
    return call.get("children", [])


def children(query: Node) -> list[Node]:
    """The queries that a set operation combines."""
    return query.get("children") or [query["left"], query["right"]]


def set_children(query: Node, nodes: list[Node]) -> None:
    """Replace the queries that a set operation combines."""
    if query.get("children"):
        query["children"] = nodes
    else:
        query["left"], query["right"] = nodes


def is_cut(query: Node) -> bool:
    """Whether LIMIT leaves only some rows of a query."""
    return any(each["type"].startswith("LIMIT") for each in query.get("modifiers", []))


def common_tables(query: Node) -> list[tuple[str, Node]]:
    """The entries of a query's WITH by name, in order."""
    return [(entry["key"], entry["value"]) for entry in query.get("cte_map", {}).get("map", [])]


def body_of(common_table: Node) -> Node:
    """The query of an entry of WITH."""
    return common_table["query_node"] if common_table.get("query_node") else common_table["query"]["node"]


def without_places(value: Any) -> Any:
    """A part of a syntax tree without text positions and aliases, for comparisons."""
    if isinstance(value, dict):
        return {
            key: without_places(part)
            for key, part in value.items()
            if key not in ("query_location", "query_location_length", "alias")
        }
    return [without_places(part) for part in value] if isinstance(value, list) else value


def once(nodes: list[Node]) -> list[Node]:
    """Parts without duplicates."""
    seen: list[object] = []
    kept: list[Node] = []
    for node in nodes:
        plain = without_places(node)
        if plain not in seen:
            seen.append(plain)
            kept.append(node)
    return kept


def gathered(window: Node, argument: Node, aggregate: str) -> Node:
    """An aggregate of an argument over the frame of another window, which may still be changed."""
    made = copied(window)
    made.update(type="WINDOW_AGGREGATE", function_name=aggregate, alias="", exclude_clause="NO_OTHER")
    if "qualified_name" in made:
        made["qualified_name"] = {**made["qualified_name"], "path": [aggregate]}
    for key in ("filter_expr", "offset_expr", "default_expr"):
        if key in made:
            made[key] = None
    for key in ("ignore_nulls", "has_ignore_nulls", "distinct"):
        if key in made:
            made[key] = False
    if "arg_orders" in made:
        made["arg_orders"] = []
    set_arguments(made, [argument])
    return made


def set_arguments(call: Node, nodes: list[Node]) -> None:
    """Replace the arguments of a function or window."""
    if "arguments" in call:
        call["arguments"] = [{"name": "", "expression": each} for each in nodes]
    else:
        call["children"] = nodes


def is_star(query: Node) -> bool:
    """Whether a query returns the rows of its relation unchanged."""
    decides = ("where_clause", "group_expressions", "having", "qualify", "modifiers")
    stars = query.get("select_list", [])
    plain_star = len(stars) == 1 and is_expression(stars[0], "STAR") and not stars[0].get("columns")
    lists = ("exclude_list", "replace_list", "rename_list", "expr")
    return (
        plain_star
        and not any(stars[0].get(key) for key in lists)
        and not any(query.get(key) for key in decides)
    )


def whole_of(query: Node) -> str | None:
    """The definition that a query reads and returns unchanged."""
    relation = query.get("from_table", {})
    plain_select = query["type"] == "SELECT_NODE" and relation.get("type") == "BASE_TABLE"
    if plain_select and relation["table_name"].startswith("__") and not query.get("where_clause"):
        stars = query["select_list"]
        bare = len(stars) == 1 and is_expression(stars[0], "STAR") and not query.get("modifiers")
        if bare and not stars[0].get("exclude_list") and not stars[0].get("replace_list"):
            return relation["table_name"]
    return None


def parameters_in(query: Node) -> list[str]:
    """Names of the parameters of a part of a syntax tree, sorted."""
    return sorted({part["identifier"] for part in everything(query) if is_expression(part, "PARAMETER")})
