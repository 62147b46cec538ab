"""Joins of a FROM clause: their columns, and the edges that decide which rows match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from recsys_lineage.columns.binding.names import conjuncts, path
from recsys_lineage.columns.binding.scope import Binding, Scope, Shared, shared_column
from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding
from recsys_lineage.columns.relation import Value, folded, merged

_UNDERSTOOD = frozenset({"this", "on", "side", "kind", "using", "method"})


@dataclass(frozen=True)
class Source:
    """One side of a join.

    Args:
        bindings: its relations under their names.
        rows: the edges that decide its rows.
        keys: sets of columns, by the identities of their values, that are keys of its rows.
        sorting: the edges of `rows` that decide only the order of its rows.
    """

    bindings: list[Binding]
    rows: Edges = NOTHING
    keys: tuple[frozenset[int], ...] = ()
    sorting: Edges = NOTHING


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
    names = _shared(join, method, scope, other)
    compared = [(_value(name, scope.bindings), _value(name, other.bindings)) for name in names]
    condition = NOTHING
    for here, there in compared:
        condition |= here.edges | there.edges
    if method == "POSITIONAL":
        other = _apart(scope, other)
    scope.sorting = NOTHING
    before = list(scope.bindings)
    scope.bindings = [*before, *other.bindings]
    at_most_one = method == "ASOF"
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
    scope.keys = _keys_of_join(scope.keys, other.keys, side, method, at_most_one)


def _apart(scope: Scope, other: Source) -> Source:
    """The other side of a POSITIONAL join; the order of the rows on either side decides the values of its columns."""
    scope.bindings = [_with_values(each, scope.sorting) for each in scope.bindings]
    scope.rows -= scope.sorting
    bindings = [_with_values(each, other.sorting) for each in other.bindings]
    return replace(other, bindings=bindings, rows=other.rows - other.sorting)


def _with_values(binding: Binding, decided: Edges) -> Binding:
    return replace(binding, relation=binding.relation.with_edges(decided)) if decided else binding


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
