"""Values that come out otherwise when a statement is run again over the same rows.

A sum of doubles hangs on the order of its rows, which is another one with each plan and each number of threads, and an
aggregate that takes one of several equal rows may take another one. So rows are not looked for by such values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from recsys_lineage.rows.statement.definition import Definition
from recsys_lineage.rows.statement.definitions import Statement
from recsys_lineage.rows.statement.identity import identity
from recsys_lineage.rows.statement.one_row import takes_one_row
from recsys_lineage.rows.statement.syntax import Node, is_expression, parts
from recsys_lineage.rows.witnesses.float_sums import float_sums

_NEARLY = {"DOUBLE": 1e-9, "FLOAT": 1e-6}
"""Kinds of numbers with a floating point, and by what part of them equal ones may differ."""
_LEAST = 1e-12
_BY_ORDER = ("list", "array_agg", "string_agg", "group_concat", "listagg", "mode", "approx_", "reservoir_")
"""Beginnings of the names of aggregates that hang on the order of their rows."""
Fit = Callable[[str], str]


class MadeAgain:
    """What of a statement's definitions may come out otherwise.

    Args:
        statement: taken apart.
        is_aggregated: whether a query makes one row of many.
    """

    def __init__(self, statement: Statement, is_aggregated: Callable[[Node], bool]) -> None:
        self._is_aggregated = is_aggregated
        self._adds_floats = bool(float_sums(statement, set(statement.definitions))) or any(
            _is_shaped(definition) for definition in statement.definitions.values()
        )

    def fit(self, definition: Definition, place: int, exact: Fit, value: object) -> Fit | None:
        """The condition that a column of the result has a value; None where the keys of the groups say it better.

        Args:
            definition: the statement's result.
            place: of the column.
            exact: the condition that it has just that value.
            value: as DuckDB gives it to Python.
        """
        keys = identity(definition, self._is_aggregated)
        kind = definition.columns[place].type
        is_float = not self.is_exact(definition, place)
        if len(keys) < len(definition.columns):
            if place in keys:
                return exact
            expression = definition.query["select_list"][place]
            return None if is_float or _hangs_on_order(expression) else exact
        if is_float and isinstance(value, int | float) and math.isfinite(value):
            return partial(_near, value=float(value), part=_NEARLY[kind])
        return exact

    def is_exact(self, definition: Definition, place: int) -> bool:
        """Whether a column is no number of which the last digits may differ."""
        return not self._adds_floats or definition.columns[place].type not in _NEARLY

    def same(self, definition: Definition, place: int, one: str, other: str) -> str:
        """SQL that is true where two values of a column are equal, or may be."""
        equal = f"{one} IS NOT DISTINCT FROM {other}"
        if self.is_exact(definition, place):
            return equal
        part = _NEARLY[definition.columns[place].type]
        near = f"abs({one} - {other}) <= {part!r} * greatest(abs({one}), abs({other})) + {_LEAST!r}"
        return f"({equal} OR {near})"


def _near(expression: str, *, value: float, part: float) -> str:
    distance = abs(value) * part + _LEAST
    return f"abs({expression} - CAST('{value!r}' AS DOUBLE)) <= CAST('{distance!r}' AS DOUBLE)"


def _hangs_on_order(expression: Node) -> bool:
    for part in parts(expression):
        if is_expression(part, "WINDOW"):
            return True
        if is_expression(part, "FUNCTION"):
            name = part["function_name"].lower()
            if name.startswith(_BY_ORDER) or (takes_one_row(part) and name not in ("min", "max")):
                return True
    return False


def _is_shaped(definition: Definition) -> bool:
    """Whether a definition may add numbers in a way that its SELECT list does not show."""
    if not any(column.type in _NEARLY for column in definition.columns):
        return False
    return definition.recursive or definition.query.get("from_table", {}).get("type") == "PIVOT"
