"""Scope: the meanings of names in a SELECT, bound as DuckDB binds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from recsys_lineage.columns.binding.statement import Statement
from recsys_lineage.columns.edges import NOTHING, Edges, united
from recsys_lineage.columns.relation import Relation, Value, folded, merged, struct_of
from recsys_lineage.columns.ties import Sort

_ROW_NUMBER = "rowid"
"""The additional column that every table has."""
_OF_SESSION = frozenset(
    {
        "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
        "current_user", "localtime", "localtimestamp", "session_user", "user",
    }
)  # fmt: skip
"""Names of session values, unless a column has the same name."""


@dataclass(frozen=True, eq=False)
class Shared:
    """A column that USING or NATURAL merges from several relations; each relation has it under its own name.

    Args:
        value: its value.
    """

    value: Value


@dataclass(frozen=True)
class Binding:
    """A relation of a FROM clause under its name there.

    Args:
        name: its alias, or its own name.
        relation: its columns; the edges that decide its rows are in the scope.
        shared: its columns that are merged with columns of other relations, by folded name.
        other_name: the second name of its only column: `range(3) AS r` names it r, and `range` still works.
    """

    name: str
    relation: Relation
    shared: Mapping[str, Shared] = field(default_factory=dict)
    other_name: str | None = None

    def column(self, name: str) -> Value | None:
        """The value of a column, by folded name."""
        places = self.relation.by_name.get(name)
        if places is None:
            return self.relation.columns[0].value if name == self.other_name else None
        return self.relation.columns[places[0]].value


class Reader(NamedTuple):
    """The functions that analyse a part of a statement in its scope: an expression, and a query."""

    value: Callable[[exp.Expr, Scope], Value]
    relation: Callable[[exp.Expr, Scope], Relation]


@dataclass
class Scope:
    """The names that are visible at one place of a statement.

    Args:
        statement: the SQL.
        reader: analyses the expressions and subqueries in this scope.
        queries: relations of WITH, by folded name.
        outer: the scope around a subquery, whose columns the subquery may use.
    """

    statement: Statement
    reader: Reader
    queries: Mapping[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None
    bindings: list[Binding] = field(default_factory=list)
    rows: Edges = NOTHING
    """Edges that decide the rows of its FROM clause."""
    keys: tuple[frozenset[int], ...] = ()
    """Sets of columns, by the identities of their values, that are keys of those rows."""
    windows: dict[str, exp.Window] = field(default_factory=dict)
    sorts: list[Sort] = field(default_factory=list)
    """The window functions of its result, in the order in which DuckDB computes them."""
    lambdas: list[dict[str, Value]] = field(default_factory=list)
    """Parameters of the enclosing lambdas, the innermost last."""
    aliases: dict[str, Callable[[], Value]] = field(default_factory=dict)
    """Aliases of the SELECT list that may be used here, by folded name."""
    is_grouped: bool = False
    """True if its SELECT list is computed for groups of rows."""
    one_row: bool = False
    """True for an aggregate without GROUP BY, whose values depend on which rows there are."""
    many_people: Edges | None = None
    """Edges of the people by which its groups are counted, if only groups of several are kept; None otherwise."""
    counted: Value | None = None
    """The column by which those people are counted."""
    alias_first: bool = False
    """True if an alias of the SELECT list takes precedence over a column, as in HAVING outside of aggregates."""
    unnests: bool = False
    """True if `unnest` in the SELECT list turns one row into several."""
    unnested: Edges = NOTHING
    """Edges that decide into how many."""
    chosen: Value | None = None
    """The column that COLUMNS(…) stands for."""

    @property
    def order(self) -> Edges:
        """Edges that decide the order of the FROM clause's rows, without those that decide which rows there are."""
        return united(binding.relation.order for binding in self.bindings)

    def value(self, node: exp.Expr) -> Value:
        """Value of an expression in this scope."""
        return self.reader.value(node, self)

    def edges(self, node: exp.Expr) -> Edges:
        """Edges of the value of an expression in this scope."""
        return self.reader.value(node, self).edges

    def subquery(self, query: exp.Expr) -> Relation:
        """The relation of a subquery in this scope, which may use the visible columns."""
        return self.reader.relation(query, self.inside())

    def inside(self) -> Scope:
        """The scope of a subquery, which can use the columns visible here."""
        return Scope(self.statement, self.reader, self.queries, self)

    def sibling(self, queries: Mapping[str, Relation] | None = None) -> Scope:
        """An empty scope with the same outer scope, as for a side of a set operation."""
        return Scope(self.statement, self.reader, self.queries if queries is None else queries, self.outer)

    def is_own(self, parts: Sequence[str]) -> bool:
        """Whether a name belongs to this scope's own relations and aliases, not to an outer scope."""
        first = folded(parts[0])
        outer = None if self.outer is None or len(parts) == 1 else self.outer.binding(first)
        return first in self.aliases or any(
            ((own := binding.column(first)) is not None and (outer is None or own.has_parts is not False))
            or (len(parts) > 1 and folded(binding.name) == first)
            or first == _ROW_NUMBER
            or first in binding.relation.hidden
            for binding in self.bindings
        )

    @contextmanager
    def with_parameters(self, parameters: Mapping[str, Value]) -> Iterator[None]:
        """The scope of a lambda's body."""
        self.lambdas.append({folded(name): value for name, value in parameters.items()})
        try:
            yield
        finally:
            _ = self.lambdas.pop()

    def column(self, node: exp.Expr, parts: Sequence[str]) -> Value:
        """The value of a name: a column, a field of one, a whole row, or an alias of the SELECT list.

        Args:
            node: the position in the statement.
            parts: the dot-separated parts of the name.

        Raises:
            ColumnLineageError: the name is unknown or ambiguous.
        """
        if (found := self._visible(node, parts)) is not None:
            return found
        if len(parts) == 1 and folded(parts[0]) in _OF_SESSION:
            return Value()
        raise self._not_found(node, parts)

    def _visible(self, node: exp.Expr, parts: Sequence[str]) -> Value | None:
        """The value of a name here, or else in the scopes around it."""
        found = self._own(node, parts)
        if found is None:
            return None if self.outer is None else self.outer._visible(node, parts)
        value, used = found
        has_parts = value.has_parts if used == 1 < len(parts) else True
        for part in parts[used:]:
            value = value.field(part)
        if has_parts is not True and self.outer is not None:
            # a column called like a table around it: `film.id` is that table's where the column film has no parts
            other = self.outer._visible(node, parts)
            if other is not None:
                return other if has_parts is False else merged(value, other)
        return value

    def spelling(self, parts: Sequence[str]) -> str:
        """Name of a column in a result, spelled as in its origin."""
        scope: Scope | None = self
        name = folded(parts[-1])
        while scope is not None:
            for binding in scope.bindings:
                places = binding.relation.by_name.get(name)
                if places and (len(parts) == 1 or folded(binding.name) == folded(parts[-2])):
                    return binding.relation.columns[places[0]].name
            scope = scope.outer
        return name if name == _ROW_NUMBER else parts[-1]

    def binding(self, name: str) -> Binding | None:
        """The relation that a name refers to, here or in an outer scope."""
        wanted = folded(name)
        scope: Scope | None = self
        while scope is not None:
            for binding in scope.bindings:
                if folded(binding.name) == wanted:
                    return binding
            scope = scope.outer
        return None

    def _own(self, node: exp.Expr, parts: Sequence[str]) -> tuple[Value, int] | None:
        """The value of the first parts of a name, and the number of these parts."""
        first = folded(parts[0])
        parameter = next((each[first] for each in reversed(self.lambdas) if first in each), None)
        is_of_column = _is_field(node) and any(each.column(first) is not None for each in self.bindings)
        if parameter is not None and len(parts) == 1 and not is_of_column:
            return parameter, 1
        if self.alias_first and len(parts) == 1 and (value := self._alias(first)) is not None:
            return value, 1
        for used in (2, 3, 4):
            if len(parts) >= used and (found := self._of_table(node, parts[:used])) is not None:
                return found, used
        if (shared := shared_column(self.bindings, first)) is not None:
            return shared.value, 1
        holders = [binding for binding in self.bindings if binding.column(first) is not None]
        if len(holders) > 1:
            names = [f"{binding.name}.{parts[0]}" for binding in holders]
            raise self.statement.fault(
                f"The column {parts[0]!r} is ambiguous.",
                node,
                expected=f"one of {', '.join(names)}",
                found=parts[0],
                advice="write the table's name before it",
            )
        if holders:
            return holders[0].column(first) or Value(), 1
        if parameter is not None:  # `s.a` in `lambda s: s.a` is of a column s, where there is one
            return parameter, 1
        if (value := self._alias(first)) is not None:
            return value, 1
        for binding in self.bindings if len(parts) == 1 else ():
            if folded(binding.name) == first:
                columns = binding.relation.columns
                return struct_of((column.name, column.value) for column in columns), 1
        if first == _ROW_NUMBER and self.bindings:
            return Value(), 1
        hidden = self._hidden(node, self.bindings, first) if len(parts) == 1 else None
        return None if hidden is None else (hidden, 1)

    def _hidden(self, node: exp.Expr, bindings: Sequence[Binding], name: str) -> Value | None:
        """The value of a column of files that is in no star."""
        for binding in bindings:
            if name in binding.relation.hidden:
                self.statement.show(node, binding.name, name)
                return binding.relation.hidden[name]
        return None

    def _of_table(self, node: exp.Expr, parts: Sequence[str]) -> Value | None:
        *schema, table, column = (folded(part) for part in parts)
        if any(part not in ("main", "memory") for part in schema):
            full = ".".join([*schema, table])
            named = [binding for binding in self.bindings if folded(binding.name) == full]
        else:
            named = [binding for binding in self.bindings if folded(binding.name) == table]
        holders = [binding for binding in named if binding.column(column) is not None]
        if len(holders) > 1:
            raise self.statement.fault(
                f"The table {table!r} is ambiguous.",
                node,
                expected="one table of each name in a FROM clause",
                advice="give one of them another name by AS",
            )
        if holders:
            return holders[0].column(column)
        return Value() if named and column == _ROW_NUMBER else self._hidden(node, named, column)

    def _alias(self, name: str) -> Value | None:
        found = self.aliases.get(name)
        return None if found is None else found()

    def _alias_of(self, table: str) -> str | None:
        """The alias of a table in this FROM clause by the table's own name."""
        aliases = {
            folded(each.alias)
            for each in self.statement.tree.find_all(exp.Table)
            if each.alias and folded(each.name) == folded(table)
        }
        return next((each.name for each in self.bindings if folded(each.name) in aliases), None)

    def _not_found(self, node: exp.Expr, parts: Sequence[str]) -> Exception:
        if len(parts) > 1 and (binding := self.binding(parts[0])) is not None:
            known = [column.name for column in binding.relation.columns]
            return self.statement.unknown(f"column of {parts[0]!r} named", parts[1], node, known)
        names: dict[str, None] = {}
        scope: Scope | None = self
        while scope is not None:
            for binding in scope.bindings:
                names.update(dict.fromkeys(column.name for column in binding.relation.columns))
            scope = scope.outer
        if len(parts) > 1:
            tables = [binding.name for binding in self.bindings]
            if (alias := self._alias_of(parts[0])) is not None:
                return self.statement.fault(
                    f"The table {parts[0]!r} has another name in this statement.",
                    node,
                    expected=f"one of {', '.join(tables)}",
                    found=".".join(parts),
                    advice=f"write {'.'.join([alias, *parts[1:]])}",
                )
            return self.statement.unknown("table or struct column", parts[0], node, [*tables, *names])
        return self.statement.unknown("column", parts[0], node, list(names))


def shared_column(bindings: Sequence[Binding], name: str) -> Shared | None:
    """The column that USING or NATURAL merged from columns of these relations, by folded name."""
    return next((binding.shared[name] for binding in bindings if name in binding.shared), None)


def _is_field(node: exp.Expr) -> bool:
    """Whether an expression is a field's value in `{'f': x}` or `f(f := x)`: there a column precedes a parameter."""
    field = node.parent
    struct = field.parent if isinstance(field, exp.PropertyEQ | exp.Kwarg) else None
    return struct is not None and not isinstance(struct.parent, exp.ToMap)
