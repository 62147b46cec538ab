"""Conditions on columns of wanted rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recsys_lineage.rows.statement.catalog import Column

_SCATTERED = ("BIGINT", "HUGEINT", "UBIGINT", "UUID", "TIMESTAMP", "DATE", "INTEGER", "UINTEGER", "VARCHAR")
"""Types whose values identify rows best, the best first."""


@dataclass(frozen=True)
class Condition:
    """Condition on a column of wanted rows.

    Attributes:
        template: SQL, with `\\0` in place of the column's expression.
        refuses_null: whether it is never true for NULL.
        requested: for a condition that allows the values of a column: the table and the column's SQL.
        few: whether it usually allows few values.
        requests: the table of requested values, without rows of which nothing is wanted; empty where there is none.
        answers: the column of that table with values that IN looks for; empty for other conditions.
    """

    template: str
    refuses_null: bool
    requested: tuple[str, str] | None = None
    few: bool = False
    requests: str = ""
    answers: str = ""

    @classmethod
    def one_of(cls, table: str, column: str) -> Condition:
        """Condition that a column has one of the values of a column of a small table; NULL counts as a value."""
        nulls = f"\0 IS NULL AND EXISTS (SELECT 1 FROM {table} WHERE {column} IS NULL)"
        return cls(
            f"(\0 IN (SELECT {column} FROM {table}) OR ({nulls}))", False, (table, column), requests=table
        )

    @classmethod
    def equal_to_one_of(cls, table: str, column: str) -> Condition:
        """Condition that a column equals a value of a column of a small table, so it is not NULL."""
        return cls(f"\0 IN (SELECT {column} FROM {table})", True, (table, column), requests=table)

    @classmethod
    def of_answers(cls, table: str, column: str) -> Condition:
        """Condition on the values among which IN looks for those of a column of a small table.

        IN is NULL where a NULL is among its values or requested, so NULLs stay; where one is requested, every value
        counts, so the condition is not one on values alone.
        """
        answered = f"coalesce(\0 IN (SELECT {column} FROM {table}), true)"
        template = f"({answered} OR EXISTS (SELECT 1 FROM {table} WHERE {column} IS NULL))"
        return cls(template, False, few=True, requests=table, answers=column)

    @property
    def of_equals(self) -> Condition | None:
        """Condition on a column that is equal to one with this condition; None if there is none."""
        if self.refuses_null:
            return self
        return Condition.equal_to_one_of(*self.requested) if self.requested else None

    def of(self, expression: str) -> str:
        """The condition on an expression."""
        return self.template.replace("\0", expression)

    def of_computed(self, expression: str) -> str:
        """The condition on an expression, not true where that cannot be computed, as of rows that are left out."""
        if " IN (SELECT" in self.template:  # DuckDB takes no subquery in TRY
            return self.of(f"TRY({expression})")
        return without_errors(self.of(expression))


def without_errors(condition: str) -> str:
    """A condition on a query's result that is false where the query itself would not compute its columns.

    DuckDB may evaluate it before the query's own WHERE, so that `SELECT x::INTEGER AS n FROM t WHERE x <> 'none'` would
    fail with `n = 1`.
    """
    return f"TRY({condition})"


Conditions = Mapping[int, Condition]
"""Conditions that some columns are known to fulfil, by column position."""


def is_comparable(column: Column) -> bool:
    """Whether values of a column are found by `=` and IS NULL: a UNION with NULL in it is neither NULL nor equal."""
    return not column.type.startswith("UNION(")


def comparable(conditions: Conditions, columns: Sequence[Column]) -> dict[int, Condition]:
    """The conditions on columns whose values can be found by `=` and IS NULL."""
    return {place: each for place, each in conditions.items() if is_comparable(columns[place])}


def best_column(columns: Sequence[Column], places: Iterable[int]) -> int:
    """The best column for finding a table's rows: its line in a file, or the column with the most selective type."""

    def rank(place: int) -> int:
        if columns[place].name.casefold() == "_line":
            return -1
        kind = columns[place].type.split(" ")[0].split("_")[0]
        return _SCATTERED.index(kind) if kind in _SCATTERED else len(_SCATTERED)

    return min(places, key=rank)


Fits = Mapping[int, Callable[[str], str]]
"""Builders of conditions by position in the result: each states that an expression has that column's value."""


def all_of(fits: Fits, columns: str) -> str:
    """Condition that columns, given by name and position, have the values; empty if there are none."""
    return " AND ".join(without_errors(fit(f"{columns}{place}")) for place, fit in fits.items())


def meet(of: dict[str, Conditions], table: str, known: Sequence[Conditions]) -> None:
    """Keep only the conditions on a table's rows that hold for every read of it."""
    for each in known:
        before = of.get(table)
        of[table] = dict(each) if before is None else {n: c for n, c in before.items() if each.get(n) == c}


def plain_conditions(fits: Fits) -> Conditions:
    """The conditions on columns of the result that merely compare with a value."""
    made: dict[int, Condition] = {}
    for position, fit in fits.items():
        template = fit("\0")
        if template.startswith("\0 "):
            made[position] = Condition(template, refuses_null=template != "\0 IS NULL")
    return made
