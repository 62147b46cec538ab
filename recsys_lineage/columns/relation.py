"""Relation: the output of an operator, an ordered list of columns with the edges of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce

from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding, one_of, transformed, united

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_WITH_PARTS = ("STRUCT", "UNION", "MAP", "JSON", "GEOMETRY", "VARIANT")
"""Types of which a part is read by `value.name`."""


def folded(name: str) -> str:
    """A name as DuckDB compares it: case-insensitive for the letters A to Z only."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def distinct_names(names: Iterable[str]) -> list[str]:
    """Names as DuckDB gives them to the columns of a relation: one that was there before gets a number."""
    found: list[str] = []
    known: set[str] = set()
    for base in names:
        name, number = base, 0
        while folded(name) in known:
            number += 1
            name = f"{base}_{number}"
        known.add(folded(name))
        found.append(name)
    return found


@dataclass(frozen=True, slots=True)
class Value:
    """Value of an expression for one row.

    Args:
        edges: the edges of the inputs that take part in it.
        fields: for a struct with known fields, each field.
        type: for a column of an input, its type as DuckDB writes it.
        element: for a list of structs with known fields, or of such lists, any element.
        length: for a list where they are known, the edges that decide its number of elements.
    """

    edges: Edges = NOTHING
    fields: Mapping[str, Value] | None = None
    type: str | None = None
    element: Value | None = None
    length: Edges | None = None

    def field(self, name: str) -> Value:
        """The value of a struct's field, or of another named part."""
        for known, value in (self.fields or {}).items():
            if folded(known) == folded(name):
                return value
        return Value(transformed(self.edges))

    @property
    def has_parts(self) -> bool | None:
        """Whether `value.name` is a part of it; None where its type is not known."""
        if self.fields is not None:
            return True
        return None if self.type is None else self.type.upper().startswith(_WITH_PARTS)

    def with_edges(self, edges: Edges) -> Value:
        """The value with further edges that decide it."""
        if edges <= self.edges:
            return self
        inside = self.fields and {name: each.with_edges(edges) for name, each in self.fields.items()}
        element = self.element and self.element.with_edges(edges)
        length = None if self.length is None else self.length | edges
        return replace(self, edges=self.edges | edges, fields=inside, element=element, length=length)

    @property
    def shape(self) -> Edges:
        """Edges that decide the number of elements of a list; at most those common to everything in it."""
        if self.length is not None:
            return self.length
        if self.element is None:
            return self.edges
        return deciding(frozenset.intersection(*_leaves(self.element)), How.CONDITIONAL)

    def through(self, change: Callable[[Edges], Edges]) -> Value:
        """The value after an operator that keeps its parts separate."""
        inside = self.fields and {name: each.through(change) for name, each in self.fields.items()}
        element = self.element and self.element.through(change)
        return Value(change(self.edges), inside, element=element, length=self.length)


CONSTANT = Value()


def struct_of(fields: Iterable[tuple[str, Value]]) -> Value:
    """A struct made of values."""
    inside = {name: replace(each, edges=transformed(each.edges)) for name, each in fields}
    return Value(united(each.edges for each in inside.values()), inside)


def _leaves(value: Value) -> list[Edges]:
    if value.fields:
        return [edges for each in value.fields.values() for edges in _leaves(each)]
    return [value.edges] if value.element is None else _leaves(value.element)


def list_of(element: Value, edges: Edges = NOTHING, length: Edges | None = None) -> Value:
    """A list whose elements all have the edges of one.

    Args:
        element: one element.
        edges: further edges that decide which elements it has.
        length: the edges that decide their number, if known.
    """
    inside = element.with_edges(edges)
    return Value(inside.edges, element=inside if inside.fields or inside.element else None, length=length)


def chosen_of(values: Iterable[Value], edges: Edges) -> Value:
    """One of several values.

    Args:
        values: the values; NULL may be one more.
        edges: the edges that decide the choice.
    """
    found = [each for each in values if each != CONSTANT]
    return (reduce(merged, found) if found else CONSTANT).through(transformed).with_edges(edges)


def merged(one: Value, other: Value) -> Value:
    """A value that is one of two."""
    length = None if one.length is None or other.length is None else one.length | other.length
    if one.element and other.element:
        element = merged(one.element, other.element)
        return Value(one_of(one.edges, other.edges), element=element, length=length)
    if one.fields and other.fields and list(one.fields) == list(other.fields):
        inside = {name: merged(each, other.fields[name]) for name, each in one.fields.items()}
        return Value(one_of(one.edges, other.edges), inside)
    same = one.type if one.type == other.type else None
    return Value(one_of(one.edges, other.edges), type=same, length=length)


@dataclass(frozen=True, slots=True)
class Column:
    """A named value of each row of a relation."""

    name: str
    value: Value


@dataclass(frozen=True)
class Relation:
    """Columns in their order, and the edges that decide the rows.

    Args:
        columns: its columns, whose edges do not repeat those of `rows`.
        rows: the edges that decide which rows there are, and how often each occurs.
        keys: sets of columns, by index, that are keys of the rows; the empty set means at most one row.
        order: the edges that decide the order of the rows, which those of its values include where it is sorted.
        numbers: row-number columns, by index → the columns of their partition keys.
        sort_keys: the indices of the columns that are keys of its ORDER BY.
        hidden: columns that can be named, but are in no star, by folded name.
    """

    columns: Sequence[Column]
    rows: Edges = NOTHING
    keys: tuple[frozenset[int], ...] = ()
    order: Edges = NOTHING
    numbers: Mapping[int, frozenset[int]] = field(default_factory=dict)
    sort_keys: frozenset[int] = frozenset()
    hidden: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """The indices of the columns of each folded name."""
        found: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns):
            found.setdefault(folded(column.name), []).append(place)
        return found

    def renamed(self, names: Sequence[str]) -> Relation:
        """The relation with other names for its first columns."""
        if not names:
            return self
        columns = [
            Column(names[n], column.value) if n < len(names) else column
            for n, column in enumerate(self.columns)
        ]
        return replace(self, columns=columns)

    def settled(self, more: Edges = NOTHING) -> Relation:
        """The relation joined to rows that exist anyway: its row edges, and further ones, decide its values."""
        edges = self.rows | more
        return (
            replace(self.with_edges(edges), rows=NOTHING, numbers={}, sort_keys=frozenset())
            if edges
            else self
        )

    def with_edges(self, edges: Edges) -> Relation:
        """The relation with further edges that decide its values."""
        columns = [Column(column.name, column.value.with_edges(edges)) for column in self.columns]
        hidden = {name: value.with_edges(edges) for name, value in self.hidden.items()}
        return replace(self, columns=columns, hidden=hidden)

    def narrowed(self, edges: Edges) -> Relation:
        """The relation with further edges that decide its rows."""
        return Relation(self.columns, self.rows | edges, self.keys, self.order)

    def ordered(self, keys: Sequence[tuple[int | None, Edges]], *, settled: bool) -> Relation:
        """The relation in the order of sort keys, which decide the sequence of its values, and not which there are.

        The sequence of a column that is a sort key itself does not depend on the keys after it.

        Args:
            keys: the edges of each, with the index of the column that it is; None if it is none.
            settled: whether no rows are equal in all keys, so that the order before does not matter.
        """
        so_far, places = NOTHING, {}
        for place, edges in keys:
            so_far |= edges
            if place is not None:
                places.setdefault(place, so_far)
        columns = [
            Column(column.name, column.value.with_edges(places.get(place, so_far)))
            for place, column in enumerate(self.columns)
        ]
        order = so_far if settled else self.order | so_far
        return replace(self, columns=columns, order=order, numbers={}, sort_keys=frozenset(places))

    def apart(self) -> Relation:
        """The relation with new identities of its values, for another occurrence in a FROM clause."""
        columns = [Column(column.name, replace(column.value)) for column in self.columns]
        return replace(self, columns=columns)

    def with_key(self, places: Iterable[int]) -> Relation:
        """The relation with the columns at some indices as a key."""
        return Relation(self.columns, self.rows, (*self.keys, frozenset(places)), self.order)

    @property
    def values(self) -> Edges:
        """The union of the edges of all its values."""
        return united(column.value.edges for column in self.columns)

    def distinct(self) -> Relation:
        """The relation after DISTINCT."""
        return self.narrowed(deciding(self.values, How.GROUP_BY)).with_key(range(len(self.columns)))
