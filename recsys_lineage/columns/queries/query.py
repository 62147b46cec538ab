"""Queries: SELECT, set operations, WITH, VALUES and SUMMARIZE, each a relation derived from relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.edges import How, aggregated, deciding, united
from recsys_lineage.columns.queries.pivots import pivoted
from recsys_lineage.columns.queries.select import selected
from recsys_lineage.columns.queries.sorting import limited, sorted_relation
from recsys_lineage.columns.relation import CONSTANT, Column, Relation, Value, folded, merged
from recsys_lineage.errors import ColumnLineageError

_SUMMARY = (
    "column_name", "column_type", "min", "max", "approx_unique", "avg", "std", "q25", "q50", "q75", "count",
    "null_percentage",
)  # fmt: skip
_QUANTILES = ("avg", "q25", "q50", "q75")
_UNMEASURED = (
    "VARCHAR",
    "BOOLEAN",
    "UUID",
    "BLOB",
    "BIT",
    "JSON",
    "ENUM",
    "INTERVAL",
    "STRUCT",
    "MAP",
    "UNION",
)
"""Beginnings of the types without an average in SUMMARIZE."""
_MOMENTS = ("DATE", "TIME")
"""Beginnings of those with an average and without a deviation."""
_DESCRIPTION = ("column_name", "column_type", "null", "key", "default", "extra")
_ENDS = frozenset({"order", "limit", "offset"})
_SET_OPERATION = frozenset({"with_", "this", "expression", "distinct", "by_name"}) | _ENDS
_SUBQUERY = frozenset({"with_", "this", "alias", "joins", "pivots", "sample"}) | _ENDS
_WITH = frozenset({"expressions", "recursive"})


def relation(node: exp.Expr, scope: Scope) -> Relation:
    """The relation of a query.

    Args:
        node: the query.
        scope: a new scope, inside the one whose columns the query may use.

    Raises:
        ColumnLineageError: a name is unknown or ambiguous, or a part is not supported.
    """
    scope.queries = with_queries(node, scope)
    if isinstance(node, exp.Select):
        return selected(node, scope)
    if isinstance(node, exp.SetOperation):
        return _ordered(_combined(node, scope), node, scope)
    if isinstance(node, exp.Subquery):
        scope.statement.only(node, _SUBQUERY)
        return _ordered(scope.reader.relation(node.this, scope), node, scope)
    if isinstance(node, exp.Values):
        return _ordered(_values(node, scope), node, scope)
    if isinstance(node, exp.Summarize):
        return _summary(node, scope)
    if isinstance(node, exp.Describe):
        _ = scope.reader.relation(node.this, scope.sibling())
        return Relation([Column(name, CONSTANT) for name in _DESCRIPTION])
    if isinstance(node, exp.Pivot):
        return pivoted(node, scope)
    if isinstance(node, exp.Table):
        return selected(exp.Select(expressions=[exp.Star()], from_=exp.From(this=node.copy())), scope)
    scope.statement.opaque(node)


def with_queries(node: exp.Expr, scope: Scope) -> Mapping[str, Relation]:
    """The relations of WITH that are visible in a query: its own and those of enclosing queries."""
    before = node.args.get("with_")
    if not isinstance(before, exp.With):
        return scope.queries
    known = dict(scope.queries)
    scope.statement.only(before, _WITH)
    for each in before.expressions:
        name = folded(each.alias)
        around = scope.sibling(dict(known))
        try:
            if (
                before.args.get("recursive")
                and isinstance(each.this, exp.SetOperation)
                and _reads(each, name)
            ):
                known[name] = _recursive(each, name, around)
            else:
                known[name] = _named(scope.reader.relation(each.this, around), each)
        except ColumnLineageError:
            if name not in _unread(node, before):
                raise
    return known


def _unread(node: exp.Expr, before: exp.With) -> set[str]:
    """The queries of WITH that nothing reads, which DuckDB does not bind."""
    needed = {folded(table.name) for part in _but_with(node) for table in part.find_all(exp.Table)}
    names = [folded(each.alias) for each in before.expressions]
    for each, name in reversed([*zip(before.expressions, names, strict=True)]):
        if name in needed:
            needed |= {folded(table.name) for table in each.find_all(exp.Table)}
    return {*names} - needed


def _but_with(node: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a query without its WITH."""
    for name, part in node.args.items():
        for each in part if isinstance(part, list) else [part]:
            if name != "with_" and isinstance(each, exp.Expr):
                yield each


def _named(found: Relation, query: exp.Expr) -> Relation:
    return found.renamed([column.name for column in _alias_columns(query)])


def _alias_columns(query: exp.Expr) -> list[exp.Expr]:
    alias = query.args.get("alias")
    return list(alias.args.get("columns") or ()) if alias is not None else []


def _reads(query: exp.Expr, name: str) -> bool:
    return any(folded(table.name) == name for table in query.find_all(exp.Table))


def _recursive(query: exp.Expr, name: str, scope: Scope) -> Relation:
    """A recursive query: the fixed point of repeating its second part."""
    union = query.this
    if union.args.get("order") is not None or union.args.get("limit") is not None:
        scope.statement.opaque(union, "sort outside of the recursive query")
    start = _named(scope.reader.relation(union.this, scope.sibling()), query)
    keys = [folded(each.name) for each in query.args.get("key_expressions") or ()]
    if union.args.get("distinct") and not keys:
        start = start.distinct()
    found = Relation(start.columns, start.rows, order=start.order)
    while True:
        queries = {**scope.queries, name: found}
        step = scope.reader.relation(union.expression, scope.sibling(queries))
        following = _unioned(found, step, scope, union)
        if keys:
            by_key = united(c.value.edges for c in following.columns if folded(c.name) in keys)
            following = following.narrowed(deciding(by_key, How.GROUP_BY))
        elif union.args.get("distinct"):
            following = following.distinct()
        following = Relation(following.columns, following.rows, order=following.order)
        if following == found:
            return found
        found = following


def _combined(node: exp.SetOperation, scope: Scope) -> Relation:
    """UNION, EXCEPT and INTERSECT, with or without ALL, by position or by name."""
    scope.statement.only(node, _SET_OPERATION)
    one = scope.reader.relation(node.this, scope.sibling())
    other = scope.reader.relation(node.expression, scope.sibling())
    if isinstance(node, exp.Union):
        both = _by_name(one, other) if node.args.get("by_name") else _unioned(one, other, scope, node)
        return both.distinct() if node.args.get("distinct") else both
    _same_width(one, other, scope, node)
    other_side = deciding(other.values, How.FILTER) | other.rows
    if node.args.get("distinct"):
        return one.narrowed(other_side).distinct()
    return one.narrowed(other_side | deciding(one.values, How.FILTER))


def _unioned(one: Relation, other: Relation, scope: Scope, node: exp.Expr) -> Relation:
    _same_width(one, other, scope, node)
    columns = [
        Column(first.name, merged(first.value, second.value))
        for first, second in zip(one.columns, other.columns, strict=True)
    ]
    return Relation(columns, one.rows | other.rows, order=one.order | other.order)


def _same_width(one: Relation, other: Relation, scope: Scope, node: exp.Expr) -> None:
    if len(one.columns) != len(other.columns):
        raise scope.statement.fault(
            "The two sides of a set operation have different numbers of columns.",
            node,
            expected=f"{len(one.columns)} columns",
            found=f"{len(other.columns)}",
        )


def _by_name(one: Relation, other: Relation) -> Relation:
    columns: dict[str, Column] = {}
    for column in (*one.columns, *other.columns):
        name = folded(column.name)
        known = columns.get(name)
        columns[name] = column if known is None else Column(known.name, merged(known.value, column.value))
    return Relation(list(columns.values()), one.rows | other.rows, order=one.order | other.order)


def _ordered(found: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """The relation of ORDER BY and LIMIT after parentheses or a set operation."""
    if node.args.get("order") is not None:
        found = sorted_relation(found, node.args["order"], scope)
    return limited(found, node, scope)


def _values(node: exp.Expr, scope: Scope) -> Relation:
    rows = [each.expressions if isinstance(each, exp.Tuple) else [each] for each in node.expressions]
    width = len(rows[0])
    columns = [
        Column(f"col{place}", Value(united(scope.edges(row[place]) for row in rows if place < len(row))))
        for place in range(width)
    ]
    return Relation(columns)


def _summary(node: exp.Expr, scope: Scope) -> Relation:
    """SUMMARIZE: a row for each column, with statistics of all of them."""
    inner = node.this
    if not isinstance(inner, exp.Query | exp.Table):
        scope.statement.opaque(node)
    found = scope.reader.relation(inner, scope.sibling())
    values = Value(aggregated(found.values) | found.rows)
    known = {"column_name": CONSTANT, "column_type": CONSTANT, "count": Value(found.rows)}
    known |= dict.fromkeys(_QUANTILES, _of_types_without(found, _UNMEASURED))
    known["std"] = _of_types_without(found, _UNMEASURED + _MOMENTS)
    return Relation([Column(name, known.get(name, values)) for name in _SUMMARY])


def _of_types_without(found: Relation, kinds: tuple[str, ...]) -> Value:
    """Value of a statistic that SUMMARIZE leaves NULL for columns of some types."""
    used = (
        each.value.edges
        for each in found.columns
        if not (kind := each.value.type or "").startswith(kinds) and not kind.endswith("]")
    )
    return Value(aggregated(united(used)) | found.rows)
