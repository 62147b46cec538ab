"""Own-file scans: scans of a source's SQL whose rows each come from one file only, unlike those that affect every row.

The text decides, in doubt against it. A scan whose rows pass through projections, filters, joins and UNIONs with their
`_file` is divided by file. A scan that is looked up, aggregated, numbered or joined from the other side is not, unless
that happens within each file (by PARTITION BY, GROUP BY or USING of `_file`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from recsys_lineage.sql.parsed import statements_of

FILE = "_file"
_NONE: frozenset[str] = frozenset()
_DIVIDED = {"expressions", "from_", "joins", "where", "group", "having", "qualify", "windows", "order", "distinct",
            "with_"}  # fmt: skip
"""Clauses of a SELECT whose effect on files is known; any other may mix them."""


@dataclass(frozen=True)
class _Rows:
    """Sources of the rows of a table expression.

    Each row comes from one file, its `_file`, of one of the relations `own`, and from anything in `shared`.
    `gives_file` is true if the rows have the column `_file`.
    """

    own: frozenset[str] = _NONE
    shared: frozenset[str] = _NONE
    gives_file: bool = False

    @property
    def all(self) -> frozenset[str]:
        return self.own | self.shared


@lru_cache(maxsize=64)
def relations_by_file(sql: str, relations: frozenset[str]) -> frozenset[str]:
    """The `relations` with a column `_file` of which each file alone determines its rows of the SELECT.

    A row with `_file` = f comes from the rows of f in such a relation, and from other relations; no other file of such
    a relation affects it.
    """
    rows = _of_query(statements_of(sql)[0], {name: _scan(name) for name in relations})
    return rows.own - rows.shared if rows.gives_file else _NONE


def _scan(relation: str) -> _Rows:
    return _Rows(frozenset({relation}), gives_file=True)


def _of_query(query: exp.Expr, known: Mapping[str, _Rows]) -> _Rows:
    """The rows of a SELECT, a UNION or either in parentheses, where the tables `known` can be named."""
    around = query.args.get("with_")
    if around is not None:
        if around.args.get("recursive"):
            return _mixed(query, known)
        for cte in around.expressions:
            known = {**known, cte.alias.casefold(): _of_query(cte.this, known)}
    if isinstance(query, exp.Subquery):
        rest = {key for key, value in query.args.items() if value} - {"this", "alias", "with_"}
        return _mixed(query, known) if rest else _of_query(query.this, known)
    if isinstance(query, exp.Union):
        return _of_union(query, known)
    if isinstance(query, exp.Select):
        return _of_select(query, known)
    return _mixed(query, known)


def _of_union(union: exp.Union, known: Mapping[str, _Rows]) -> _Rows:
    parts = [_of_query(part, known) for part in (union.this, union.expression)]
    places = {_place_of_file(part) for part in (union.this, union.expression)}
    divided = all(part.gives_file for part in parts) and not union.args.get("limit")
    if not divided or (len(places) > 1 and not union.args.get("by_name")):
        return _mixed(union, known)
    return _Rows(parts[0].own | parts[1].own, parts[0].shared | parts[1].shared, gives_file=True)


def _place_of_file(query: exp.Expr) -> int | None:
    names = [name.casefold() for name in query.named_selects] if isinstance(query, exp.Query) else []
    return names.index(FILE) if FILE in names else None


def _of_select(select: exp.Select, known: Mapping[str, _Rows]) -> _Rows:
    from_ = select.args.get("from_")
    if from_ is None or {key for key, value in select.args.items() if value} - _DIVIDED:
        return _mixed(select, known)
    joins: list[exp.Join] = select.args.get("joins") or []
    tables = [from_.this, *(join.this for join in joins)]
    sources = {_name(table, place): _of_table(table, known) for place, table in enumerate(tables)}
    names = list(sources)
    giver = _source_of_file(select, sources)
    if giver is None or len(names) < len(tables) or not _keeps_rows(joins, names.index(giver)):
        return _mixed(select, known)
    # sources that are joined by the file itself
    same_file = {giver}
    for join, name in zip(joins, names[1:], strict=True):
        if name != giver and sources[name].gives_file and _joins_files(join, name, same_file):
            same_file.add(name)
    if not _within_files(select, same_file):
        return _mixed(select, known)
    own = frozenset[str]().union(*(sources[name].own for name in same_file))
    shared = sources[giver].shared.union(
        *(rows.shared if name in same_file else rows.all for name, rows in sources.items()),
        *(_mixed(inner, known).shared for inner in _inner_queries(select)),
    )
    return _Rows(own, shared, gives_file=True)


def _of_table(table: exp.Expr, known: Mapping[str, _Rows]) -> _Rows:
    if isinstance(table, exp.Subquery):
        return _of_query(table, known)
    plain = not ({key for key, value in table.args.items() if value} - {"this", "alias"})
    if isinstance(table, exp.Table) and plain and table.name.casefold() in known:
        return known[table.name.casefold()]
    return _mixed(table, known)


def _name(table: exp.Expr, place: int) -> str:
    return (table.alias_or_name or f" {place}").casefold()


def _source_of_file(select: exp.Select, sources: Mapping[str, _Rows]) -> str | None:
    """The source whose `_file` is the SELECT's `_file`, unchanged; None if there is none or it is unknown."""
    file_columns = [found for each in select.expressions if (found := _file_of(each)) is not None]
    if len(file_columns) != 1:
        return None
    with_file = [name for name, rows in sources.items() if rows.gives_file]
    if file_columns[0]:
        return file_columns[0] if file_columns[0] in with_file else None
    using = any(
        name.name.casefold() == FILE
        for join in select.args.get("joins") or ()
        for name in join.args.get("using") or ()
    )
    return with_file[0] if len(with_file) == 1 or (with_file and using) else None


def _file_of(projection: exp.Expr) -> str | None:
    """The table whose `_file` a projection returns ("" if unnamed); None if it is another column."""
    star = projection.this if isinstance(projection, exp.Column) else projection
    if isinstance(star, exp.Star):
        table = projection.table.casefold() if isinstance(projection, exp.Column) else ""
        renamed = [*(star.args.get("replace") or ()), *(star.args.get("rename") or ())]
        left_out = [each.name.casefold() for each in star.args.get("except_") or ()]
        return None if renamed or FILE in left_out else table
    if projection.alias_or_name.casefold() != FILE:
        return None
    column = projection.unalias()
    if isinstance(column, exp.Column) and column.name.casefold() == FILE:
        return column.table.casefold()
    return " an expression"


def _keeps_rows(joins: list[exp.Join], giver: int) -> bool:
    """Whether no join adds rows without the giver's file; the giver is the source at that index, 0 for FROM."""
    for place, join in enumerate(joins, start=1):
        side, method = str(join.side).upper(), str(join.method).upper()
        other = "LEFT" if place == giver else "RIGHT"
        if side in ("FULL", other) or method in ("NATURAL", "POSITIONAL"):
            return False
    return True


def _joins_files(join: exp.Join, name: str, same_file: Collection[str]) -> bool:
    """Whether a join's rows have the `_file` of the sources `same_file`."""
    if any(column.name.casefold() == FILE for column in join.args.get("using") or ()):
        return True
    on = join.args.get("on")
    for each in on.flatten() if isinstance(on, exp.And) else [on]:
        if isinstance(each, exp.EQ):
            sides = [each.this, each.expression]
            if all(isinstance(side, exp.Column) and side.name.casefold() == FILE for side in sides):
                tables = {side.table.casefold() for side in sides}
                if name in tables and tables & set(same_file):
                    return True
    return False


def _within_files(select: exp.Select, givers: Collection[str]) -> bool:
    """Whether every operation over several rows stays within one file."""

    def is_file(each: exp.Expr) -> bool:
        return (
            isinstance(each, exp.Column)
            and each.name.casefold() == FILE
            and (not each.table or each.table.casefold() in givers)
        )

    group = select.args.get("group")
    if group is not None:
        if any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup")):
            return False
        keys = [
            select.expressions[int(key.name) - 1] if isinstance(key, exp.Literal) and key.is_int else key
            for key in group.expressions
        ]
        if not group.args.get("all") and not any(is_file(key.unalias()) for key in keys):
            return False
    distinct = select.args.get("distinct")
    on = distinct.args.get("on") if distinct is not None else None
    if on is not None and not any(
        is_file(each) for each in (on.expressions if isinstance(on, exp.Tuple) else [on])
    ):
        return False
    named = {
        window.name.casefold()
        for window in select.args.get("windows") or ()
        if any(is_file(key) for key in window.args.get("partition_by") or ())
    }
    return all(
        any(is_file(key) for key in window.args.get("partition_by") or ()) or window.alias.casefold() in named
        for window in _own_nodes(select, exp.Window)
        if window.arg_key != "windows"
    )


def _own_nodes(select: exp.Select, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Nodes of a kind in a SELECT, without its FROM, its WITH and the queries inside it."""
    for key, value in select.args.items():
        if key in ("from_", "with_") or not value:
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Join):
                part = part.args.get("on") or exp.null()
            if isinstance(part, exp.Expr):
                for node in part.walk(prune=lambda each: isinstance(each, exp.Query)):
                    if isinstance(node, kind):
                        yield node


def _inner_queries(select: exp.Select) -> Iterator[exp.Expr]:
    """The subqueries in a SELECT's expressions."""
    yield from _own_nodes(select, exp.Query)


def _mixed(node: exp.Expr, known: Mapping[str, _Rows]) -> _Rows:
    """The rows of a part that is not analysed: each may depend on everything that it names."""
    named = {table.name.casefold() for table in node.find_all(exp.Table)}
    return _Rows(shared=frozenset[str]().union(*(known[name].all for name in named if name in known)))
