"""Context: the inputs of a row beyond its traced rows: windows over whole tables, and the columns that depend on
them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from recsys_lineage.rows.statement.catalog import Catalog, Column
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.from_item import FromItem, from_items
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.window_rows import is_over_all
from recsys_lineage.rows.statement.syntax import (
    Node,
    children,
    copied,
    everything,
    is_expression,
    is_query,
    parts,
    subqueries,
    whole_of,
)

_UNIONS = ("UNION", "UNION_BY_NAME")
_NUMBERED = re.compile(r"_\d+$")


@dataclass
class _Needs:
    """The columns of a query that need the context, by name, whether its rows do, and the context."""

    names: set[str] = field(default_factory=set)
    rows: bool = False
    places: set[int] = field(default_factory=set)


def context_of(statement: Statement, source: str) -> tuple[str | None, tuple[str, ...]]:
    """The context of a table in a statement: the condition on its rows, and the columns of the result that need them.

    None, and no columns, if the statement depends on no whole table.
    """
    columns = statement.main.columns
    if statement.sampled and statement.main.depends_on(source, statement.definitions):
        return "true", tuple(each.name for each in columns)  # which rows a sample drew is not known
    found = _Context(statement, source)
    needs = found.needs.get(statement.main.name.casefold())
    if needs is None or not found.conditions:
        return None, ()
    insufficient = tuple(each.name for n, each in enumerate(columns) if needs.rows or n in needs.places)
    conditions = list(dict.fromkeys(found.conditions))
    return "true" if "true" in conditions else " OR ".join(conditions), insufficient


class _Context:
    def __init__(self, statement: Statement, source: str) -> None:
        self.statement, self.source = statement, source
        self.syntax, self.facts = statement.catalog.syntax, QueryFacts(statement, ())
        self.conditions: list[str] = []
        self.needs: dict[str, _Needs] = {}
        self.followed = {source} | {
            name
            for name, each in statement.definitions.items()
            if each.depends_on(source, statement.definitions)
        }
        for name, definition in statement.definitions.items():
            if name not in self.followed or definition.whole:  # a trace of the latter holds all rows
                continue
            query = definition.query
            needs = _Needs()
            if name in statement.aside:
                self._add_condition(query)
                needs.places = {*range(len(definition.columns))}
                needs.names = {column.name.casefold() for column in definition.columns}
                self.needs[name] = needs
                continue
            for each in [query["left"], query["right"]] if definition.recursive else [query]:
                one = self._of(each, set())
                needs.rows |= one.rows
                needs.places |= one.places
            width = range(len(definition.columns))
            if needs.rows:
                needs.places = set(width)
            needs.names = {definition.columns[n].name.casefold() for n in width if n in needs.places}
            self.needs[name] = needs

    def _of(self, query: Node, around: set[str]) -> _Needs:
        """Context of a query; `around` has the names of the outer query that need the context."""
        if query["type"] == "SET_OPERATION_NODE":
            return self._of_sides(query, around)
        if (whole_name := whole_of(query)) is not None and whole_name in self.needs:
            return self.needs[whole_name]
        needs, names, relation = _Needs(), set(around), query["from_table"]
        items = from_items(relation, self.statement.catalog)
        whole = self._of_relations(query, items, needs, names)
        select = query["select_list"]
        own = {name for item in items for name in _folded(item.columns or ())}
        for each in select:
            if each.get("alias", "").casefold() in own:
                continue  # elsewhere in the query that name is the column's
            if not is_expression(each, "STAR") and self._hit(each, names, whole, query) and each.get("alias"):
                names.add(each["alias"].casefold())
        stars = any(is_expression(each, "STAR") and not each.get("columns") for each in select) or any(
            is_expression(part, "STAR") for part in parts(select)
        )
        deciding: list[object] = [query.get(key) for key in ("where_clause", "having", "qualify")]
        deciding += self.facts.keys_of(query)
        deciding += [part.get("condition") for part in parts(relation) if part.get("type") == "JOIN"]
        for part in parts(relation):
            if part.get("using_columns"):
                needs.rows |= bool(set(_folded(part["using_columns"])) & names)
        if self._cut(query):
            needs.rows = True
        if self._limited(query):
            deciding += [query.get("modifiers"), *self._sorted_by_place(query)]
        needs.rows |= any(self._hit(each, names, whole, query) for each in deciding if each)
        if stars:
            needs.names = {name for name in names}
            needs.places = self._by_name(query, names)
            hit = [not _is_star(each) and self._hit(each, names, whole, query) for each in select]
            needs.places |= self._between_stars(query, hit)
        else:
            needs.places = {n for n, each in enumerate(select) if self._hit(each, names, whole, query)}
        return needs

    def _of_relations(self, query: Node, items: Sequence[FromItem], needs: _Needs, names: set[str]) -> bool:
        """Add the needs of a query's relations, and the names of their columns that need the context.

        Returns:
            Whether any column of a relation needs it, so that the relation's whole rows do.
        """
        whole = False
        for item in items:
            below = self.needs.get(item.table)
            if below is not None:
                needs.rows |= below.rows
                own = _folded(_names(item.table, self.statement.catalog))
                renamed = dict(zip(own, _folded(item.columns or ()), strict=False))
                names |= {renamed.get(name, name) for name in below.names}
                whole |= bool(below.places)
        relation = query["from_table"]
        needs.rows |= self._is_shaped_of_needs(relation)
        for part in parts(relation):
            if part.get("type") == "JOIN" and part.get("ref_type") == "POSITIONAL" and self._reads(query):
                needs.rows = True
                self.conditions.append("true")
            elif part.get("type") == "SUBQUERY" and is_query(part["subquery"]["node"]):
                one = self._of(part["subquery"]["node"], names)
                needs.rows |= one.rows
                whole |= bool(one.places)
                if one.places:
                    names |= set(
                        _folded(part.get("column_name_alias") or _result_names(part["subquery"]["node"]))
                    )
        return whole

    def _of_sides(self, query: Node, around: set[str]) -> _Needs:
        """Context of a set operation: its columns or rows need it if those of its sides do."""
        needs = _Needs(rows=self._cut(query))
        by_name = query["setop_type"] == "UNION_BY_NAME"
        names: list[str] = []
        for side in children(query):
            one = self._of(side, around)
            needs.rows |= one.rows or (query["setop_type"] not in _UNIONS and bool(one.places))
            below = self.statement.definitions.get(whole_of(side) or "") if by_name else None
            own = [] if below is None else _folded(column.name for column in below.columns)
            names += [name for name in own if name not in names]
            needs.rows |= by_name and below is None and bool(one.places)
            needs.places |= {names.index(own[n]) for n in one.places} if own else one.places
        return needs

    def _is_shaped_of_needs(self, relation: Node) -> bool:
        """Whether PIVOT, UNPIVOT or SUMMARIZE derives its columns or rows from some that need the context."""
        shaped = [part for part in everything(relation) if part.get("type") in ("PIVOT", "SHOW_REF")]
        read = [part.get("table_name", "").casefold() for part in everything(shaped)]
        below = [self.needs[name] for name in read if name in self.needs]
        return any(each.rows or bool(each.places) for each in below)

    def _columns_of(self, query: Node) -> Sequence[Column] | None:
        """The columns of a query that is a definition or a side of one; None for a subquery."""
        for definition in self.statement.definitions.values():
            sides = definition.query.get("left"), definition.query.get("right")
            if definition.query is query or query in sides:
                return definition.columns
        return None

    def _by_name(self, query: Node, names: set[str]) -> set[int]:
        """Positions of the columns with these names, if some come from a `*`."""
        if (columns := self._columns_of(query)) is None:
            return {0} if names else set()
        return {
            n
            for n, column in enumerate(columns)
            if column.name.casefold() in names or _NUMBERED.sub("", column.name.casefold()) in names
        }

    def _between_stars(self, query: Node, hit: Sequence[bool]) -> set[int]:
        """Positions of the computed columns that need the context, if others come from a `*`.

        An expression over COLUMNS(…) makes several columns. Between two such expressions, all possible positions of a
        column count.
        """
        if (columns := self._columns_of(query)) is None:
            return {0} if any(hit) else set()
        several = [any(is_expression(part, "STAR") for part in parts(each)) for each in query["select_list"]]
        found: set[int] = set()
        for n, is_hit in enumerate(hit):
            if not is_hit:
                continue
            first, last = n, len(columns) - len(hit) + n
            if not several[n] and not any(several[:n]):
                last = first
            elif not several[n] and not any(several[n:]):
                first = last
            found |= {*range(first, last + 1)}
        return found

    def _hit(self, part: object, names: set[str], whole: bool, query: Node) -> bool:
        """Whether an expression needs the context."""
        hit = False
        for each in parts(part):
            if is_expression(each, "WINDOW") and is_over_all(each):
                reads = self._reads_source(each)
                if reads:  # also for rows that the traced ones do not request
                    self.conditions.append("true")
                elif self._reads(query):
                    self._add_condition(query)
                hit |= reads or self._reads(query)
            elif is_expression(each, "COLUMN_REF"):
                hit |= any(name.casefold() in names for name in each["column_names"])
            elif is_expression(each, "STAR"):
                hit |= bool(names) and whole
            elif is_expression(each, "SUBQUERY"):
                inner = self._of(each["subquery"]["node"], names)
                hit |= inner.rows or bool(inner.places)
        return hit

    def _reads_source(self, window: Node) -> bool:
        """Whether subqueries in a window function read the source."""
        return any(
            part.get("type") == "BASE_TABLE" and part["table_name"].casefold() in self.followed
            for subquery in subqueries(window)
            for part in everything(subquery)
        )

    def _reads(self, query: Node) -> bool:
        return any(
            part.get("type") == "BASE_TABLE" and part["table_name"].casefold() in self.followed
            for part in parts(query["from_table"])
        )

    def _cut(self, query: Node) -> bool:
        """Whether a query skips rows by count: by OFFSET or a percentage."""
        for each in query.get("modifiers", []):
            share = each["type"] == "LIMIT_PERCENT_MODIFIER" or each.get("limit_type") == "PERCENTAGE"
            if each["type"].startswith("LIMIT") and (each.get("offset") or share):
                self.conditions.append("true")
                return True
        return False

    def _limited(self, query: Node) -> bool:
        return any(
            each["type"].startswith("LIMIT") or each.get("distinct_on_targets")
            for each in query.get("modifiers", [])
        )

    def _sorted_by_place(self, query: Node) -> list[Node]:
        """The columns that ORDER BY and DISTINCT ON name by their numbers; all where a `*` may stand before them."""
        select = query["select_list"]
        stars = any(is_expression(part, "STAR") for part in parts(select))
        found: list[Node] = []
        for each in query.get("modifiers", []):
            keys = [order["expression"] for order in each.get("orders", [])]
            for key in [*keys, *each.get("distinct_on_targets", [])]:
                if is_expression(key, "CONSTANT"):
                    place = self.syntax.expression_text(key)
                    one = select[int(place) - 1 : int(place)] if place.isdecimal() else []
                    found += select if stars else one
        return found

    def _add_condition(self, query: Node) -> None:
        """Add the rows of the source that a window of this query reads."""
        relation = query["from_table"]
        direct = relation.get("type") == "BASE_TABLE" and relation["table_name"].casefold() == self.source
        where = query.get("where_clause")
        if not direct or where is None or any(is_expression(part, "SUBQUERY") for part in parts(where)):
            self.conditions.append("true")
            return
        bare = copied(where)
        alias = (relation.get("alias") or relation["table_name"]).casefold()
        for part in parts(bare):
            named = part["column_names"] if is_expression(part, "COLUMN_REF") else []
            if len(named) > 1 and named[0].casefold() == alias:
                part["column_names"] = named[1:]
        own = [column.name.casefold() for column in self.statement.catalog.columns[self.source]]
        named = [part["column_names"] for part in parts(bare) if is_expression(part, "COLUMN_REF")]
        if any(names[0].casefold() not in own for names in named):
            self.conditions.append("true")
            return
        self.conditions.append(self.syntax.expression_text(bare))


def _is_star(part: Node) -> bool:
    """Whether an expression is a plain `*` or COLUMNS(…), whose columns are known by name."""
    return is_expression(part, "STAR")


def _names(table: str, catalog: Catalog) -> list[str]:
    return [column.name for column in catalog.columns.get(table, ())]


def _result_names(query: Node) -> list[str]:
    """Output names of a query, as far as its text has them."""
    if query["type"] != "SELECT_NODE":
        return _result_names(children(query)[0])
    return [
        each.get("alias") or (each["column_names"][-1] if is_expression(each, "COLUMN_REF") else "")
        for each in query["select_list"]
    ]


def _folded(names: Iterable[str]) -> list[str]:
    return [name.casefold() for name in names]
