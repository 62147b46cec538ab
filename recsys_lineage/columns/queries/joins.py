"""Joins of a FROM clause: their columns, and the edges that decide which rows match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from recsys_lineage.columns.binding.names import conjuncts, path
from recsys_lineage.columns.binding.scope import Binding, Scope, Shared, shared_column
from recsys_lineage.columns.edges import (
    NOTHING,
    Edges,
    How,
    deciding,
    is_keyed,
    keyless,
    twice,
    unequal,
    united,
)
from recsys_lineage.columns.relation import Column, Value, folded, merged

_UNDERSTOOD = frozenset({"this", "on", "side", "kind", "using", "method"})


@dataclass(frozen=True)
class Source:
    """One side of a join.

    Args:
        bindings: its relations under their names.
        rows: the edges that decide its rows.
        keys: sets of columns, by the identities of their values, that are keys of its rows.
    """

    bindings: list[Binding]
    rows: Edges = NOTHING
    keys: tuple[frozenset[int], ...] = ()


def join_into(scope: Scope, other: Source, join: exp.Join) -> None:
    """Add the other side of a join to a scope that has the first.

    Args:
        scope: the scope of the SELECT.
        other: the joined side.
        join: the join.

    Raises:
        ColumnLineageError: a name is unknown, or the kind of join is not supported.
    """
    scope.statement.only(join, _UNDERSTOOD)
    method, side, kind = (join.text(name).upper() for name in ("method", "side", "kind"))
    semi = "SEMI" in (kind, side) or "ANTI" in (kind, side)
    if scope.statement.may_mask:
        other = _distinct_values(scope, other)
    names = _shared(join, method, scope, other)
    compared = [(_value(name, scope.bindings), _value(name, other.bindings)) for name in names]
    condition = NOTHING
    for here, there in compared:
        condition |= here.edges | there.edges
    before = list(scope.bindings)
    scope.bindings = [*before, *other.bindings]
    at_most_one = method == "ASOF"
    if scope.statement.may_mask:
        scope.rows |= _repeated(before, other) | _unequal(join, compared, scope)
    if (on := join.args.get("on")) is not None:
        condition |= scope.edges(on)
        compared += _equal(on, scope, before, other)
    at_most_one = at_most_one or _is_key(compared, other.keys)
    if semi:
        scope.bindings = before
        scope.rows |= other.rows | deciding(condition, How.FILTER)
        return
    decided = deciding(condition, How.JOIN)
    if side == "LEFT" and at_most_one:
        scope.bindings[len(before) :] = _settled(other.bindings, other.rows | decided)
    else:
        scope.rows |= other.rows | decided
    for name, (here, there) in zip(names, compared, strict=False):
        value = {"RIGHT": there, "FULL": merged(here, there)}.get(side, here)
        scope.bindings = _sharing(scope.bindings, len(before), name, value)
    if scope.statement.may_mask:
        nullable = {"": (), "LEFT": other.bindings, "RIGHT": before}.get(side, scope.bindings)
        scope.bindings = _without_keys(scope.bindings, {binding.name for binding in nullable})
    scope.keys = _keys_of_join(scope.keys, other.keys, side, method, at_most_one)


def _repeated(before: Sequence[Binding], other: Source) -> Edges:
    """Marks of the tables on both sides of a join: a person of one side may be another one of the other."""
    here, there = (
        {table for binding in side for table, *_ in binding.relation.values}
        for side in (before, other.bindings)
    )
    return united(twice(table) for table in here & there if table)


def _unequal(join: exp.Join, compared: Sequence[tuple[Value, Value]], scope: Scope) -> Edges:
    """Marks of the columns that a join compares otherwise than by equality: they do not join a person to itself."""
    parts: list[Edges] = []
    if join.text("method").upper() == "ASOF":
        parts += [edges for pair in compared[-1:] for edges in (pair[0].edges, pair[1].edges)]
    if (on := join.args.get("on")) is not None:
        parts += [scope.edges(each) for each in conjuncts(on) if not _is_equality(each)]
    return united(unequal(table, column) for table, column, *_ in united(parts) if table)


def _is_equality(node: exp.Expr) -> bool:
    """Whether a condition is that two columns are equal, maybe as another type."""
    sides = (node.this, node.expression) if isinstance(node, exp.EQ | exp.NullSafeEQ) else ()
    return bool(sides) and all(
        path(each.this if isinstance(each, exp.Cast) else each) is not None for each in sides
    )


def _distinct_values(scope: Scope, other: Source) -> Source:
    """The other side of a join with values of its own if the same table is on both sides."""
    known = {id(column.value) for binding in scope.bindings for column in binding.relation.columns}
    return replace(
        other,
        bindings=[
            replace(binding, relation=binding.relation.apart())
            if any(id(column.value) in known for column in binding.relation.columns)
            else binding
            for binding in other.bindings
        ],
    )


def _without_keys(bindings: Sequence[Binding], nullable: set[str]) -> list[Binding]:
    """The relations of a join; those of an outer side can be NULL, and then contain no key."""
    found = list(bindings)
    for place, binding in enumerate(found):
        if binding.name in nullable and is_keyed(binding.relation.values):
            columns = [Column(each.name, each.value.through(keyless)) for each in binding.relation.columns]
            found[place] = replace(binding, relation=replace(binding.relation, columns=columns))
    return found


def _keys_of_join(
    here: tuple[frozenset[int], ...],
    there: tuple[frozenset[int], ...],
    side: str,
    method: str,
    at_most_one: bool,
) -> tuple[frozenset[int], ...]:
    """Sets of columns that are keys of the joined rows."""
    if side not in ("", "LEFT") or method == "POSITIONAL":
        return ()
    if at_most_one:
        return here
    return tuple(one | other for one in here[:2] for other in there[:2]) if side == "" else ()


def _is_key(compared: Sequence[tuple[Value, Value]], keys: Sequence[frozenset[int]]) -> bool:
    """Whether at most one row of the other side has the values that its columns are compared with.

    A comparison of different types may treat different values as equal.
    """
    fixed = {id(there) for here, there in compared if here.type is not None and here.type == there.type}
    return any(key <= fixed for key in keys)


def _equal(on: exp.Expr, scope: Scope, before: list[Binding], other: Source) -> list[tuple[Value, Value]]:
    """The pairs of columns, one from each side, that a condition requires to be equal."""
    ours = {id(column.value) for binding in before for column in binding.relation.columns}
    theirs = {id(column.value) for binding in other.bindings for column in binding.relation.columns}
    found: list[tuple[Value, Value]] = []
    for each in conjuncts(on):
        if isinstance(each, exp.EQ | exp.NullSafeEQ) and path(each.this) and path(each.expression):
            one, two = scope.value(each.this), scope.value(each.expression)
            if id(one) in ours and id(two) in theirs:
                found.append((one, two))
            elif id(two) in ours and id(one) in theirs:
                found.append((two, one))
    return found


def _shared(join: exp.Join, method: str, scope: Scope, other: Source) -> list[str]:
    """Folded names of the columns in USING, or of those that NATURAL finds on both sides."""
    if method == "NATURAL":
        here = {name for binding in scope.bindings for name in binding.relation.by_name}
        there = dict.fromkeys(name for binding in other.bindings for name in binding.relation.by_name)
        names = [name for name in there if name in here]
        if not names:
            raise scope.statement.fault(
                "NATURAL JOIN finds no column of the same name on both sides.",
                join.this,
                advice="write ON or USING",
            )
        return names
    nodes = join.args.get("using") or ()
    for node in nodes:
        for bindings in (scope.bindings, other.bindings):
            if not any(folded(node.name) in binding.relation.by_name for binding in bindings):
                known = [column.name for binding in bindings for column in binding.relation.columns]
                raise scope.statement.unknown("column", node.name, node, known)
    return [folded(node.name) for node in nodes]


def _value(name: str, bindings: Sequence[Binding]) -> Value:
    """The value of one side that USING compares."""
    if (shared := shared_column(bindings, name)) is not None:
        return shared.value
    return next(value for binding in bindings if (value := binding.column(name)) is not None)


def _sharing(bindings: Sequence[Binding], first_of_other: int, name: str, value: Value) -> list[Binding]:
    """The relations after a join, with the compared columns of USING merged."""
    shared = Shared(value)
    found = list(bindings)
    for side in (range(first_of_other), range(first_of_other, len(found))):
        before = shared_column([found[place] for place in side], name)
        for place in side:
            of_it = (
                found[place].shared.get(name) is before if before else name in found[place].relation.by_name
            )
            if of_it:
                found[place] = replace(found[place], shared={**found[place].shared, name: shared})
    return found


def _settled(bindings: Sequence[Binding], settled: Edges) -> list[Binding]:
    """The relations of a side with at most one row for each row of the other: the match decides their values."""
    anew: dict[int, Shared] = {}
    return [
        replace(
            binding,
            relation=binding.relation.settled(settled),
            shared={
                name: anew.setdefault(id(each), Shared(each.value.with_edges(settled)))
                for name, each in binding.shared.items()
            },
        )
        for binding in bindings
    ]
