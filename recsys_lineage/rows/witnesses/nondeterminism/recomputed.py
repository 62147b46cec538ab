"""RecomputedValues: values that may differ when a statement is run again over the same rows.

A sum of doubles depends on the order of its rows, which changes with the plan and the number of threads, and an
aggregate that takes one of several equal rows may take another one. So rows are not identified by such values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.row_facts.identity import identity
from recsys_lineage.rows.statement.syntax import Node
from recsys_lineage.rows.statement.value_literal import StandIn
from recsys_lineage.rows.witnesses.nondeterminism.float_sums import adds_digits, float_sums, has_floats
from recsys_lineage.rows.witnesses.nondeterminism.unsteady import Made, depends_on_order
from recsys_lineage.sql.names import quote

_NEARLY = {"DOUBLE": 1e-9, "FLOAT": 1e-6}
"""Floating point type → the relative difference up to which values count as equal."""
_LEAST = 1e-12
Fit = Callable[[str], str]


class RecomputedValues:
    """Values of a statement's definitions that may differ in another run.

    Args:
        statement: the decomposed statement.
        is_aggregated: whether a query makes one row of many.
    """

    def __init__(self, statement: Statement, is_aggregated: Callable[[Node], bool]) -> None:
        self._is_aggregated = is_aggregated
        self._adds_floats = bool(float_sums(statement, set(statement.definitions))) or any(
            _is_shaped(definition) for definition in statement.definitions.values()
        )
        self._by_order = Made(statement, lambda expression, _: depends_on_order(expression))
        self._of_sums = Made(
            statement, lambda expression, kind: self._adds_floats and adds_digits(expression, kind)
        )

    def fit(self, definition: Definition, place: int, exact: Fit, value: object) -> tuple[Fit | None, bool]:
        """The condition that a column of the result has a value, and whether a row without it may still be the one.

        There is no condition if the keys of the groups identify the row better. A row without the value counts only if
        no row with all other values has it.

        Args:
            definition: the statement's result.
            place: the position of the column.
            exact: the condition that it has exactly that value.
            value: the value as DuckDB returns it to Python.
        """
        keys = identity(definition, self._is_aggregated)
        is_float = not self.is_exact(definition, place)
        is_steady = place in self.steady(definition)
        if len(keys) < len(definition.columns):
            return (exact if place in keys or (is_steady and not is_float) else None), False
        is_likely = place not in self.sure(definition, keys)
        return self.nearly(definition, place, exact, value), is_likely

    def nearly(self, definition: Definition, place: int, exact: Fit, value: object) -> Fit:
        """The condition that a column has a value, up to last digits that may differ."""
        kind = definition.columns[place].type
        number = value.value if isinstance(value, StandIn) else value
        if not self.is_exact(definition, place) and isinstance(number, int | float) and math.isfinite(number):
            written = repr(value.name if isinstance(value, StandIn) else repr(float(number)))
            return partial(_near, written=written, part=_NEARLY[kind])
        return exact

    def sure(self, definition: Definition, places: list[int]) -> list[int]:
        """The columns that depend on the order of rows at most in last digits; all if there are none."""
        if len(places) < len(definition.columns):
            return places
        steady = self.steady(definition)
        return [place for place in places if place in steady] or places

    def steady(self, definition: Definition) -> set[int]:
        """Positions of the columns whose values are the same, or nearly the same, in each run."""
        by_order, of_sums = self._by_order.places(definition), self._of_sums.places(definition)
        return {
            place
            for place, column in enumerate(definition.columns)
            if place not in by_order
            and (column.type in _NEARLY or (place not in of_sums and self.is_exact(definition, place)))
        }

    def is_exact(self, definition: Definition, place: int) -> bool:
        """Whether a column has no number whose last digits may differ."""
        return not self._adds_floats or not has_floats(definition.columns[place].type)

    def in_target(
        self, definition: Definition, target: str, places: list[int] | None = None, *, likely: bool = False
    ) -> str:
        """The condition that a row of a definition, `__q`, is one of a target's, with QUALIFY if needed.

        Args:
            definition: the definition of the row.
            target: the step or table with the rows.
            places: the positions of the identifying columns; those that the query's text determines when None.
            likely: whether the target's rows were computed in another run.
        """
        places = identity(definition, self._is_aggregated) if places is None else places
        sure = self.sure(definition, places) if likely else places

        def among(of: list[int]) -> str:
            same = [self.same(definition, n, f"__q.__o{n}", f"__t.c{n}") for n in of]
            return f"EXISTS (SELECT 1 FROM {quote(target)} AS __t WHERE {' AND '.join(same or ['true'])})"

        if sure == places:
            return among(places)
        of_equal = f"OVER (PARTITION BY {', '.join(f'__q.__o{n}' for n in sure)})"
        return f"{among(sure)} QUALIFY {among(places)} OR bool_or({among(places)}) {of_equal} IS NOT TRUE"

    def same(self, definition: Definition, place: int, one: str, other: str) -> str:
        """SQL that is true where two values of a column are equal, or may be."""
        equal = f"{one} IS NOT DISTINCT FROM {other}"
        if self.is_exact(definition, place) or definition.columns[place].type not in _NEARLY:
            return equal
        part = _NEARLY[definition.columns[place].type]
        near = f"abs({one} - {other}) <= {part!r} * greatest(abs({one}), abs({other})) + {_LEAST!r}"
        return f"({equal} OR {near})"


def _near(expression: str, *, written: str, part: float) -> str:
    value = f"CAST({written} AS DOUBLE)"
    return f"abs({expression} - {value}) <= abs({value}) * {part!r} + {_LEAST!r}"


def _is_shaped(definition: Definition) -> bool:
    """Whether a definition may add numbers in a way that is not visible in its SELECT list."""
    if not any(has_floats(column.type) for column in definition.columns):
        return False
    return definition.recursive or definition.query.get("from_table", {}).get("type") == "PIVOT"
