"""FROM clauses: joined relations under their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from recsys_lineage.columns.binding.names import called
from recsys_lineage.columns.binding.scope import Binding, Scope
from recsys_lineage.columns.binding.stars import visible
from recsys_lineage.columns.queries.joins import Source, join_into
from recsys_lineage.columns.queries.pivots import pivoted_table
from recsys_lineage.columns.queries.table_functions import from_function, from_unnest
from recsys_lineage.columns.relation import Column, Relation, Value, folded
from recsys_lineage.sql.file_call import is_file_name

_TABLE_ARGS = frozenset({"this", "alias", "db", "catalog", "joins", "pivots", "sample", "ordinality"})
_NAMED_BY_ALIAS = frozenset({"generate_series", "range", "unnest"})
"""Functions whose only column also has the alias as its name."""
_UNNAMED = "unnamed_subquery"
_RECURRING = "recurring"


def read_from(node: exp.Expr, scope: Scope) -> None:
    """Fill a scope with the relations of a SELECT's FROM clause.

    Args:
        node: the SELECT.
        scope: its own.
    """
    if (start := node.args.get("from_")) is not None:
        _begin(scope, _source(start.this, scope))
    for group in _between_commas(node.args.get("joins") or ()):
        if group[0] is None:
            for join in group[1]:
                _join(scope, join)
            continue
        inner = scope.inside()
        _begin(inner, _source(group[0].this, inner))
        for join in group[1]:
            _join(inner, join)
        join_into(scope, Source(inner.bindings, inner.rows, inner.keys), group[0])


def _between_commas(joins: Sequence[exp.Join]) -> list[tuple[exp.Join | None, list[exp.Join]]]:
    """Joins grouped by commas, which bind less tightly than JOIN: `a, b JOIN c` is `a CROSS JOIN (b JOIN c)`.

    Returns:
        The comma's join, and the joins to its relation; for the first relation, and for joins to no relation, None in
        place of the comma's join.
    """
    found: list[tuple[exp.Join | None, list[exp.Join]]] = [(None, [])]
    for place, join in enumerate(joins):
        joined_to = place + 1 < len(joins) and not _is_comma(joins[place + 1])
        if not _is_comma(join):
            found[-1][1].append(join)
        elif joined_to:
            found.append((join, []))
        elif found[-1][0] is None:
            found[-1][1].append(join)
        else:
            found.append((None, [join]))
    return found


def _is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(name) for name in ("method", "side", "kind", "on", "using"))


def _begin(scope: Scope, first: Source) -> None:
    scope.bindings += first.bindings
    scope.rows |= first.rows
    scope.keys = first.keys


def _join(scope: Scope, join: exp.Join) -> None:
    join_into(scope, _source(join.this, scope), join)


def _source(node: exp.Expr, scope: Scope) -> Source:
    """One relation of a FROM clause, or a join in parentheses; it may use the relations before it."""
    if isinstance(node, exp.Paren):
        return _source(node.this, scope)
    if _is_join_in_parentheses(node):
        found = _in_parentheses(node, scope)
    elif node.args.get("joins"):
        return _in_parentheses(node, scope)
    else:
        binding = _relation(node, scope)
        found = _as_source(binding)
    if not node.alias and not node.args.get("pivots") and not _names_of(node):
        return found
    return _renamed(node, found, scope)


def _is_join_in_parentheses(node: exp.Expr) -> bool:
    """Whether parentheses enclose relations of a FROM clause, and not a query."""
    inner = node.this
    return (
        isinstance(node, exp.Subquery)
        and not _ends(node)
        and (
            isinstance(inner, exp.Table | exp.Lateral | exp.Unnest)
            or (isinstance(inner, exp.Subquery) and not _ends(inner))
        )
    )


def _ends(node: exp.Expr) -> bool:
    return any(node.args.get(name) is not None for name in ("with_", "order", "limit", "offset"))


def _renamed(node: exp.Expr, found: Source, scope: Scope) -> Source:
    """A source with the PIVOT, alias and column names that follow it."""
    name, relation = found.bindings[0].name, found.bindings[0].relation
    if _is_join_in_parentheses(node):
        inner = scope.sibling()
        _begin(inner, found)
        columns = visible(inner)
        places = {id(column.value): place for place, column in enumerate(columns)}
        keys = tuple(frozenset(places[i] for i in key) for key in found.keys if key <= places.keys())
        name, relation = node.alias, Relation(columns, found.rows, keys, inner.order)
    if node.args.get("pivots"):
        name, relation = pivoted_table(node, name, relation, scope)
    binding = Binding(name, relation.renamed(_names_of(node)), other_name=found.bindings[0].other_name)
    return _as_source(binding)


def _as_source(binding: Binding) -> Source:
    """One relation as a side of a join."""
    if not (keys := binding.relation.keys):
        return Source([binding], binding.relation.rows)
    relation = binding.relation.apart()
    by_identity = tuple(frozenset(id(relation.columns[place].value) for place in key) for key in keys)
    return Source([replace(binding, relation=relation)], relation.rows, by_identity)


def _in_parentheses(node: exp.Expr, scope: Scope) -> Source:
    """A join in parentheses, `(a JOIN b ON …)`; its relations keep their names."""
    inner = scope.inside()
    if _is_join_in_parentheses(node):
        _begin(inner, _source(node.this, inner))
    else:
        first = node.copy()
        first.set("joins", None)
        first.parent = node.parent
        _begin(inner, _source(first, inner))
    for join in node.args.get("joins") or ():
        _join(inner, join)
    return Source(inner.bindings, inner.rows, inner.keys)


def _relation(node: exp.Expr, scope: Scope) -> Binding:
    """A relation under its alias, or its own name."""
    name, found = _named_relation(node, scope)
    other_name: str | None = None
    single = len(found.columns) == 1 and not _names_of(node) and _ordinality(node) is None
    if single and node.alias and _is_function(node, scope):
        other_name = found.columns[0].name
        found = found.renamed([node.alias])
    if (ordinality := _ordinality(node)) is not None:
        found = Relation([*found.columns, Column(ordinality, Value())], found.rows, order=found.order)
    return Binding(name, found, other_name=other_name)


def _is_function(node: exp.Expr, scope: Scope) -> bool:
    """Whether a relation comes from a function whose only column is named by the alias."""
    function = node.this if isinstance(node, exp.Lateral | exp.Table) else node
    return isinstance(function, exp.Unnest | exp.Explode) or (
        isinstance(function, exp.Func) and called(function, scope.statement.text) in _NAMED_BY_ALIAS
    )


def _named_relation(node: exp.Expr, scope: Scope) -> tuple[str, Relation]:
    statement = scope.statement
    alias = node.alias
    if isinstance(node, exp.Table):
        statement.only(node, _TABLE_ARGS)
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
    if isinstance(node, exp.Subquery | exp.Query | exp.Values | exp.Summarize | exp.Describe | exp.Pivot):
        number = sum(binding.name.startswith(_UNNAMED) for binding in scope.bindings)
        name = alias or f"{_UNNAMED}{number + 1 if number else ''}"
        return name, scope.subquery(node.this if isinstance(node, exp.Subquery) and not _ends(node) else node)
    statement.opaque(node)


def _table(node: exp.Table, alias: str, scope: Scope) -> tuple[str, Relation]:
    """A query of WITH, a table or a file."""
    name = node.name
    if not node.args.get("db") or node.text("db").lower() == _RECURRING:
        found = scope.queries.get(folded(name))
        if found is not None:
            return alias or name, found
    start = node.this.meta.get("start")
    quoted = node.this.args.get("quoted")
    if quoted and (is_file_name(name) or scope.statement.inputs.find(name) is None):
        call = scope.statement.calls.get(start) if start is not None else None
        if call is not None:
            return alias or call.alias, scope.statement.file(call, "" if alias else call.alias)
    return alias or name, scope.statement.table(node)


def _names_of(node: exp.Expr) -> list[str]:
    """The column names in an alias, as in `t AS u(x, y)`."""
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [column.name for column in alias.args.get("columns") or ()]


def _ordinality(node: exp.Expr) -> str | None:
    """The name of the column that WITH ORDINALITY adds; None without it."""
    offset = node.args.get("offset") if isinstance(node, exp.Unnest) else node.args.get("ordinality")
    if isinstance(offset, exp.Expr):
        return offset.name
    return "ordinality" if offset else None
