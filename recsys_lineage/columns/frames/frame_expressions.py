"""Edges of Polars expressions, from the plan that Polars resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from recsys_lineage.columns.edges import NOTHING, Edges, How, aggregated, deciding, transformed, united
from recsys_lineage.errors import ColumnLineageError

OPAQUE = "say what it is made of by frame_asset(columns_from=…), or write the step as Polars expressions"
_CHOOSING = frozenset({"coalesce", "fill_null", "fill_nan"})
_REDUCING = frozenset(
    {
        "arg_max", "arg_min", "corr", "cov", "entropy", "kurtosis", "max_by", "min_by", "null_count", "product",
        "quantile", "skew", "BooleanFunction.All", "BooleanFunction.Any",
    }
)  # fmt: skip
_CHANGING = frozenset(
    {
        "arg_unique", "arg_where", "bottom_k", "bottom_k_by", "drop_nans", "drop_nulls", "explode", "gather_every",
        "hist", "index_of", "mode", "rle", "sample", "top_k", "top_k_by", "unique", "unique_counts", "value_counts",
        "BooleanFunction.Filter",
    }
)  # fmt: skip
"""Functions that give another number of rows."""
_OVER_ROWS = (
    "backward", "cum_", "cut", "diff", "ewm", "Ewm", "forward", "fill_null_with_strategy", "interpolate", "pct_change",
    "peak", "qcut", "rank", "reverse", "rle", "Rolling", "rolling", "search_sorted", "shift", "shuffle", "arg_sort",
    "BooleanFunction.IsUnique", "BooleanFunction.IsDuplicated", "BooleanFunction.IsFirstDistinct",
    "BooleanFunction.IsLastDistinct",
)  # fmt: skip
"""Beginnings of functions that look at other rows than the value's own."""


class Rows(Enum):
    """Number of values of an expression: one for each row, one for all, or another number."""

    EACH = 0
    ONE = 1
    OTHER = 2


@dataclass(frozen=True)
class Made:
    """Value of an expression, with its edges.

    Args:
        edges: what it is made of.
        rows: how many values it gives.
    """

    edges: Edges = NOTHING
    rows: Rows = Rows.EACH


class ExpressionReader:
    """Reads the expressions of one node of a plan.

    Args:
        plan: Polars' traverser, which stands at the node.
        columns: the node's input.
        found: what the expressions are of, for messages.
    """

    def __init__(self, plan: Any, columns: Mapping[str, Edges], found: str) -> None:
        self._plan, self._columns, self._found = plan, columns, found
        self.over_rows = False
        """Whether what was read is made of several rows, or of their number."""

    def read(self, node: int) -> Made:
        """Value of an expression, by its number.

        Raises:
            ColumnLineageError: it calls Python, or is of a kind that is not known.
        """
        try:
            view = self._plan.view_expression(node)
        except NotImplementedError as error:
            raise self.opaque(str(error)) from None
        reader = _READERS.get(type(view).__name__)
        if reader is None:
            raise self.opaque(type(view).__name__)
        return reader(self, view)

    def name(self, node: int) -> str | None:
        """The column that an expression is unchanged; None if it is another expression."""
        try:
            view = self._plan.view_expression(node)
        except NotImplementedError:
            return None
        return view.name if type(view).__name__ == "Column" else None

    def edges(self, nodes: Sequence[int]) -> Edges:
        """The edges of several expressions."""
        return united(self.read(node).edges for node in nodes)

    def opaque(self, step: str) -> ColumnLineageError:
        """An error that names an expression that cannot be looked into."""
        return ColumnLineageError(
            f"An expression of the frame cannot be looked into: {step}.", found=self._found, advice=OPAQUE
        )

    def column(self, name: str) -> Edges:
        """The edges of a column of the input."""
        return self._columns[name]


def _together(parts: Sequence[Made]) -> Rows:
    """How many values a function of values gives, value by value."""
    kinds = {part.rows for part in parts}
    if Rows.OTHER in kinds:
        return Rows.OTHER
    return Rows.EACH if Rows.EACH in kinds or not kinds else Rows.ONE


def _column(reader: ExpressionReader, view: Any) -> Made:
    return Made(reader.column(view.name))


def _constant(reader: ExpressionReader, view: Any) -> Made:
    return Made(NOTHING, Rows.ONE)


def _length(reader: ExpressionReader, view: Any) -> Made:
    reader.over_rows = True
    return Made(NOTHING, Rows.ONE)


def _binary(reader: ExpressionReader, view: Any) -> Made:
    parts = [reader.read(view.left), reader.read(view.right)]
    return Made(transformed(united(part.edges for part in parts)), _together(parts))


def _cast(reader: ExpressionReader, view: Any) -> Made:
    made = reader.read(view.expr)
    return Made(transformed(made.edges), made.rows)


def _ternary(reader: ExpressionReader, view: Any) -> Made:
    condition, *chosen = (reader.read(each) for each in (view.predicate, view.truthy, view.falsy))
    made = transformed(united(part.edges for part in chosen))
    return Made(made | deciding(condition.edges, How.CONDITIONAL), _together([condition, *chosen]))


def _aggregate(reader: ExpressionReader, view: Any) -> Made:
    reader.over_rows = True
    return Made(aggregated(reader.edges(view.arguments)), Rows.ONE)


def _window(reader: ExpressionReader, view: Any) -> Made:
    around = [*view.partition_by, *([] if view.order_by is None else [view.order_by])]
    return Made(aggregated(reader.read(view.function).edges) | deciding(reader.edges(around), How.WINDOW))


def _rolling(reader: ExpressionReader, view: Any) -> Made:
    around = deciding(reader.read(view.index_column).edges, How.WINDOW)
    return Made(aggregated(reader.read(view.function).edges) | around)


def _filter(reader: ExpressionReader, view: Any) -> Made:
    return Made(reader.read(view.input).edges | deciding(reader.read(view.by).edges, How.FILTER), Rows.OTHER)


def _sort_by(reader: ExpressionReader, view: Any) -> Made:
    made = reader.read(view.expr)
    return Made(made.edges | deciding(reader.edges(view.by), How.SORT), made.rows)


def _sort(reader: ExpressionReader, view: Any) -> Made:
    made = reader.read(view.expr)
    return Made(made.edges | deciding(made.edges, How.SORT), made.rows)


def _gather(reader: ExpressionReader, view: Any) -> Made:
    choice = deciding(reader.read(view.idx).edges, How.FILTER)
    return Made(transformed(reader.read(view.expr).edges) | choice, Rows.ONE if view.scalar else Rows.OTHER)


def _slice(reader: ExpressionReader, view: Any) -> Made:
    choice = deciding(reader.edges([view.offset, view.length]), How.FILTER)
    return Made(reader.read(view.input).edges | choice, Rows.OTHER)


def _explode(reader: ExpressionReader, view: Any) -> Made:
    return Made(transformed(reader.read(view.expr).edges), Rows.OTHER)


def _function(reader: ExpressionReader, view: Any) -> Made:
    name = str(view.function_data[0])
    reader.over_rows = reader.over_rows or name in _REDUCING
    parts = [reader.read(each) for each in view.input]
    edges = united(part.edges for part in parts)
    if name in _CHOOSING:
        looked_at = united(part.edges for part in parts[:-1])
        return Made(transformed(edges) | deciding(looked_at, How.CONDITIONAL), _together(parts))
    if name in ("max_by", "min_by", "top_k_by", "bottom_k_by"):
        order = deciding(united(part.edges for part in parts[1:]), How.SORT)
        return Made(aggregated(parts[0].edges) | order, Rows.ONE if name.startswith("m") else Rows.OTHER)
    if name in _REDUCING:
        return Made(aggregated(edges), Rows.ONE)
    if name in _CHANGING:
        return Made(aggregated(edges), Rows.OTHER)
    if name.startswith(_OVER_ROWS):
        return Made(aggregated(edges), _together(parts))
    if name.startswith("RangeFunction"):
        return Made(transformed(edges), Rows.OTHER)
    return Made(transformed(edges), _together(parts))


_READERS: dict[str, Callable[[ExpressionReader, Any], Made]] = {
    "Agg": _aggregate,
    "BinaryExpr": _binary,
    "Cast": _cast,
    "Column": _column,
    "Explode": _explode,
    "Filter": _filter,
    "Function": _function,
    "Gather": _gather,
    "Len": _length,
    "Literal": _constant,
    "Rolling": _rolling,
    "Slice": _slice,
    "Sort": _sort,
    "SortBy": _sort_by,
    "Ternary": _ternary,
    "Window": _window,
}
