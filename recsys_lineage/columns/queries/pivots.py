"""PIVOT and UNPIVOT: values that become columns, and columns that become values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from sqlglot import exp

from recsys_lineage.columns.binding.empty_tables import empty_tables
from recsys_lineage.columns.binding.item_names import item_name
from recsys_lineage.columns.binding.scope import Binding, Scope
from recsys_lineage.columns.binding.stars import items
from recsys_lineage.columns.edges import How, deciding, united
from recsys_lineage.columns.relation import CONSTANT, Column, Relation, Value, distinct_names, folded, merged

_WAY_OUT = "name the values: ON column IN ('one', 'other')"
_WAY_OUT_OF_DATA = f"{_WAY_OUT}; or give column_lineage the columns of a result, result=[…]"


def pivoted(node: exp.Expr, scope: Scope) -> Relation:
    """The relation of a PIVOT or UNPIVOT statement."""
    return _applied(node, scope.reader.relation(node.this, scope.sibling()), scope)


def pivoted_table(node: exp.Expr, alias: str, found: Relation, scope: Scope) -> tuple[str, Relation]:
    """The relation of a table followed by PIVOT or UNPIVOT, and its name."""
    for pivot in node.args["pivots"]:
        found = _applied(pivot, found, scope)
        if pivot.alias:
            alias = pivot.alias
            given = pivot.args["alias"].args.get("columns") or ()
            found = found.renamed([column.name for column in given])
    return alias, found


def _applied(node: exp.Expr, source: Relation, scope: Scope) -> Relation:
    inner = scope.sibling()
    inner.outer = scope
    inner.bindings = [Binding("", source)]
    inner.rows = source.rows
    if node.args.get("unpivot"):
        return _unpivot(node, source, inner)
    return _pivot(node, source, inner)


def _pivot(node: exp.Expr, source: Relation, scope: Scope) -> Relation:
    fields: Sequence[exp.Expr] = node.args.get("fields") or node.expressions
    statistics: list[exp.Expr] = node.expressions if node.args.get("fields") else node.args.get("using") or []
    chosen = [_chosen(field, scope) for field in fields]
    named = len(statistics) > 1 or any(isinstance(each, exp.Alias) for each in statistics)
    suffixes = [f"_{_statistic_name(each, statistics, scope)}" if named else "" for each in statistics] or [
        ""
    ]
    values = [scope.value(each) for each in statistics] or [CONSTANT]
    on = deciding(united(scope.edges(field.this) for field in fields), How.FILTER)
    columns = [
        Column("_".join(combination) + suffix, Value(value.edges | on))
        for combination in itertools.product(*chosen)
        for suffix, value in zip(suffixes, values, strict=True)
    ]
    keys = _keys(node, source, [*(field.this for field in fields), *statistics], scope)
    grouped = deciding(united(key.value.edges for key in keys), How.GROUP_BY)
    found = Relation([*keys, *columns], source.rows | grouped, (frozenset(range(len(keys))),))
    return found.renamed(distinct_names(column.name for column in found.columns))


def _keys(node: exp.Expr, source: Relation, used: Sequence[exp.Expr], scope: Scope) -> list[Column]:
    """The columns that a PIVOT keeps: those of its GROUP BY, or all unused ones."""
    if (group := node.args.get("group")) is not None:
        return [
            Column(item.name or "", item.read()) for key in group.expressions for item in items(key, scope)
        ]
    names = {folded(column.name) for each in used for column in each.find_all(exp.Column)}
    return [column for column in source.columns if folded(column.name) not in names]


def _chosen(field: exp.Expr, scope: Scope) -> list[str]:
    """The column names that the values of a PIVOT's IN become.

    Raises:
        ColumnLineageError: the values are not listed, so the columns depend on the data.
    """
    if not isinstance(field, exp.In) or not field.expressions:
        raise scope.statement.fault(
            "The columns of this PIVOT depend on the data.",
            field,
            expected="the values that become columns",
            found=field.sql("duckdb"),
            advice=_WAY_OUT_OF_DATA,
        )
    return [_text(each, scope) for each in field.expressions]


def _text(node: exp.Expr, scope: Scope) -> str:
    if isinstance(node, exp.PivotAlias | exp.Alias):
        return node.args["alias"].name
    if isinstance(node, exp.Literal):
        return node.name
    if isinstance(node, exp.Tuple):
        return "_".join(_text(each, scope) for each in node.expressions)
    if node.find(exp.Query, exp.Column) is not None:
        scope.statement.opaque(node, _WAY_OUT)
    ((text,),) = empty_tables().queried(f"SELECT coalesce(({node.sql('duckdb')})::VARCHAR, 'NULL')")
    return text


def _statistic_name(node: exp.Expr, statistics: Sequence[exp.Expr], scope: Scope) -> str:
    return node.alias if isinstance(node, exp.Alias) else item_name(node, statistics, scope.statement.text)


def _unpivot(node: exp.Expr, source: Relation, scope: Scope) -> Relation:
    if node.args.get("fields"):
        (field,) = node.args["fields"]
        name = field.this.name
        first = node.expressions[0]
        values = [each.name for each in (first.expressions if isinstance(first, exp.Tuple) else [first])]
        listed = field.expressions
    else:
        into = node.args.get("into")
        name = into.this.name if into is not None else "name"
        values = [each.name for each in into.expressions] if into is not None else ["value"]
        listed = node.expressions
    rows = [row for each in listed for row in _unpivoted(each, scope)]
    for row in rows:
        if len(row) != len(values):
            raise scope.statement.fault(
                "UNPIVOT gives a row more or fewer values than it names.",
                node,
                expected=f"{len(values)}: {', '.join(values)}",
                found=f"{len(row)}",
            )
    made = [Column(each, _one_of([row[place].value for row in rows])) for place, each in enumerate(values)]
    used = {id(column.value) for row in rows for column in row}
    used |= {id(value) for each in listed for value in _read_in(each, scope)}
    kept = [column for column in source.columns if id(column.value) not in used]
    decided = source.rows
    if not node.args.get("include_nulls"):
        # DuckDB keeps rows by the first columns of the values' names, which may be ones that were there before
        names = {folded(each) for each in values}
        first = [column for column in kept if folded(column.name) in names]
        columns = [column for row in rows for column in row] if len(first) < len(names) else []
        decided |= deciding(united(column.value.edges for column in [*first, *columns]), How.FILTER)
    return Relation([*kept, Column(name, CONSTANT), *made], decided, order=source.order)


def _unpivoted(node: exp.Expr, scope: Scope) -> list[list[Column]]:
    """The rows for an entry of UNPIVOT's list, each with its columns."""
    inner = node.this if isinstance(node, exp.Alias | exp.PivotAlias) else node
    if isinstance(inner, exp.Tuple):
        return [[Column("", scope.value(each)) for each in inner.expressions]]
    return [[Column(item.name or "", item.read())] for item in items(inner, scope)]


def _read_in(node: exp.Expr, scope: Scope) -> Iterator[Value]:
    """The values of all columns that an entry of UNPIVOT's list reads, as below a cast; none of them is kept."""
    for star in node.find_all(exp.Columns):
        yield from (item.read() for item in items(star, scope))
    for column in node.find_all(exp.Column):
        if column.find_ancestor(exp.Columns, exp.Star) is None and not isinstance(column.this, exp.Star):
            yield scope.value(column)


def _one_of(values: Sequence[Value]) -> Value:
    found = values[0]
    for value in values[1:]:
        found = merged(found, value)
    return found
