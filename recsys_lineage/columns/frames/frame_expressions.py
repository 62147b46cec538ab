"""Edges of Polars expressions, from the plan that Polars resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Any

import polars as pl

from recsys_lineage.columns.edges import NOTHING, Edges, How, aggregated, deciding, transformed, united
from recsys_lineage.columns.relation import CONSTANT, Value, chosen_of, list_of, merged, struct_of
from recsys_lineage.errors import ColumnLineageError

OPAQUE = "declare its origins with frame_asset(columns_from=…), or write the step as Polars expressions"
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
"""Functions that change the number of rows."""
_COUNTED = frozenset({"gather_every"})
"""Those of them whose number of rows depends only on the number before, not on the values."""
_OVER_ROWS = (
    "backward", "cum_", "cut", "diff", "ewm", "Ewm", "forward", "fill_null_with_strategy", "interpolate", "pct_change",
    "peak", "qcut", "rank", "reverse", "rle", "Rolling", "rolling", "search_sorted", "shift", "shuffle", "arg_sort",
    "BooleanFunction.IsUnique", "BooleanFunction.IsDuplicated", "BooleanFunction.IsFirstDistinct",
    "BooleanFunction.IsLastDistinct",
)  # fmt: skip
"""Name prefixes of functions that use other rows than the value's own."""


class Rows(Enum):
    """Number of values of an expression: one for each row, one for all, or another number."""

    EACH = 0
    ONE = 1
    OTHER = 2


_KEEPING = frozenset({"first", "implode", "item", "last"})
"""Aggregates that return values unchanged."""
_MOVING = frozenset({"gather_every", "reverse", "shift", "shuffle"})
"""Functions that only move values to other rows."""
_NAMING = ("RenameFields", "PrefixFields", "SuffixFields", "MapFieldNames", "DropFields")
_UNSEEN = {
    "approx_quantile_estimate": Rows.ONE, "binary expr": Rows.EACH, "business": Rows.EACH, "element": Rows.EACH,
    "field": Rows.EACH, "is_in": Rows.EACH, "list.eval": Rows.EACH, "reshape": Rows.OTHER, "row_encode": Rows.EACH,
}  # fmt: skip
"""Operations whose parts Polars does not show → the number of values that each returns."""
_OF_OTHER_ROWS = frozenset({"is_in"})
"""Those of them that may compare with the values of other rows."""


def _kind_of(error: NotImplementedError) -> str:
    """The operation that Polars does not show: `is_in` of `is_in[needle: u32]`, among numbers of another type."""
    return str(error).partition("[")[0]


@dataclass(frozen=True)
class Made:
    """Value of an expression, with its edges.

    Args:
        value: the value with its edges.
        rows: the number of values.
    """

    value: Value = CONSTANT
    rows: Rows = Rows.EACH

    @property
    def edges(self) -> Edges:
        """The edges of the whole value."""
        return self.value.edges

    @classmethod
    def of(cls, edges: Edges, rows: Rows = Rows.EACH) -> Made:
        """A value whose parts are not known separately."""
        return cls(Value(edges), rows)


class ExpressionReader:
    """Reader of the expressions of one node of a plan.

    Args:
        plan: Polars' traverser, positioned at the node.
        columns: the columns of the node's input.
        found: the step of the expressions, for messages.
        after: the greatest id of an expression that Polars resolved before these.
    """

    def __init__(self, plan: Any, columns: Mapping[str, Value], found: str, after: int = -1) -> None:
        self._plan, self._columns, self._found, self._after = plan, columns, found, after
        self.over_rows = False
        """True if an expression that was read uses several rows, or their number."""
        self.struct = NOTHING
        """The edges of the struct whose fields are being replaced."""

    def read(self, node: int) -> Made:
        """Value of an expression, by its id.

        Raises:
            ColumnLineageError: it calls Python, or its kind is unknown.
        """
        try:
            view = self._plan.view_expression(node)
        except NotImplementedError as error:
            if (kind := _kind_of(error)) == "field":  # it is not shown which
                return Made.of(transformed(self.struct))
            if kind not in _UNSEEN:
                raise self.opaque(str(error)) from None
            return self._unseen(node, kind)
        reader = _READERS.get(type(view).__name__)
        if reader is None:
            raise self.opaque(type(view).__name__)
        return reader(self, view, node)

    def name(self, node: int) -> str | None:
        """The column that an expression passes on unchanged; None for another expression."""
        try:
            view = self._plan.view_expression(node)
        except NotImplementedError:
            return None
        return view.name if type(view).__name__ == "Column" else None

    def fields(self, node: int) -> list[str]:
        """The names of the fields of an expression's values; empty where they are no structs, or unknown."""
        here, inputs = self._plan.get_node(), self._plan.get_inputs()
        try:
            if inputs:
                self._plan.set_node(inputs[0])
            type_ = self._plan.get_dtype(node)
        except pl.exceptions.PolarsError:
            return []
        finally:
            self._plan.set_node(here)
        return [field.name for field in type_.fields] if isinstance(type_, pl.Struct) else []

    def _unseen(self, node: int, kind: str) -> Made:
        """Value of an expression with hidden parts, which may be any expressions resolved since `after`.

        Polars resolves the parts of an expression one after the other, and then the expression itself.
        """
        found: list[Edges] = []
        for part in range(self._after + 1 if self._after < node else 0, node):
            try:
                view = self._plan.view_expression(part)
            except NotImplementedError as error:
                if _kind_of(error) not in _UNSEEN:
                    raise self.opaque(str(error)) from None
                continue
            if type(view).__name__ == "Column" and view.name in self._columns:
                found.append(self._columns[view.name].edges)
        rows = _UNSEEN[kind]
        self.over_rows = self.over_rows or rows is not Rows.EACH or kind in _OF_OTHER_ROWS
        return Made.of((transformed if rows is Rows.EACH else aggregated)(united(found)), rows)

    def edges(self, nodes: Sequence[int]) -> Edges:
        """The edges of several expressions."""
        return united(self.read(node).edges for node in nodes)

    def number_of(self, node: int) -> Edges:
        """Edges that decide the number of values of an expression."""
        made = self.read(node)
        if made.rows is not Rows.OTHER:
            return NOTHING
        try:
            view = self._plan.view_expression(node)
        except NotImplementedError:
            return made.edges
        kind = type(view).__name__
        if kind == "Filter":
            return self.number_of(view.input) | deciding(self.read(view.by).edges, How.FILTER)
        if kind == "Gather":
            return self.number_of(view.idx)
        if kind == "Slice":
            return self.number_of(view.input) | self.edges([view.offset, view.length])
        if kind == "Function" and isinstance(view.function_data, tuple) and view.function_data[0] in _COUNTED:
            first, *others = view.input
            return self.number_of(first) | self.edges(others)
        return made.edges

    def opaque(self, step: str) -> ColumnLineageError:
        """An error that names an opaque expression."""
        return ColumnLineageError(
            f"An expression of the frame is opaque: {step}.", found=self._found, advice=OPAQUE
        )

    def column(self, name: str) -> Value:
        """The value of a column of the input."""
        return self._columns[name]


def _together(parts: Sequence[Made]) -> Rows:
    """The number of values of an elementwise function of some parts."""
    kinds = {part.rows for part in parts}
    if Rows.OTHER in kinds:
        return Rows.OTHER
    return Rows.EACH if Rows.EACH in kinds or not kinds else Rows.ONE


def _column(reader: ExpressionReader, view: Any, node: int) -> Made:
    return Made(reader.column(view.name))


def _constant(reader: ExpressionReader, view: Any, node: int) -> Made:
    return Made(CONSTANT, Rows.ONE)


def _length(reader: ExpressionReader, view: Any, node: int) -> Made:
    reader.over_rows = True
    return Made(CONSTANT, Rows.ONE)


def _binary(reader: ExpressionReader, view: Any, node: int) -> Made:
    parts = [reader.read(view.left), reader.read(view.right)]
    return Made.of(transformed(united(part.edges for part in parts)), _together(parts))


def _cast(reader: ExpressionReader, view: Any, node: int) -> Made:
    made = reader.read(view.expr)
    fields, names = made.value.fields, reader.fields(node)
    if fields and set(names) == set(fields):
        return Made(struct_of((name, fields[name]) for name in names), made.rows)
    return Made.of(transformed(made.edges), made.rows)


def _ternary(reader: ExpressionReader, view: Any, node: int) -> Made:
    condition, *chosen = (reader.read(each) for each in (view.predicate, view.truthy, view.falsy))
    value = chosen_of((part.value for part in chosen), deciding(condition.edges, How.CONDITIONAL))
    return Made(value, _together([condition, *chosen]))


def _aggregate(reader: ExpressionReader, view: Any, node: int) -> Made:
    reader.over_rows = True
    if view.name == "count" and view.options:  # of NULL too
        return Made.of(aggregated(reader.number_of(view.arguments[0])), Rows.ONE)
    if view.name not in _KEEPING:
        return Made.of(aggregated(reader.edges(view.arguments)), Rows.ONE)
    parts = [reader.read(each) for each in view.arguments]
    value = united_values(parts).through(aggregated)
    if view.name == "implode":
        number = united(reader.number_of(each) for each in view.arguments)
        value = list_of(value, length=deciding(number, How.FILTER))
    return Made(value, Rows.ONE)


def _window(reader: ExpressionReader, view: Any, node: int) -> Made:
    around = [*view.partition_by, *([] if view.order_by is None else [view.order_by])]
    return Made(
        reader.read(view.function)
        .value.through(aggregated)
        .with_edges(deciding(reader.edges(around), How.WINDOW))
    )


def _rolling(reader: ExpressionReader, view: Any, node: int) -> Made:
    around = deciding(reader.read(view.index_column).edges, How.WINDOW)
    return Made(reader.read(view.function).value.through(aggregated).with_edges(around))


def _filter(reader: ExpressionReader, view: Any, node: int) -> Made:
    value = reader.read(view.input).value
    return Made(value.with_edges(deciding(reader.read(view.by).edges, How.FILTER)), Rows.OTHER)


def _sort_by(reader: ExpressionReader, view: Any, node: int) -> Made:
    made = reader.read(view.expr)
    return Made(made.value.with_edges(deciding(reader.edges(view.by), How.SORT)), made.rows)


def _sort(reader: ExpressionReader, view: Any, node: int) -> Made:
    made = reader.read(view.expr)
    return Made(made.value.with_edges(deciding(made.edges, How.SORT)), made.rows)


def _gather(reader: ExpressionReader, view: Any, node: int) -> Made:
    choice = deciding(reader.read(view.idx).edges, How.FILTER)
    value = reader.read(view.expr).value.through(transformed).with_edges(choice)
    return Made(value, Rows.ONE if view.scalar else Rows.OTHER)


def _slice(reader: ExpressionReader, view: Any, node: int) -> Made:
    choice = deciding(reader.edges([view.offset, view.length]), How.FILTER)
    return Made(reader.read(view.input).value.with_edges(choice), Rows.OTHER)


def exploded(value: Value) -> Value:
    """The elements of a list, one per row."""
    return Value(transformed(value.edges)) if value.element is None else value.element.through(transformed)


def united_values(parts: Sequence[Made]) -> Value:
    """The value of a single part; for several parts, a value made from all of them without known fields."""
    return parts[0].value if len(parts) == 1 else Value(united(part.edges for part in parts))


def _explode(reader: ExpressionReader, view: Any, node: int) -> Made:
    return Made(exploded(reader.read(view.expr).value), Rows.OTHER)


def _fields_made(reader: ExpressionReader, view: Any, node: int) -> Made:
    """Replaced fields of a struct; which fields they are computed from is not shown."""
    struct, outer = reader.read(view.expr), reader.struct
    reader.struct = struct.edges
    made = {each.output_name: reader.read(each.node) for each in view.evaluation}
    reader.struct = outer
    fields = {name: part.value for name, part in made.items()}
    if view.variant == "with_fields":
        known = struct.value.fields or {}
        fields = {
            name: fields.get(name) or known.get(name) or Value(transformed(struct.edges))
            for name in reader.fields(node)
        } or {"": Value(united([struct.edges, *(part.edges for part in made.values())]))}
    return Made(struct_of(fields.items()), _together([struct, *made.values()]))


def _structural(
    reader: ExpressionReader, name: str, data: Sequence[Any], node: int, parts: list[Made]
) -> Value | None:
    """Value of a function that builds or splits nested values; None for another function."""
    first = parts[0].value if parts else CONSTANT
    if name == "as_struct" and len(names := reader.fields(node)) == len(parts):
        return struct_of(zip(names, (part.value for part in parts), strict=True))
    if name == "StructFunction.FieldByName" and first.fields:
        return first.fields.get(data[0])
    if name.removeprefix("StructFunction.") in _NAMING and first.fields:
        dropped = data[0] if name.endswith("DropFields") else ()
        kept = [value for field, value in first.fields.items() if field not in dropped]
        if len(names := reader.fields(node)) == len(kept):
            return struct_of(zip(names, kept, strict=True))
    if name == "ListFunction.Concat" and all(part.value.fields for part in parts):
        return list_of(reduce(merged, (part.value for part in parts)))
    if name in ("ListFunction.Get", "ArrayFunction.Get") and first.element:
        return exploded(first).with_edges(deciding(parts[1].edges, How.FILTER))
    return None


def _function(reader: ExpressionReader, view: Any, node: int) -> Made:
    data = view.function_data
    name, *given = data if isinstance(data, tuple) else (f"{type(data).__name__}.{data}",)
    name = str(name)
    reader.over_rows = reader.over_rows or name in _REDUCING
    parts = [reader.read(each) for each in view.input]
    edges = united(part.edges for part in parts)
    if (value := _structural(reader, name, given, node, parts)) is not None:
        return Made(value, _together(parts))
    if name in _CHOOSING:
        looked_at = united(part.edges for part in parts[:-1])
        return Made(
            chosen_of((part.value for part in parts), deciding(looked_at, How.CONDITIONAL)), _together(parts)
        )
    if name in ("max_by", "min_by", "top_k_by", "bottom_k_by"):
        order = deciding(united(part.edges for part in parts[1:]), How.SORT)
        value = parts[0].value.through(aggregated).with_edges(order)
        return Made(value, Rows.ONE if name.startswith("m") else Rows.OTHER)
    if name in _REDUCING:
        return Made.of(aggregated(edges), Rows.ONE)
    if name in _MOVING:
        value = (
            parts[0]
            .value.through(aggregated)
            .with_edges(aggregated(united(part.edges for part in parts[1:])))
        )
        return Made(value, Rows.OTHER if name in _CHANGING else _together(parts))
    if name in _CHANGING:
        return Made.of(aggregated(edges), Rows.OTHER)
    if name.startswith(_OVER_ROWS):
        return Made.of(aggregated(edges), _together(parts))
    if name.startswith("RangeFunction"):
        return Made.of(transformed(edges), Rows.OTHER)
    return Made.of(transformed(edges), _together(parts))


_READERS: dict[str, Callable[[ExpressionReader, Any, int], Made]] = {
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
    "StructEval": _fields_made,
    "Ternary": _ternary,
    "Window": _window,
}
