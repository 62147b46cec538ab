"""Generated expressions: values of one row, tests of it, and aggregates that no order of rows changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.proof.generated_tables import LIST, NUMBER, STRUCT, TEXT, TRUTH, Column, of_kind


class Expressions(ABC):
    """Makes the expressions of one statement from what is drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    @abstractmethod
    def joined(self, depth: int) -> tuple[str, tuple[Column, ...]]:
        """A FROM clause of some relations, and what can be named in it."""

    @abstractmethod
    def source(self, depth: int) -> tuple[str, str, tuple[Column, ...]]:
        """A relation for a FROM clause, its alias, and its columns as written with the alias."""

    def one(self, *choices: str) -> str:
        """One of some texts."""
        return self.draw(st.sampled_from(choices))

    def maybe(self, odds: int = 2) -> bool:
        """True once in `odds` times."""
        return self.draw(st.integers(1, odds)) == 1

    def expression(self, columns: Sequence[Column], depth: int) -> tuple[str, str]:
        """A value of one row, and its kind."""
        column = self.draw(st.sampled_from(list(columns)))
        if self.maybe():
            return column.name, column.kind
        x = column.name
        if column.kind == NUMBER:
            other = self.draw(st.sampled_from(of_kind(columns, NUMBER))).name
            made = [
                (f"{x} + 1", NUMBER), (f"coalesce({x}, {other})", NUMBER), (f"{x} > {other}", TRUTH),
                (f"CASE WHEN {x} = 1 THEN {other} WHEN {other} IS NULL THEN 7 END", NUMBER),
                (f"nullif({x}, {other})", NUMBER),
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
        right, others = self.joined(0)
        y = self.value_of(others, NUMBER)
        z = self.value_of(others, NUMBER)
        how = self.one("max", "min", "sum", "count")
        where = self.one(f" WHERE {y} = {x}", f" WHERE {y} < {x}", "")
        return f"(SELECT {how}({z}) FROM {right}{where})"

    def test(self, x: str) -> str:
        """A test of a number against other tables."""
        right, others = self.joined(0)
        y = self.value_of(others, NUMBER)
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
        if depth > -3 and self.maybe(4):
            return f"({found} {self.one('AND', 'OR')} {self.condition(columns, min(depth, 0) - 1)})"
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

    def value_of(self, columns: Sequence[Column], kind: str) -> str:
        """A value of a kind."""
        found = of_kind(columns, kind)
        if found:
            return self.draw(st.sampled_from(found)).name
        return {
            NUMBER: "1", TEXT: "'p'", TRUTH: "true", LIST: "[1]", STRUCT: "{'a': 1, 'b': 'p'}",
        }[kind]  # fmt: skip
