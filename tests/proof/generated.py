"""Generated tables and statements: a grammar of DuckDB's SELECT, in which every answer is decided by the values alone.

Where an order decides a value, it is one over all columns, so that only equal rows tie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

Draw = Callable[..., "object"]
NUMBER, TEXT, TRUTH, LIST, STRUCT = "number", "text", "truth", "list", "struct"
SCHEMAS = {
    "t": {"k": "INTEGER", "a": "INTEGER", "b": "VARCHAR", "x": "INTEGER", "l": "INTEGER[]"},
    "u": {"k": "INTEGER", "a": "INTEGER", "y": "VARCHAR", "s": "STRUCT(a INTEGER, b VARCHAR)"},
    "v": {"a": "INTEGER", "b": "VARCHAR", "z": "INTEGER", "f": "BOOLEAN"},
}
_KINDS = {"INTEGER": NUMBER, "VARCHAR": TEXT, "BOOLEAN": TRUTH, "INTEGER[]": LIST}
_NAMES = ("a", "b", "k", "x", "y", "z", "n", "m")

numbers = st.one_of(st.none(), st.integers(0, 3))
texts = st.one_of(st.none(), st.sampled_from(["p", "q", "r"]))
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "INTEGER": numbers,
    "VARCHAR": texts,
    "BOOLEAN": st.one_of(st.none(), st.booleans()),
    "INTEGER[]": st.one_of(st.none(), st.lists(numbers, max_size=3)),
    "STRUCT(a INTEGER, b VARCHAR)": st.one_of(st.none(), st.fixed_dictionaries({"a": numbers, "b": texts})),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[tuple[object, ...]]]:
    """Four to eight rows of every table, of few values, so that they join, tie and repeat."""
    made: dict[str, list[tuple[object, ...]]] = {}
    for table, columns in SCHEMAS.items():
        rows = draw(
            st.lists(st.tuples(*(_VALUES[type_] for type_ in columns.values())), min_size=4, max_size=8)
        )
        made[table] = [tuple(row) for row in rows]
    return made


@dataclass(frozen=True)
class Column:
    """A column of a relation: how it is written, and of what kind it is."""

    name: str
    kind: str


@dataclass(frozen=True)
class Query:
    """A SELECT, and the columns that it gives."""

    sql: str
    columns: tuple[Column, ...]

    def of(self, kind: str) -> list[Column]:
        return [column for column in self.columns if column.kind == kind]


@st.composite
def statements(draw: st.DrawFn) -> str:
    """One SELECT over the tables, with or without a WITH, ordered at its end by all that it gives or not at all."""
    maker = _Maker(draw)
    query = maker.query(draw(st.integers(1, 3)))
    sql = query.sql
    if maker.with_:
        recursive = "RECURSIVE " if any("UNION ALL SELECT r" in text for text in maker.with_) else ""
        sql = f"WITH {recursive}{', '.join(maker.with_)} {sql}"
    if draw(st.booleans()) and " ORDER BY ALL" not in sql:
        limit = draw(st.sampled_from(["", " LIMIT 2", " LIMIT 3"]))
        sql = f"{sql} ORDER BY ALL{limit}" if not query.sql.startswith("(") else sql
    return sql


class _Maker:
    """Makes the parts of one statement."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.with_: list[str] = []
        self._ctes: list[tuple[str, tuple[Column, ...]]] = []
        self._aliases = 0

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def maybe(self, odds: int = 2) -> bool:
        return self.draw(st.integers(1, odds)) == 1

    # --- sources ------------------------------------------------------------------------------------------

    def source(self, depth: int) -> tuple[str, str, tuple[Column, ...]]:
        """A relation for a FROM clause, its alias, and its columns as written with the alias."""
        self._aliases += 1
        alias = f"r{self._aliases}"
        if self._ctes and self.maybe(3):
            name, columns = self.draw(st.sampled_from(self._ctes))
            return f"{name} AS {alias}", alias, _under(alias, columns)
        if depth <= 0 or self.maybe(3):
            table = self.one(*SCHEMAS)
            columns = tuple(Column(name, _KINDS.get(type_, STRUCT)) for name, type_ in SCHEMAS[table].items())
            return f"{table} AS {alias}", alias, _under(alias, columns)
        query = self.query(depth - 1)
        if self.maybe(3):
            name = f"c{len(self._ctes)}"
            self.with_.append(f"{name} AS ({query.sql})")
            self._ctes.append((name, query.columns))
            return f"{name} AS {alias}", alias, _under(alias, query.columns)
        return f"({query.sql}) AS {alias}", alias, _under(alias, query.columns)

    def joined(self, depth: int) -> tuple[str, tuple[Column, ...]]:
        """A FROM clause of one or two relations, and what can be named in it."""
        left, _, columns = self.source(depth)
        if self.maybe():
            return left, columns
        right, _, others = self.source(depth - 1)
        kind = self.one(
            "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "ASOF", "CROSS", ","
        )
        both = (*columns, *others)
        if kind == ",":
            return f"{left}, {right}", both
        if kind == "CROSS":
            return f"{left} CROSS JOIN {right}", both
        ones, twos = _of(columns, NUMBER), _of(others, NUMBER)
        if not ones or not twos:
            return f"{left} CROSS JOIN {right}", both
        one, two = self.draw(st.sampled_from(ones)), self.draw(st.sampled_from(twos))
        if kind == "ASOF":
            return left, columns  # of equal times any may be taken
        on = f"{one.name} = {two.name}"
        shared = [
            c
            for c in ones
            if any(_bare(c) == _bare(d) for d in twos) and _once(c, columns) and _once(c, others)
        ]
        if shared and kind in ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN") and self.maybe(3):
            merged = self.draw(st.sampled_from(shared))
            rest = tuple(c for c in both if _bare(c) != _bare(merged))
            return f"{left} {kind} {right} USING ({_bare(merged)})", (Column(_bare(merged), NUMBER), *rest)
        if self.maybe(3):
            on = f"{on} AND {self.condition(both, 0)}"
        if kind in ("SEMI JOIN", "ANTI JOIN"):
            return f"{left} {kind} {right} ON {on}", columns
        return f"{left} {kind} {right} ON {on}", both

    # --- queries ------------------------------------------------------------------------------------------

    def query(self, depth: int) -> Query:
        """A SELECT of some form."""
        forms = [self.plain, self.plain, self.grouped, self.windowed, self.star, self.deduplicated]
        if depth > 0:
            forms += [
                self.combined,
                self.limited,
                self.unnested,
                self.lateral,
                self.recursive,
                self.unpivoted,
            ]
        return self.draw(st.sampled_from(forms))(depth)

    def named(self, values: Sequence[tuple[str, str]]) -> tuple[str, tuple[Column, ...]]:
        """Expressions under names, each once."""
        names = self.draw(st.permutations(_NAMES))[: len(values)]
        listed = ", ".join(f"{value} AS {name}" for (value, _), name in zip(values, names, strict=True))
        return listed, tuple(Column(name, kind) for (_, kind), name in zip(values, names, strict=True))

    def plain(self, depth: int) -> Query:
        source, columns = self.joined(depth)
        values = [self.expression(columns, depth) for _ in range(self.draw(st.integers(1, 4)))]
        listed, given = self.named(values)
        where = f" WHERE {self.condition(columns, depth)}" if self.maybe() else ""
        return Query(f"SELECT {listed} FROM {source}{where}", given)

    def star(self, depth: int) -> Query:
        source, _, columns = self.source(depth)
        names = [_bare(column) for column in columns]
        if self.maybe(3) and len(names) > 1:
            left_out = self.draw(st.sampled_from(names))
            kept = tuple(Column(_bare(c), c.kind) for c in columns if _bare(c) != left_out)
            return Query(f"SELECT * EXCLUDE ({left_out}) FROM {source}", kept)
        ones = _of(columns, NUMBER)
        if ones and self.maybe():
            one = self.draw(st.sampled_from(ones))
            replaced = f"SELECT * REPLACE (coalesce({one.name}, 0) + 1 AS {_bare(one)}) FROM {source}"
            return Query(replaced, tuple(Column(_bare(c), c.kind) for c in columns))
        where = f" WHERE {self.condition(columns, depth)}" if self.maybe() else ""
        return Query(f"FROM {source}{where}", tuple(Column(_bare(c), c.kind) for c in columns))

    def grouped(self, depth: int) -> Query:
        source, columns = self.joined(depth)
        keys = self.draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        measures = [self.aggregate(columns) for _ in range(self.draw(st.integers(1, 2)))]
        shown = [(key.name, key.kind) for key in keys]
        listed, given = self.named([*shown, *measures])
        where = f" WHERE {self.condition(columns, depth)}" if self.maybe(3) else ""
        having = f" HAVING {self.one('count(*) > 1', 'count(*) < 3')}" if self.maybe(3) else ""
        group = ""
        if keys:
            names = ", ".join(key.name for key in keys)
            group = " GROUP BY " + (
                self.one(
                    "ALL", names, f"ROLLUP ({names})", f"CUBE ({names})", f"GROUPING SETS (({names}), ())"
                )
                if having == "" and not any(key.kind in (LIST, STRUCT) for key in keys)
                else names
            )
        return Query(f"SELECT {listed} FROM {source}{where}{group}{having}", given)

    def windowed(self, depth: int) -> Query:
        source, _, columns = self.source(depth)
        simple = [column for column in columns if column.kind in (NUMBER, TEXT)]
        if not simple:
            return self.star(depth)
        part = f"PARTITION BY {self.draw(st.sampled_from(simple)).name}" if self.maybe() else ""
        by = self.draw(st.sampled_from(simple)).name
        whole = ", ".join(column.name for column in columns)
        tied = [
            (f"rank() OVER ({part} ORDER BY {by})", NUMBER),
            (f"count(*) OVER ({part} ORDER BY {by})", NUMBER),
            (f"count(*) OVER ({part})", NUMBER),
            (f"dense_rank() OVER ({part} ORDER BY {by} DESC)", NUMBER),
            (f"row_number() OVER ({part} ORDER BY {whole})", NUMBER),
            (f"lag({by}) OVER ({part} ORDER BY {whole})", self._kind(by, simple)),
            (f"first_value({by}) OVER ({part} ORDER BY {whole})", self._kind(by, simple)),
        ]
        for one in _of(columns, NUMBER):
            tied += [
                (f"sum({one.name}) OVER ({part} ORDER BY {by})", NUMBER),
                (f"max({one.name}) FILTER ({by} IS NOT NULL) OVER ({part})", NUMBER),
                (
                    f"sum({one.name}) OVER ({part} ORDER BY {whole} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
                    NUMBER,
                ),
            ]
        shown = [
            (c.name, c.kind) for c in self.draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        ]
        picked = self.draw(st.lists(st.sampled_from(tied), min_size=1, max_size=2))
        listed, given = self.named([*shown, *picked])
        qualify = f" QUALIFY row_number() OVER ({part} ORDER BY {whole}) <= 2" if self.maybe(3) else ""
        return Query(f"SELECT {listed} FROM {source}{qualify}", given)

    def deduplicated(self, depth: int) -> Query:
        query = self.plain(depth)
        if self.maybe(3):
            self._aliases += 1
            on = query.columns[0].name
            whole = ", ".join(column.name for column in query.columns)
            return Query(
                f"SELECT DISTINCT ON ({on}) * FROM ({query.sql}) AS r{self._aliases} ORDER BY {whole}",
                query.columns,
            )
        return Query(query.sql.replace("SELECT", "SELECT DISTINCT", 1), query.columns)

    def combined(self, depth: int) -> Query:
        """Two queries in a set operation; the second gives columns of the kinds of the first."""
        one = self.plain(depth - 1)
        source, columns = self.joined(depth - 1)
        values = [(self.of_kind(columns, column.kind), column.kind) for column in one.columns]
        listed = ", ".join(
            f"{value} AS {column.name}" for (value, _), column in zip(values, one.columns, strict=True)
        )
        how = self.one(
            "UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL", "UNION ALL BY NAME"
        )
        return Query(f"({one.sql}) {how} (SELECT {listed} FROM {source})", one.columns)

    def limited(self, depth: int) -> Query:
        query = self.plain(depth - 1)
        if query.sql.startswith("("):
            return query
        return Query(f"{query.sql} ORDER BY ALL LIMIT {self.draw(st.integers(1, 4))}", query.columns)

    def unnested(self, depth: int) -> Query:
        source, _, columns = self.source(0)
        lists = _of(columns, LIST)
        if not lists:
            return self.grouped(depth)
        shown = self.draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        listed, given = self.named([(f"unnest({lists[0].name})", NUMBER), *((c.name, c.kind) for c in shown)])
        return Query(f"SELECT {listed} FROM {source}", given)

    def lateral(self, depth: int) -> Query:
        left, _, columns = self.source(depth - 1)
        right, _, others = self.source(0)
        ones, twos = _of(columns, NUMBER), _of(others, NUMBER)
        if not ones or not twos:
            return self.plain(depth)
        one, two = self.draw(st.sampled_from(ones)).name, self.draw(st.sampled_from(twos)).name
        inner = self.draw(st.sampled_from(twos)).name
        self._aliases += 1
        alias = f"r{self._aliases}"
        made = self.one(f"sum({inner}) AS n, count(*) AS m", f"max({inner}) AS n, min({two} + {one}) AS m")
        shown = self.draw(st.sampled_from(columns))
        listed, given = self.named([(shown.name, shown.kind), (f"{alias}.n", NUMBER), (f"{alias}.m", NUMBER)])
        return Query(
            f"SELECT {listed} FROM {left}, LATERAL (SELECT {made} FROM {right} WHERE {two} >= {one}) AS {alias}",
            given,
        )

    def recursive(self, depth: int) -> Query:
        left, _, columns = self.source(0)
        ones = _of(columns, NUMBER)
        one = self.draw(st.sampled_from(ones)).name
        name = f"c{len(self._ctes)}"
        step = self.one("n + 1", "n + m", "n")
        table = self.one("t", "u")
        self.with_.append(
            f"{name}(n, m) AS (SELECT {one}, 0 FROM {left} UNION ALL SELECT r.{step.replace('m', 'r.m')}, r.m + 1 "
            f"FROM {name} AS r JOIN {table} AS w ON w.a = r.n WHERE r.m < 2)"
        )
        self._ctes.append((name, (Column("n", NUMBER), Column("m", NUMBER))))
        self._aliases += 1
        listed, given = self.named([(f"r{self._aliases}.n", NUMBER), (f"r{self._aliases}.m + 1", NUMBER)])
        return Query(f"SELECT {listed} FROM {name} AS r{self._aliases}", given)

    def unpivoted(self, depth: int) -> Query:
        query = self.windowed(depth - 1)
        ones = query.of(NUMBER)
        if len(ones) < 2 or len({c.name for c in query.columns} & {"name", "value"}):
            return query
        over = ", ".join(f"{column.name}::BIGINT AS {column.name}" for column in ones)
        rest = [column for column in query.columns if column not in ones]
        self._aliases += 1
        inner = ", ".join([*(column.name for column in rest), over])
        listed = ", ".join(column.name for column in ones)
        return Query(
            f"SELECT * FROM (SELECT {inner} FROM ({query.sql}) AS r{self._aliases}) UNPIVOT (value FOR name IN ({listed}))",
            (*rest, Column("name", TEXT), Column("value", NUMBER)),
        )

    # --- expressions --------------------------------------------------------------------------------------

    def expression(self, columns: Sequence[Column], depth: int) -> tuple[str, str]:
        """A value of one row, and its kind."""
        column = self.draw(st.sampled_from(list(columns)))
        if self.maybe():
            return column.name, column.kind
        x = column.name
        if column.kind == NUMBER:
            other = self.draw(st.sampled_from(_of(columns, NUMBER))).name
            made = [
                (f"{x} + 1", NUMBER), (f"coalesce({x}, {other})", NUMBER), (f"{x} > {other}", TRUTH),
                (f"CASE WHEN {x} = 1 THEN {other} WHEN {other} IS NULL THEN 7 END", NUMBER), (f"nullif({x}, {other})", NUMBER),
                (f"greatest({x}, {other}, 1)", NUMBER), (f"if({x} > 1, 'big', NULL)", TEXT), (f"[{x}, {other}]", LIST),
                (f"{{'a': {x}::INTEGER, 'b': 'q'}}", STRUCT), (f"{x} BETWEEN 1 AND 2", TRUTH),
            ]  # fmt: skip
            if depth > 0:
                made += [(self.scalar(x), NUMBER), (self.test(x), TRUTH)]
            return self.draw(st.sampled_from(made))
        if column.kind == TEXT:
            return self.draw(st.sampled_from([
                (f"upper({x})", TEXT), (f"{x} || '!'", TEXT), (f"length({x})", NUMBER), (f"{x} IN ('p', 'q')", TRUTH),
                (f"CASE {x} WHEN 'p' THEN 1 WHEN 'q' THEN 2 ELSE 0 END", NUMBER), (f"coalesce({x}, 'none')", TEXT),
            ]))  # fmt: skip
        if column.kind == TRUTH:
            return self.draw(st.sampled_from([(f"NOT {x}", TRUTH), (f"{x}::INTEGER", NUMBER)]))
        if column.kind == LIST:
            return self.draw(st.sampled_from([
                (f"{x}[1]", NUMBER), (f"len({x})", NUMBER), (f"list_transform({x}, lambda e: e + 1)", LIST),
                (f"[e * 2 FOR e IN {x} IF e > 0]", LIST), (f"list_sum({x})", NUMBER), (f"list_contains({x}, 1)", TRUTH),
            ]))  # fmt: skip
        return self.draw(st.sampled_from([(f"{x}.a", NUMBER), (f"{x}.b", TEXT), (f"{x}['a'] + 1", NUMBER)]))

    def scalar(self, x: str) -> str:
        """A scalar subquery, correlated with a number or not."""
        right, _, others = self.source(0)
        y = self.draw(st.sampled_from(_of(others, NUMBER))).name
        z = self.draw(st.sampled_from(_of(others, NUMBER))).name
        how = self.one("max", "min", "sum", "count")
        where = self.one(f" WHERE {y} = {x}", f" WHERE {y} < {x}", "")
        return f"(SELECT {how}({z}) FROM {right}{where})"

    def test(self, x: str) -> str:
        """A test of a number against another table."""
        right, _, others = self.source(0)
        y = self.draw(st.sampled_from(_of(others, NUMBER))).name
        return self.one(
            f"{x} IN (SELECT {y} FROM {right})",
            f"{x} NOT IN (SELECT {y} FROM {right} WHERE {y} IS NOT NULL)",
            f"EXISTS (SELECT 1 FROM {right} WHERE {y} = {x})",
            f"NOT EXISTS (SELECT 1 FROM {right} WHERE {y} > {x})",
            f"{x} >= ALL (SELECT {y} FROM {right})",
            f"{x} = ANY (SELECT {y} FROM {right})",
        )

    def condition(self, columns: Sequence[Column], depth: int) -> str:
        """Something that is true of some rows."""
        column = self.draw(st.sampled_from(list(columns)))
        x = column.name
        made = {
            NUMBER: [f"{x} > 0", f"{x} IS NULL", f"{x} IN (1, 2)", f"coalesce({x}, 1) = 1"],
            TEXT: [f"{x} = 'p'", f"{x} IS NOT NULL", f"{x} <> 'q' OR {x} IS NULL"],
            TRUTH: [x, f"NOT {x}", f"{x} IS NULL"],
            LIST: [f"len({x}) > 1", f"list_contains({x}, 1)"],
            STRUCT: [f"{x}.a > 0", f"{x} IS NULL"],
        }[column.kind]
        if column.kind == NUMBER and depth > 0:
            made.append(self.test(x))
        found = self.draw(st.sampled_from(made))
        if self.maybe(4):
            return f"({found} {self.one('AND', 'OR')} {self.condition(columns, 0)})"
        return found

    def aggregate(self, columns: Sequence[Column]) -> tuple[str, str]:
        """An aggregate that no order of rows changes, and its kind."""
        column = self.draw(st.sampled_from(list(columns)))
        x, kind = column.name, column.kind
        whole = ", ".join(column.name for column in columns)
        only = f" FILTER ({self.condition(columns, 0)})" if self.maybe(3) else ""
        made = [
            (f"count({x}){only}", NUMBER),
            (f"count(*){only}", NUMBER),
            (f"count(DISTINCT {x}){only}", NUMBER),
        ]
        if kind in (NUMBER, TEXT):
            made += [
                (f"min({x}){only}", kind),
                (f"max({x}){only}", kind),
                (f"first({x} ORDER BY {whole}){only}", kind),
            ]
        if kind == NUMBER:
            made += [(f"sum({x}){only}", NUMBER), (f"list({x}::INTEGER ORDER BY {whole}){only}", LIST)]
            by = ", ".join(column.name for column in columns if column.kind in (NUMBER, TEXT))
            made += [(f"arg_max({x}, ({x}, {by})){only}", NUMBER)]
        return self.draw(st.sampled_from(made))

    def of_kind(self, columns: Sequence[Column], kind: str) -> str:
        """A value of a kind."""
        found = _of(columns, kind)
        if found:
            return self.draw(st.sampled_from(found)).name
        return {
            NUMBER: "1", TEXT: "'p'", TRUTH: "true", LIST: "[1]", STRUCT: "{'a': 1, 'b': 'p'}",
        }[kind]  # fmt: skip

    def _kind(self, name: str, columns: Sequence[Column]) -> str:
        return next(column.kind for column in columns if column.name == name)


def _under(alias: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(Column(f"{alias}.{column.name}", column.kind) for column in columns)


def _of(columns: Sequence[Column], kind: str) -> list[Column]:
    return [column for column in columns if column.kind == kind]


def _bare(column: Column) -> str:
    return column.name.rpartition(".")[2]


def _once(column: Column, columns: Sequence[Column]) -> bool:
    return sum(_bare(column) == _bare(other) for other in columns) == 1
