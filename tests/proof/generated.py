"""Generated statements: a grammar of DuckDB's SELECT, in which every answer is decided by the values alone.

Where an order decides a value, it is one over all columns, so that only equal rows tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.proof.generated_expressions import Expressions
from tests.proof.generated_tables import KINDS, LIST, NUMBER, SCHEMAS, STRUCT, TEXT, Column, of_kind

_NAMES = ("a", "b", "k", "x", "y", "z", "n", "m")


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
    if draw(st.booleans()) and " ORDER BY ALL" not in sql and not query.sql.startswith("SELECT DISTINCT ON"):
        limit = draw(st.sampled_from(["", " LIMIT 2", " LIMIT 3", " LIMIT 2 OFFSET 1", " OFFSET 1"]))
        sql = f"{sql} ORDER BY ALL{limit}" if not query.sql.startswith("(") else sql
    return sql


class _Maker(Expressions):
    """Makes the parts of one statement."""

    def __init__(self, draw: st.DrawFn) -> None:
        super().__init__(draw)
        self.with_: list[str] = []
        self._ctes: list[tuple[str, tuple[Column, ...]]] = []
        self._aliases = 0

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
            columns = tuple(Column(name, KINDS.get(type_, STRUCT)) for name, type_ in SCHEMAS[table].items())
            return f"{table} AS {alias}", alias, _under(alias, columns)
        query = self.query(depth - 1)
        if self.maybe(3):
            name = f"c{len(self._ctes)}"
            self.with_.append(f"{name} AS ({query.sql})")
            self._ctes.append((name, query.columns))
            return f"{name} AS {alias}", alias, _under(alias, query.columns)
        return f"({query.sql}) AS {alias}", alias, _under(alias, query.columns)

    def joined(self, depth: int) -> tuple[str, tuple[Column, ...]]:
        """A FROM clause of one to three relations, and what can be named in it."""
        source, columns = self._joined(depth)
        if self.maybe(5):
            third, _, others = self.source(0)
            return f"{source}, {third}", (*columns, *others)
        return source, columns

    def _joined(self, depth: int) -> tuple[str, tuple[Column, ...]]:
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
        ones, twos = of_kind(columns, NUMBER), of_kind(others, NUMBER)
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
        if kind in ("SEMI JOIN", "ANTI JOIN"):  # whose right side is seen in the condition alone
            asked = f" AND {self.condition(others, depth)}" if self.maybe(3) else ""
            return f"{left} {kind} {right} ON {on}{asked}", columns
        if self.maybe(3):
            on = f"{on} AND {self.condition(both, 0)}"
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
        if self.maybe(3) and len(set(names)) > 1:
            left_out = self.draw(st.sampled_from(names))
            kept = tuple(Column(_bare(c), c.kind) for c in columns if _bare(c) != left_out)
            return Query(f"SELECT * EXCLUDE ({left_out}) FROM {source}", kept)
        ones = of_kind(columns, NUMBER)
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
        for one in of_kind(columns, NUMBER):
            tied += [
                (f"sum({one.name}) OVER ({part} ORDER BY {by})", NUMBER),
                (f"max({one.name}) FILTER ({by} IS NOT NULL) OVER ({part})", NUMBER),
                (f"count({one.name}) OVER ({part} ORDER BY {by} GROUPS 1 PRECEDING EXCLUDE TIES)", NUMBER),
                (
                    f"last_value({one.name} IGNORE NULLS) OVER ({part} ORDER BY {whole} "
                    "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW)",
                    NUMBER,
                ),
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
        one = self.draw(st.sampled_from([self.plain, self.plain, self.windowed, self.grouped]))(depth - 1)
        source, columns = self.joined(depth - 1)
        how = self.one(
            "UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL", "UNION ALL BY NAME"
        )
        order = self.draw(st.permutations(one.columns)) if how.endswith("NAME") else one.columns
        listed = ", ".join(f"{self.value_of(columns, column.kind)} AS {column.name}" for column in order)
        return Query(f"({one.sql}) {how} (SELECT {listed} FROM {source})", one.columns)

    def limited(self, depth: int) -> Query:
        query = self.plain(depth - 1)
        if query.sql.startswith("("):
            return query
        offset = self.one("", f" OFFSET {self.draw(st.integers(1, 2))}")
        return Query(f"{query.sql} ORDER BY ALL LIMIT {self.draw(st.integers(1, 4))}{offset}", query.columns)

    def unnested(self, depth: int) -> Query:
        source, _, columns = self.source(0)
        lists = of_kind(columns, LIST)
        if not lists:
            return self.grouped(depth)
        shown = self.draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
        listed, given = self.named([(f"unnest({lists[0].name})", NUMBER), *((c.name, c.kind) for c in shown)])
        return Query(f"SELECT {listed} FROM {source}", given)

    def lateral(self, depth: int) -> Query:
        left, _, columns = self.source(depth - 1)
        right, _, others = self.source(0)
        ones, twos = of_kind(columns, NUMBER), of_kind(others, NUMBER)
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
        ones = of_kind(columns, NUMBER)
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
            f"SELECT * FROM (SELECT {inner} FROM ({query.sql}) AS r{self._aliases}) "
            f"UNPIVOT (value FOR name IN ({listed}))",
            (*rest, Column("name", TEXT), Column("value", NUMBER)),
        )

    def _kind(self, name: str, columns: Sequence[Column]) -> str:
        return next(column.kind for column in columns if column.name == name)


def _under(alias: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(Column(f"{alias}.{column.name}", column.kind) for column in columns)


def _bare(column: Column) -> str:
    return column.name.rpartition(".")[2]


def _once(column: Column, columns: Sequence[Column]) -> bool:
    return sum(_bare(column) == _bare(other) for other in columns) == 1
