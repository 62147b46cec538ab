"""ORDER BY, LIMIT and OFFSET: the order of rows, and which rows remain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Binding, Scope
from recsys_lineage.columns.edges import NOTHING, Edges, How, deciding
from recsys_lineage.columns.relation import Column, Relation, folded

SortKeys = Sequence[tuple[int | None, Edges]]
"""Edges of sort keys, each with the index of the column that it is; None if it is none."""


def sort_keys(
    order: exp.Expr,
    found: Relation,
    read: Callable[[exp.Expr], Edges],
    place_of: Callable[[exp.Expr], int | None],
    scope: Scope,
) -> SortKeys:
    """The sort keys of an ORDER BY.

    Args:
        order: the ORDER BY clause.
        found: the ordered relation, whose columns the clause may name by their positions or by ALL.
        read: returns the edges of a key that is none of its columns.
        place_of: returns the index of the column that a key is.
        scope: the scope of the clause.
    """
    keys: list[tuple[int | None, Edges]] = []
    for each in order.expressions:
        key = each.this.unnest()
        if is_all(key):
            keys += [(place, column.value.edges) for place, column in enumerate(found.columns)]
        elif isinstance(key, exp.Literal) and not key.is_string:
            keys.append((int(key.name) - 1, at_place(key, found, scope).edges))
        elif (place := place_of(key)) is not None:
            keys.append((place, found.columns[place].value.edges))
        else:
            keys.append((None, read(key)))
    return [(place, deciding(edges, How.SORT)) for place, edges in keys]


def sorted_by(found: Relation, keys: SortKeys) -> Relation:
    """A relation in the order of sort keys.

    Those after the columns of a key of the rows decide nothing, because no rows are equal any more; nor does the order
    in which the rows come.
    """
    seen: set[int] = set()
    for number, (place, _) in enumerate([*keys, (None, NOTHING)]):
        if any(key <= seen for key in found.keys):
            return found.ordered(keys[:number], settled=True)
        seen |= set() if place is None else {place}
    return found.ordered(keys, settled=False)


def is_all(key: exp.Expr) -> bool:
    """Whether a sort key is the word ALL."""
    return isinstance(key, exp.Var) and key.name.upper() == "ALL"


def repeat_for_all(tree: exp.Expr) -> exp.Expr:
    """A statement in which `list(v ORDER BY ALL)` is `list(v ORDER BY COLUMNS(*))`, in place.

    DuckDB reads it so: the aggregate is repeated, sorted by each column of FROM in turn.
    """
    for each in tree.find_all(exp.Ordered):
        if is_all(each.this) and each.parent is not None and each.parent.this is not None:
            each.set("this", exp.Columns(this=exp.Star()))
    return tree


def makes_array(query: exp.Expr) -> bool:
    """Whether a query is the one of an ARRAY(…).

    DuckDB adds the sort keys of such a query to its SELECT list, where ALL stands for the columns of its FROM clause,
    and DISTINCT and GROUP BY ALL see them there.
    """
    outer = query.parent
    while isinstance(outer, exp.Paren | exp.Subquery):
        outer = outer.parent
    return isinstance(outer, exp.Array)


def at_place(node: exp.Expr, found: Relation, scope: Scope):
    """The value of the column whose number is in a clause."""
    wanted = int(node.name)
    if not 1 <= wanted <= len(found.columns):
        raise scope.statement.fault(
            f"There is no column {wanted} in the SELECT list.",
            node,
            expected=f"1 to {len(found.columns)}",
            found=str(wanted),
        )
    return found.columns[wanted - 1].value


def sorted_relation(found: Relation, order: exp.Expr, scope: Scope) -> Relation:
    """A relation with known columns only, in an order."""
    inner = scope.sibling()
    inner.bindings.append(Binding("", found))

    def place_of(key: exp.Expr) -> int | None:
        if not isinstance(key, exp.Column) or len(key.parts) != 1:
            return None
        places = found.by_name.get(folded(key.name), [])
        return places[0] if len(places) == 1 else None

    keys = sort_keys(order, found, inner.edges, place_of, scope)
    return sorted_by(found, keys)


def limited(found: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """A relation limited by LIMIT and OFFSET.

    Its order decides which values remain, but not how many rows.
    """
    if node.args.get("limit") is None and node.args.get("offset") is None:
        return found
    given = NOTHING
    for name in ("limit", "offset"):
        clause = node.args.get(name)
        if clause is None:
            continue
        inner = scope.sibling()
        part = clause.args.get("expression") or clause.args.get("count")
        if part is not None:
            given |= deciding(inner.edges(part), How.FILTER)
    columns = [
        column if place in found.sort_keys else Column(column.name, column.value.with_edges(found.order))
        for place, column in enumerate(found.columns)
    ]
    found = replace(found, columns=columns).narrowed(given)
    limit = node.args.get("limit")
    if isinstance(limit, exp.Limit) and _is_one(limit):
        found = found.with_key(())
    return found


def _is_one(limit: exp.Limit) -> bool:
    """Whether a LIMIT leaves at most one row."""
    number = limit.args.get("expression")
    return isinstance(number, exp.Literal) and number.name == "1" and not limit.args.get("limit_options")
