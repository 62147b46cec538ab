"""What a FROM clause gives: relations under their names, joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding
from recsys_lineage.columns.pivots import pivoted_table
from recsys_lineage.columns.relation import Column, Relation, Value, folded, merged
from recsys_lineage.columns.scope import Binding, Scope
from recsys_lineage.columns.table_functions import from_function, from_unnest

_JOIN_ARGS = frozenset({"this", "on", "side", "kind", "using", "method"})
_TABLE_ARGS = frozenset({"this", "alias", "db", "catalog", "joins", "pivots", "sample", "ordinality"})
_RECURRING = "recurring"


@dataclass(frozen=True)
class _Source:
    """One side of a join.

    Args:
        bindings: its relations under their names.
        rows: what decides its rows.
        joined: values of the columns that USING made one.
    """

    bindings: list[Binding]
    rows: Edges
    joined: dict[str, Value]


def read_from(node: exp.Expr, scope: Scope) -> None:
    """Fills a scope with the relations of a SELECT's FROM clause.

    Args:
        node: the SELECT, or whatever else has `from_` and `joins`.
        scope: of the SELECT.
    """
    start = node.args.get("from_")
    if start is not None:
        _join_into(scope, start.this)
    for join in node.args.get("joins") or ():
        _joined(join, scope)


def _join_into(scope: Scope, node: exp.Expr) -> None:
    """The first relation of a FROM clause."""
    found = _source(node, scope)
    scope.bindings += found.bindings
    scope.joined.update(found.joined)
    scope.rows |= found.rows


def _source(node: exp.Expr, scope: Scope) -> _Source:
    """One relation of a FROM clause, or a join in parentheses, which may use the relations before it."""
    if isinstance(node, exp.Paren):
        return _source(node.this, scope)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
        if not _names_of(node) and not node.args.get("pivots"):
            return _in_parentheses(node.this, scope, node)
    if isinstance(node, exp.Table | exp.Subquery | exp.Lateral | exp.Unnest | exp.Values) and node.args.get(
        "joins"
    ):
        return _in_parentheses(node, scope, None)
    alias, found = _relation(node, scope)
    if node.args.get("pivots"):
        alias, found = pivoted_table(node, alias, found, scope)
    if _ordinality(node):
        found = Relation([*found.columns, Column("ordinality", Value())], found.rows)
    found = found.renamed(_names_of(node))
    return _Source([Binding(alias, found)], found.rows, {})


def _in_parentheses(node: exp.Expr, scope: Scope, around: exp.Expr | None) -> _Source:
    inner = scope.beside()
    inner.lambdas = scope.lambdas
    first = node.copy() if node.args.get("joins") else node
    joins = first.args.pop("joins", None) or []
    first.parent = node.parent
    inner.outer = scope
    _join_into(inner, first)
    for join in [*joins, *((around.args.get("joins") or ()) if around is not None else ())]:
        _joined(join, inner)
    return _Source(inner.bindings, inner.rows, inner.joined)


def _relation(node: exp.Expr, scope: Scope) -> tuple[str, Relation]:
    """A relation and the name that it has without an alias, or by it."""
    statement = scope.statement
    alias = node.alias
    if isinstance(node, exp.Table):
        for name, given in node.args.items():
            if given and name not in _TABLE_ARGS:
                statement.opaque(node)
        if isinstance(node.this, exp.Identifier):
            return _table(node, alias, scope)
        return from_function(node, alias, scope)
    if isinstance(node, exp.Unnest):
        return alias or "unnest", from_unnest(node, scope)
    if isinstance(node, exp.Lateral):
        inner = node.this
        if isinstance(inner, exp.Subquery | exp.Query):
            return alias, scope.subquery(inner)
        if isinstance(inner, exp.Unnest | exp.Explode):
            return alias or "unnest", from_unnest(inner, scope)
        statement.opaque(node)
    if isinstance(node, exp.Subquery | exp.Query | exp.Values | exp.Summarize | exp.Pivot):
        return alias, scope.subquery(node.this if isinstance(node, exp.Subquery) else node)
    statement.opaque(node)


def _table(node: exp.Table, alias: str, scope: Scope) -> tuple[str, Relation]:
    """A query of WITH, a table or a file."""
    name = node.name
    if not node.args.get("db") or node.text("db").lower() == _RECURRING:
        found = scope.queries.get(folded(name))
        if found is not None:
            return alias or name, found
    start = node.this.meta.get("start")
    if node.this.args.get("quoted") and scope.statement.inputs.find(name) is None:
        call = scope.statement.calls.get(start) if start is not None else None
        if call is not None:
            return alias or call.alias, scope.statement.file(call, "" if alias else call.alias)
    return alias or name, scope.statement.table(node)


def _joined(join: exp.Join, scope: Scope) -> None:
    """Adds the other side of a join to a scope that has the first."""
    for name, given in join.args.items():
        if given and name not in _JOIN_ARGS:
            scope.statement.opaque(join)
    method, side, kind = (join.text(name).upper() for name in ("method", "side", "kind"))
    other = _source(join.this, scope)
    names = _shared(join, method, scope, other)
    before = len(scope.bindings)
    semi = kind in ("SEMI", "ANTI") or side in ("SEMI", "ANTI")
    visible = _using(names, side, semi, scope, other, join)
    scope.bindings += visible
    condition = NOTHING
    for name in names:
        condition |= visible_edges(name, scope, before, other)
    if (on := join.args.get("on")) is not None:
        condition |= scope.edges(on)
    decided = deciding(condition, How.FILTER if semi else How.JOIN)
    if semi:
        del scope.bindings[before:]
    scope.rows |= other.rows | decided


def visible_edges(name: str, scope: Scope, before: int, other: _Source) -> Edges:
    """The edges of both columns that USING compares."""
    found = NOTHING
    for binding in (*scope.bindings[:before], *other.bindings):
        for place in binding.relation.by_name.get(name, ()):
            found |= binding.relation.columns[place].value.edges
    return found


def _shared(join: exp.Join, method: str, scope: Scope, other: _Source) -> list[str]:
    """Folded names of the columns of USING, or those that NATURAL finds on both sides."""
    if method == "NATURAL":
        here = {name for binding in scope.bindings for name in binding.relation.by_name}
        there = {name: None for binding in other.bindings for name in binding.relation.by_name}
        names = [name for name in there if name in here]
        if not names:
            raise scope.statement.fault(
                "NATURAL JOIN finds no column of the same name on both sides.", join.this
            )
        return names
    names = [folded(each.name) for each in join.args.get("using") or ()]
    for name, node in zip(names, join.args.get("using") or (), strict=True):
        for bindings in (scope.bindings, other.bindings):
            if not any(name in binding.relation.by_name for binding in bindings):
                known = [column.name for binding in bindings for column in binding.relation.columns]
                raise scope.statement.unknown("column", node.name, node, known)
    return names


def _using(
    names: list[str], side: str, semi: bool, scope: Scope, other: _Source, join: exp.Join
) -> list[Binding]:
    """The other side's relations, where the columns of USING are hidden; notes the value of the one that is left."""
    if semi:
        return list(other.bindings)
    for name in names:
        here = scope.joined.get(name) or _first(name, scope.bindings)
        there = other.joined.get(name) or _first(name, other.bindings)
        if side == "RIGHT":
            scope.joined[name] = there
        elif side == "FULL":
            scope.joined[name] = merged(here, there)
        else:
            scope.joined[name] = here
    for name, value in other.joined.items():
        if name not in names:
            scope.joined[name] = value
    hidden = frozenset(names)
    return [
        Binding(binding.name, binding.relation, binding.hidden | (hidden & set(binding.relation.by_name)))
        for binding in other.bindings
    ]


def _first(name: str, bindings: list[Binding]) -> Value:
    for binding in bindings:
        if name in binding.relation.by_name:
            return binding.relation.columns[binding.relation.by_name[name][0]].value
    raise AssertionError("USING names a column of both sides")


def _names_of(node: exp.Expr) -> list[str]:
    """The names that an alias gives to columns, as in `t AS u(x, y)`."""
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [column.name for column in alias.args.get("columns") or ()]


def _ordinality(node: exp.Expr) -> bool:
    return bool(node.args.get("ordinality") or (isinstance(node, exp.Unnest) and node.args.get("offset")))


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that a condition is the AND of."""
    node = node.unnest()
    if isinstance(node, exp.And):
        for each in (node.this, node.expression):
            yield from conjuncts(each)
    else:
        yield node
