"""Stars: the columns behind `*`, `t.*`, COLUMNS(…) and a struct's `unnest` in a SELECT list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
from sqlglot import exp

from recsys_lineage.columns.binding.empty_tables import empty_tables
from recsys_lineage.columns.binding.names import path
from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.types import fields_of, type_of, unnested_fields
from recsys_lineage.columns.edges import How, deciding, transformed
from recsys_lineage.columns.relation import Column, Value, folded
from recsys_lineage.errors import ColumnLineageError
from recsys_lineage.sql.names import quote

AT_ONCE_IN_FILTER = not duckdb.__version__.startswith("1.")
"""True if COLUMNS(…) in a FILTER stands for all its columns at once and does not repeat the expression."""
_STAR = exp.Star()
_LIKES = exp.Like | exp.ILike | exp.SimilarTo | exp.Glob | exp.RegexpLike | exp.RegexpFullMatch


@dataclass
class Item:
    """One column of a SELECT list.

    Args:
        node: its expression.
        name: its alias or the column's name; None where DuckDB derives one from the expression.
        read: computes its value in the scope at that moment.
        is_alias: whether other expressions may refer to it by name.
        behind: what a COLUMNS(…) in the expression is in this column; None if there is none.
    """

    node: exp.Expr
    name: str | None
    read: Callable[[], Value]
    is_alias: bool = False
    behind: exp.Expr | None = None


def items(node: exp.Expr, scope: Scope) -> list[Item]:
    """The columns behind an expression of a SELECT list.

    Args:
        node: the expression, with its alias.
        scope: the scope of its names.
    """
    inner = node.this if isinstance(node, exp.Alias) else node
    alias = node.alias if isinstance(node, exp.Alias) else None
    if (stars := _starred(inner, scope)) is not None:
        return [
            Item(each.node, each.column.name, _constant(each.column.value), each.is_alias) for each in stars
        ]
    if (marker := _marker(inner)) is not None:
        return _of_columns(node, inner, marker, alias, scope)
    if isinstance(inner, exp.Explode) and (fields := _unnested(inner, scope)):
        return [Item(node, name, _constant(value)) for name, value in fields]
    name = alias if alias is not None else _name(inner, scope)
    return [Item(node, name, lambda: scope.value(inner), is_alias=alias is not None)]


def visible(scope: Scope, star: exp.Star | None = None) -> list[Column]:
    """The columns behind `*`, from all relations of a FROM clause.

    Args:
        scope: the scope of the FROM clause.
        star: the star, which may exclude and rename columns of single relations, `EXCLUDE (t.a)`; a column merged by
            USING takes the position of its first column that is not excluded.
    """
    excluded = {_of_table(each, scope): "" for each in _excluded(star) if each.text("table")}
    renamed = {
        _of_table(each.this, scope): each.alias for each in _renamed_in(star) if each.this.text("table")
    }
    found: list[Column] = []
    seen: set[int] = set()
    for number, binding in enumerate(scope.bindings):
        for column in binding.relation.columns:
            place = number, folded(column.name)
            if place in excluded:
                continue
            shared = binding.shared.get(place[1])
            if shared is None or id(shared) not in seen:
                value = column.value if shared is None else shared.value
                found.append(Column(renamed.get(place, column.name), value))
                seen.add(id(shared))
    return found


def _constant(value: Value) -> Callable[[], Value]:
    return lambda: value


def _name(node: exp.Expr, scope: Scope) -> str | None:
    if isinstance(node, exp.PositionalColumn):
        columns = [column for binding in scope.bindings for column in binding.relation.columns]
        wanted = int(node.name)
        return columns[wanted - 1].name if 1 <= wanted <= len(columns) else None
    parts = path(node)
    return scope.spelling(parts) if parts else None


class _OfStar(NamedTuple):
    """A column of a star, whether REPLACE or RENAME makes its name an alias, and the expression that replaces it."""

    column: Column
    is_alias: bool = False
    node: exp.Expr = _STAR


def _starred(node: exp.Expr, scope: Scope) -> list[_OfStar] | None:
    """The columns of `*` and `t.*` after EXCLUDE, REPLACE and RENAME; None for anything else."""
    if isinstance(node, exp.Star):
        return _changed(visible(scope, node), node, scope)
    if isinstance(node, exp.Column | exp.Dot) and isinstance(star := _last(node), exp.Star):
        return _changed(_of_one(node, scope), star, scope, of_one=True)
    negated = isinstance(node, exp.Not)
    likes = node.this if negated else node
    if isinstance(likes, _LIKES) and (columns := _starred(likes.this, scope)) is not None:
        test = likes.copy()
        test.set("this", exp.column("name_"))
        return _named_like(columns, f"{'NOT ' if negated else ''}({test.sql('duckdb')})")
    return None


def _named_like(columns: list[_OfStar], condition: str) -> list[_OfStar]:
    """The columns whose name, as `name_`, fulfils a condition."""
    kept = {
        name
        for (name,) in empty_tables().queried(
            f"SELECT name_ FROM (SELECT unnest(?) AS name_) WHERE {condition}",
            [[each.column.name for each in columns]],
        )
    }
    return [each for each in columns if each.column.name in kept]


def _last(node: exp.Expr) -> exp.Expr:
    return node.expression if isinstance(node, exp.Dot) else node.this


def _of_one(node: exp.Expr, scope: Scope) -> list[Column]:
    """The columns of the relation, or the fields of the struct, before `.*`."""
    before = [part.name for part in node.parts[:-1]] if isinstance(node, exp.Column) else path(node.this)
    if not before:
        value = scope.value(node.this)
        return [Column(name, each) for name, each in fields_of(node.this, value, scope)]
    if len(before) == 1 and (binding := scope.binding(before[0])) is not None:
        return list(binding.relation.columns)
    try:
        value = scope.column(node, before)
    except ColumnLineageError:
        known = [binding.name for binding in scope.bindings]
        raise scope.statement.unknown("table", ".".join(before), node, known) from None
    struct = exp.column(*reversed(before)) if len(before) < 4 else node
    struct.parent = node.parent
    return [Column(name, each) for name, each in fields_of(struct, value, scope)]


def _changed(columns: list[Column], star: exp.Star, scope: Scope, *, of_one: bool = False) -> list[_OfStar]:
    """The columns of a star after EXCLUDE, REPLACE and RENAME.

    After the star of one relation, its columns may be named with the relation, `t.* EXCLUDE (t.a)`.
    """
    excluded = [each for each in _excluded(star) if of_one or not each.text("table")]
    without = [folded(each.name) for each in excluded]
    replaced = {folded(each.alias): each for each in star.args.get("replace") or ()}
    renames = [each for each in _renamed_in(star) if of_one or not each.this.text("table")]
    renamed = {folded(each.this.name): each.alias for each in renames}
    known = {folded(column.name) for column in columns}
    named = [*excluded, *(each.args["alias"] for each in star.args.get("replace") or ())]
    for each in named:
        if folded(each.name) not in known:
            raise scope.statement.unknown("column", each.name, each, [column.name for column in columns])
    aliases = {folded(each.alias) for each in _renamed_in(star) if each.this.text("table")}
    found: list[_OfStar] = []
    for column in columns:
        name = folded(column.name)
        if name in without:
            continue
        if (other := replaced.get(name)) is not None:
            found.append(_OfStar(Column(other.alias, scope.value(other.this)), True, other))
        elif (alias := renamed.get(name)) is not None:
            found.append(_OfStar(Column(alias, column.value), True))
        else:
            found.append(_OfStar(column, name in aliases))
    pattern = star.args.get("ilike")
    return found if pattern is None else _named_like(found, f"name_ ILIKE {pattern.sql('duckdb')}")


def _excluded(star: exp.Star | None) -> list[exp.Expr]:
    """The names in EXCLUDE."""
    excluded = star.args.get("except_") if star is not None else None
    return [excluded] if isinstance(excluded, exp.Expr) else list(excluded or ())


def _renamed_in(star: exp.Star | None) -> list[exp.Expr]:
    """Aliases of the names after RENAME."""
    return list(star.args.get("rename") or ()) if star is not None else []


def _of_table(node: exp.Expr, scope: Scope) -> tuple[int, str]:
    """The index of the relation in the FROM clause, and the folded column name, of `t.a`."""
    parts = path(node) or []
    _ = scope.column(node, parts)  # raises for a missing or ambiguous column
    tables = [folded(binding.name) for binding in scope.bindings]
    table = folded(parts[-2])
    return (tables.index(table) if table in tables else -1), folded(parts[-1])


def _marker(node: exp.Expr) -> exp.Expr | None:
    """The COLUMNS(…) in an expression, if the expression is repeated for each column."""
    without = exp.Query | exp.Where if AT_ONCE_IN_FILTER else exp.Query
    for each in node.walk(prune=lambda inner: isinstance(inner, without)):
        if isinstance(each, exp.Columns) and not each.args.get("unpack"):
            return each
    return None


def _of_columns(
    node: exp.Expr, inner: exp.Expr, marker: exp.Expr, alias: str | None, scope: Scope
) -> list[Item]:
    chosen = _behind(marker, scope)
    names = [each.column.name for each in chosen]
    if alias is not None:
        names = _renamed(marker, alias, scope) if "\\" in alias else [alias] * len(names)

    def reader(column: Column) -> Callable[[], Value]:
        def read() -> Value:
            before, scope.chosen = scope.chosen, column.value
            try:
                return scope.value(inner)
            finally:
                scope.chosen = before

        return read

    return [
        Item(node, name, reader(each.column), is_alias=True, behind=each.node)
        for name, each in zip(names, chosen, strict=True)
    ]


def columns_of(marker: exp.Expr, scope: Scope) -> list[Column]:
    """The columns behind a COLUMNS(…)."""
    return [each.column for each in _behind(marker, scope)]


def _behind(marker: exp.Expr, scope: Scope) -> list[_OfStar]:
    """The columns behind a COLUMNS(…), with the expressions of REPLACE."""
    argument = marker.this
    if (stars := _starred(argument, scope)) is not None:
        return stars
    columns = visible(scope)
    by_name: dict[str, list[Column]] = {}
    for column in columns:
        by_name.setdefault(column.name, []).append(column)
    wanted = _chosen_columns(f"COLUMNS({argument.sql('duckdb')})", by_name, marker, scope)
    return [_OfStar(column) for name in dict.fromkeys(wanted) for column in by_name[name]]


def _renamed(marker: exp.Expr, alias: str, scope: Scope) -> list[str]:
    r"""The names of the columns behind a COLUMNS(…) with an alias such as `\0_\1`."""
    argument, columns = marker.this.copy(), visible(scope)
    if isinstance(argument, exp.Column | exp.Dot) and isinstance(star := _last(argument), exp.Star):
        columns, argument = _of_one(marker.this, scope), star
    for star in argument.find_all(exp.Star):
        for each in star.args.get("replace") or ():
            each.set("this", exp.Null())
    names = [column.name for column in columns]
    return _chosen_columns(f"COLUMNS({argument.sql('duckdb')}) AS {quote(alias)}", names, marker, scope)


def _chosen_columns(projection: str, names: Iterable[str], marker: exp.Expr, scope: Scope) -> list[str]:
    """The column names that DuckDB selects among the given ones."""
    given = ", ".join(f"NULL AS {quote(name)}" for name in names)
    try:
        described = empty_tables().described(f"SELECT {projection} FROM (SELECT {given})", {})
    except duckdb.Error as error:
        raise scope.statement.fault(
            "COLUMNS chooses no column.",
            marker,
            found=str(error).splitlines()[0],
            expected="a choice of columns",
        ) from None
    return [name for name, _ in described]


def _unnested(node: exp.Expr, scope: Scope) -> list[tuple[str, Value]]:
    """The columns from `unnest` of a struct, or a recursive one; none if it returns a single column."""
    options = {each.this.name.lower(): each.expression for each in node.expressions if each.this is not None}
    value = scope.value(node.this)
    if options:
        deep = options.get("max_depth")
        depth = int(deep.name) if isinstance(deep, exp.Literal) else None
        fields = unnested_fields(node.this, value, scope, depth)
    else:
        fields = fields_of(node.this, value, scope)
    if fields and options and (kind := value.type or type_of(node.this, scope)).endswith("]"):
        scope.unnests = True
        is_nested = kind[: kind.rindex("[")].endswith("]")
        scope.unnested |= deciding(value.edges if is_nested else value.shape, How.JOIN)
    return [(name, Value(transformed(each.edges), each.fields, each.type)) for name, each in fields]
