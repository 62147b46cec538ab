"""Queries made by chance over the tables of the cases."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

_NUMBERS = {"x": ("a", "c"), "y": ("a",)}
_TEXTS = {"x": ("b",), "y": ("k",)}
_SIDES = ("u", "(SELECT a, max(k) AS k FROM u GROUP BY a)", "(SELECT DISTINCT a, k FROM u)")
_JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")


@dataclass(frozen=True)
class Made:
    """A query over `t AS x` and, where it is joined, `u AS y`, and the names of its columns."""

    sql: str
    columns: tuple[str, ...]


@st.composite
def queries(draw: st.DrawFn, deep: int = 1) -> Made:
    """A SELECT with joins, conditions, groups, windows, DISTINCT and order, or two of them set together."""
    if deep and draw(st.integers(0, 3)) == 0:
        one, other = draw(queries(0)), draw(queries(0))
        width = min(len(one.columns), len(other.columns))
        kind = draw(st.sampled_from(["UNION ALL", "UNION", "EXCEPT", "INTERSECT ALL"]))
        names = one.columns[:width]
        sides = [
            f"SELECT {', '.join(f'{name}::VARCHAR AS {name}' for name in made.columns[:width])} FROM ({made.sql}) AS q"
            for made in (one, other)
        ]
        return Made(f" {kind} ".join(sides), names)
    join = draw(st.sampled_from(_JOINS)) if draw(st.booleans()) else None
    tables = ("x", "y") if join is not None and "SEMI" not in join and "ANTI" not in join else ("x",)
    numbers = [f"{table}.{name}" for table in tables for name in _NUMBERS[table]]
    texts = [f"{table}.{name}" for table in tables for name in _TEXTS[table]]
    number, text = st.sampled_from(numbers), st.sampled_from(texts)
    source = "t AS x"
    if join is not None:
        on = draw(st.sampled_from(["x.a = y.a", "x.a = y.a AND x.b = y.k", "x.c > y.a OR x.b IS NULL"]))
        side = draw(
            st.sampled_from(
                ["u", "(SELECT a, max(k) AS k FROM u GROUP BY a)", "(SELECT DISTINCT a, k FROM u)"]
            )
        )
        source = f"t AS x {join} {side} AS y ON {on}"
    where = f" WHERE {draw(_conditions(number, text))}" if draw(st.booleans()) else ""
    order = f" ORDER BY {draw(st.integers(1, 2))}" if draw(st.booleans()) else ""
    if draw(st.booleans()):
        keys = draw(st.lists(st.sampled_from([*numbers, *texts]), min_size=0, max_size=2, unique=True))
        values = draw(st.lists(_aggregates(number, text), min_size=2, max_size=3))
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = f" HAVING {draw(_aggregates(number, text))} IS NOT NULL" if draw(st.booleans()) else ""
        return _select([*keys, *values], f"FROM {source}{where}{group}{having}{order}")
    values = draw(st.lists(_expressions(number, text), min_size=2, max_size=4))
    distinct = "DISTINCT " if draw(st.integers(0, 3)) == 0 else ""
    return _select(values, f"FROM {source}{where}{order}", distinct)


def _select(values: list[str], rest: str, distinct: str = "") -> Made:
    names = tuple(f"o{place}" for place in range(len(values)))
    listed = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    return Made(f"SELECT {distinct}{listed} {rest}", names)


@st.composite
def _expressions(draw: st.DrawFn, number: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> str:
    n, m, s = draw(number), draw(number), draw(text)
    return draw(
        st.sampled_from(
            [
                n,
                s,
                f"{n} + {m}",
                f"coalesce({n}, {m})",
                f"CASE WHEN {s} = 'p' THEN {n} ELSE {m} END",
                f"nullif({n}, {m})",
                f"sum({n}) OVER (PARTITION BY {s})",
                f"rank() OVER (ORDER BY {n}, {s})",
                f"(SELECT max(v.n) FROM v WHERE v.a = {n})",
                f"{n} IN (SELECT v.a FROM v)",
                "1",
                f"upper({s})",
                f"lag({n}) OVER (PARTITION BY {s} ORDER BY {m})",
                f"{{'p': {n}, 'q': {s}}}.p",
            ]
        )
    )


@st.composite
def _aggregates(draw: st.DrawFn, number: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> str:
    n, m, s = draw(number), draw(number), draw(text)
    return draw(
        st.sampled_from(
            [
                "count(*)",
                f"sum({n})",
                f"max({s})",
                f"count(DISTINCT {n})",
                f"sum({n}) FILTER (WHERE {s} = 'p')",
                f"min({n}) + max({m})",
                f"string_agg({s}, ',' ORDER BY {n}, {s})",
                f"arg_max({n}, ({m}, {n}))",
            ]
        )
    )


@st.composite
def _conditions(draw: st.DrawFn, number: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> str:
    n, m, s = draw(number), draw(number), draw(text)
    return draw(
        st.sampled_from(
            [
                f"{n} > 1",
                f"{s} = 'p'",
                f"{n} = {m} OR {s} IS NULL",
                f"{n} IN (SELECT v.a FROM v WHERE v.n = {s})",
                f"EXISTS (SELECT 1 FROM v WHERE v.a = {n})",
            ]
        )
    )


@st.composite
def joined_groups(draw: st.DrawFn) -> list[tuple[str, list[tuple[str, str]]]]:
    """FROM clauses that a comma may stand between: each as text, with its relations as (alias, table)."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        relations: list[tuple[str, str]] = []
        text = ""
        for _ in range(draw(st.integers(1, 3))):
            alias, table = f"r{number}", draw(st.sampled_from(["t", "u", "v"]))
            number += 1
            join = f" {draw(st.sampled_from(_JOINS[:4]))} " if relations else ""
            text += f"{join}{table} AS {alias}{' USING (a)' if relations else ''}"
            relations.append((alias, table))
        found.append((text, relations))
    return found
