"""Column lineage of a Polars LazyFrame, derived from its plan."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import polars as pl

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.edges import (
    NOTHING,
    Edge,
    Edges,
    How,
    aggregated,
    deciding,
    of_column,
    public,
    transformed,
    united,
)
from recsys_lineage.columns.frames.frame_expressions import OPAQUE, ExpressionReader, Made, Rows, exploded
from recsys_lineage.columns.frames.frame_source import (
    columns_of_source,
    leaves_of,
    made_by_scan,
    plan_of,
    source_of,
)
from recsys_lineage.columns.frames.frame_step import FrameStep
from recsys_lineage.columns.relation import CONSTANT, Value, list_of, merged
from recsys_lineage.errors import ColumnLineageError

_PLANS = (15, 16)
"""The supported versions of Polars' plans."""
_SAME_ROWS = ("hint_sorted", "rechunk")


def columns_of_frame(
    plan: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame | pl.DataFrame]
) -> dict[str, list[ColumnEdge]]:
    """Column lineage of a LazyFrame: column → the columns of tables that it comes from, with the kind of each edge.

    Polars itself resolves the plan's names and types, without optimizing it, because optimizations depend on the data;
    the steps are then followed one after the other. Nothing is collected.

    Args:
        plan: the LazyFrame.
        tables: table → the frame that the plan was built from. Files that the plan scans by itself are inputs under
            their path (several under the first).

    Returns:
        The sorted edges of each column of the frame, in order; see `ColumnEdge`.

    Raises:
        ColumnLineageError: a step is opaque, such as `map_batches`, or its frame is none of the tables; the error names
            the step.
    """
    traverser = plan_of(plan)
    if traverser.version()[0] not in _PLANS:
        raise ColumnLineageError(
            "The plans of this version of Polars are not supported.",
            expected=f"plans of version {' or '.join(map(str, _PLANS))}",
            found=".".join(map(str, traverser.version())),
            advice=OPAQUE,
        )
    sources: dict[Hashable, list[str]] = {}
    for name, frame in tables.items():
        for leaf in leaves_of(plan_of(frame.lazy())):
            sources.setdefault(source_of(leaf), []).append(name)
    found = _Reader(traverser, sources, tables).frame()
    known: dict[Edge, ColumnEdge] = {}
    return {name: public(value.edges | found.rows, known) for name, value in found.columns.items()}


class _Reader:
    """Reader of a plan's nodes, each at the traverser's current node."""

    def __init__(
        self,
        plan: Any,
        sources: Mapping[Hashable, Sequence[str]],
        tables: Mapping[str, pl.LazyFrame | pl.DataFrame],
    ) -> None:
        self._plan, self._sources, self._tables = plan, sources, tables
        self._last = -1

    def frame(self) -> FrameStep:
        """Output of the node."""
        try:
            node = self._plan.view_current_node()
        except NotImplementedError as error:
            names = ", ".join(self._plan.get_schema())
            raise self._opaque(str(error).split(" GroupBy {")[0], f"the step that gives {names}") from None
        kind = type(node).__name__
        reader = _READERS.get(kind)
        if reader is None:
            raise self._opaque(kind, str(node))
        return reader(self, node)

    def inputs(self) -> list[FrameStep]:
        """Outputs of the node's inputs."""
        here, found = self._plan.get_node(), []
        for each in self._plan.get_inputs():
            self._plan.set_node(each)
            found.append(self.frame())
        self._plan.set_node(here)
        return found

    def input(self) -> FrameStep:
        """Output of the node's only input."""
        (found,) = self.inputs()
        return found

    @property
    def names(self) -> list[str]:
        """The columns of the node's output."""
        return list(self._plan.get_schema())

    def read(self, expression: Any, columns: Mapping[str, Value]) -> tuple[Made, ExpressionReader]:
        """The result of an expression of the node over some columns, and its reader."""
        reader = ExpressionReader(self._plan, columns, f"the column {expression.output_name!r}", self._last)
        made = reader.read(expression.node)
        self._last = max(self._last, expression.node)
        return made, reader

    def edges(self, expressions: Sequence[Any], frame: FrameStep) -> Edges:
        """The edges of expressions over a frame."""
        return united(self.read(each, frame.columns)[0].edges for each in expressions)

    def scan(self, node: Any) -> FrameStep:
        source = source_of(node)
        known = self._sources.get(source, [])
        if len(known) > 1:
            raise ColumnLineageError(
                "A frame of the plan belongs to several tables.",
                expected="a different frame for each table",
                found=", ".join(known),
                advice="give each table a frame of its own",
            )
        name = known[0] if known else columns_of_source(source)
        if name is None:
            raise ColumnLineageError(
                "The plan reads a frame that is none of the tables.",
                expected="one of "
                + (", ".join(name for names in self._sources.values() for name in names) or "none"),
                found=f"a frame of {', '.join(self.names)}",
                advice="build the plan from the frames of the tables",
            )
        made = made_by_scan(node)
        if made and known:
            made -= set(self._tables[name].collect_schema())
        columns = {each: CONSTANT if each in made else Value(of_column(name, each)) for each in self.names}
        if getattr(node, "predicate", None) is None:
            return FrameStep(columns)
        return FrameStep(columns, deciding(self.edges([node.predicate], FrameStep(columns)), How.FILTER))

    def select(self, node: Any) -> FrameStep:
        frame = self.input()
        columns, taken, changed = self._made(node.expr, frame)
        if changed is None:
            return FrameStep(columns)
        rows = frame.rows | deciding(changed, How.FILTER)
        return FrameStep(columns, rows, None if changed else frame.kept(taken))

    def with_columns(self, node: Any) -> FrameStep:
        frame = self.input()
        made, taken, _ = self._made(node.exprs, frame)
        columns = {**frame.columns, **made}
        taken = {name: taken[name] if name in made else name for name in columns}
        return FrameStep({name: columns[name] for name in self.names}, frame.rows, frame.kept(taken))

    def _made(
        self, expressions: Sequence[Any], frame: FrameStep
    ) -> tuple[dict[str, Value], dict[str, str | None], Edges | None]:
        """Columns made from a frame; the source of those taken unchanged; and the edges that decide the number of rows.

        The last is None for a single row, whose values depend on which rows the frame has.
        """
        columns: dict[str, Value] = {}
        taken: dict[str, str | None] = {}
        one_row, changed = True, NOTHING
        for each in expressions:
            made, reader = self.read(each, frame.columns)
            columns[each.output_name] = made.value.with_edges(frame.rows) if reader.over_rows else made.value
            taken[each.output_name] = reader.name(each.node)
            one_row = one_row and made.rows is Rows.ONE
            changed |= reader.number_of(each.node)
        return columns, taken, None if one_row else changed

    def projection(self, node: Any) -> FrameStep:
        frame = self.input()
        columns = {name: frame.columns[name] for name in self.names}
        return FrameStep(columns, frame.rows, frame.kept({name: name for name in columns}))

    def same(self, node: Any) -> FrameStep:
        return self.input()

    def filter(self, node: Any) -> FrameStep:
        frame = self.input()
        return self._decided(frame, self.edges([node.predicate], frame), How.FILTER)

    def sort(self, node: Any) -> FrameStep:
        frame = self.input()
        return self._decided(frame, self.edges(node.by_column, frame), How.SORT)

    def distinct(self, node: Any) -> FrameStep:
        frame = self.input()
        subset = node.options[1] or list(frame.columns)
        keys = united(frame.columns[name].edges for name in subset)
        return FrameStep(frame.columns, frame.rows | deciding(keys, How.GROUP_BY), frozenset(subset))

    def group_by(self, node: Any) -> FrameStep:
        frame = self.input()
        keys = {each.output_name: self.read(each, frame.columns)[0].value for each in node.keys}
        columns = dict(keys)
        grouped = united(key.edges for key in keys.values())
        rows = frame.rows | deciding(grouped, How.GROUP_BY)
        inside = NOTHING
        if (dynamic := node.options.dynamic) is not None:
            index = transformed(frame.columns[dynamic.index_column].edges)
            columns |= dict.fromkeys(
                ("_lower_boundary", "_upper_boundary", dynamic.index_column), Value(index)
            )
            rows |= deciding(index, How.GROUP_BY)
        elif (rolling := node.options.rolling) is not None:
            index = frame.columns[rolling.index_column]
            columns[rolling.index_column] = index
            # the groups come one after the other
            inside = deciding(index.edges | grouped, How.WINDOW)
        for each in node.aggs:
            made, reader = self.read(each, frame.columns)
            value = made.value.through(aggregated).with_edges(inside)
            length = inside | deciding(reader.number_of(each.node), How.FILTER)
            columns[each.output_name] = value if made.rows is Rows.ONE else list_of(value, length=length)
        plain = node.options.dynamic is None and node.options.rolling is None
        return FrameStep(
            {name: columns[name] for name in self.names}, rows, frozenset(keys) if plain else None
        )

    def join(self, node: Any) -> FrameStep:
        left, right = self.inputs()
        how, _, _, suffix, coalesce, _ = node.options
        asof = how[0] == "AsOf"
        method = how if isinstance(how, str) else how[0]
        compared = self.edges(node.left_on, left) | self.edges(node.right_on, right)
        if asof:
            by_left, by_right = how[4] or (), how[5] or ()
            compared |= united(left.columns[name].edges for name in by_left)
            compared |= united(right.columns[name].edges for name in by_right)
        on_left, on_right = ([e.output_name for e in each] for each in (node.left_on, node.right_on))
        if method in ("Semi", "Anti"):
            return FrameStep(left.columns, left.rows | right.rows | deciding(compared, How.FILTER), left.key)
        together = dict(zip(on_left, on_right, strict=True)) if coalesce else {}
        columns, of_right = self._joined(left, right, suffix, together, method)
        if (predicate := getattr(node, "predicate", None)) is not None:
            compared |= self.edges([predicate], FrameStep(columns))
        decided = right.rows | deciding(compared, How.JOIN)
        if asof or (method == "Left" and right.key is not None and right.key <= set(on_right)):
            settled = {
                name: value.with_edges(decided) if name in of_right else value
                for name, value in columns.items()
            }
            return FrameStep(settled, left.rows, left.key)
        return FrameStep(columns, left.rows | decided)

    def _joined(
        self, left: FrameStep, right: FrameStep, suffix: str, together: Mapping[str, str], method: str
    ) -> tuple[dict[str, Value], set[str]]:
        """The columns of a join, and the names of those from the right side."""
        columns: dict[str, Value] = {}
        of_right: set[str] = set()
        for name in self.names:
            if name in left.columns and not (method == "Right" and name in together):
                columns[name] = left.columns[name]
                if method == "Full" and name in together:
                    columns[name] = merged(columns[name], right.columns[together[name]])
                continue
            theirs = name if name in right.columns else name.removesuffix(suffix)
            if theirs not in right.columns:
                raise self._opaque(f"the column {name!r} of a join", "a column of neither side")
            columns[name] = right.columns[theirs]
            of_right.add(name)
        return columns, of_right

    def union(self, node: Any) -> FrameStep:
        frames = self.inputs()
        lists = [list(frame.columns.values()) for frame in frames]
        columns = {name: _one_of(each[place] for each in lists) for place, name in enumerate(self.names)}
        return FrameStep(columns, united(frame.rows for frame in frames))

    def side_by_side(self, node: Any) -> FrameStep:
        frames = self.inputs()
        columns = {name: value for frame in frames for name, value in frame.columns.items()}
        return FrameStep(columns, united(frame.rows for frame in frames))

    def merged(self, node: Any) -> FrameStep:
        both = self.union(node)
        keys = [node.key] if isinstance(node.key, str) else list(node.key)
        return self._decided(both, united(both.columns[name].edges for name in keys), How.SORT)

    def function(self, node: Any) -> FrameStep:
        frame = self.input()
        name, *given = node.function
        columns = dict(frame.columns)
        if name in _SAME_ROWS:
            return frame
        if name == "row_index":
            columns = {given[0]: CONSTANT, **columns}
            return FrameStep(columns, frame.rows, frame.key)
        if name == "explode":
            lists = united(columns[each].shape for each in given[0])
            columns |= {each: exploded(columns[each]) for each in given[0]}
            return FrameStep(columns, frame.rows | deciding(lists, How.JOIN))
        if name == "unnest":
            return self._unnested(frame, given[0])
        if name == "unpivot":
            index, on, variable, value = given
            listed = on if on else [each for each in columns if each not in (index or ())]
            made = {variable: CONSTANT, value: _one_of(columns[each] for each in listed)}
            return FrameStep(
                {each: made.get(each, columns.get(each, CONSTANT)) for each in self.names}, frame.rows
            )
        raise self._opaque(str(name), f"the step that gives {', '.join(self.names)}")

    def _unnested(self, frame: FrameStep, structs: Sequence[str]) -> FrameStep:
        """The node's input with the fields of some structs in their place.

        Raises:
            ColumnLineageError: a field has the name of another column; Polars says so only when it runs the plan.
        """
        here = self._plan.get_node()
        self._plan.set_node(self._plan.get_inputs()[0])
        schema = self._plan.get_schema()
        self._plan.set_node(here)
        parts: list[tuple[str, Value]] = []
        for name, type_ in schema.items():
            value = frame.columns[name]
            if name not in structs:
                parts.append((name, value))
                continue
            inside = value.fields or {}
            whole = Value(transformed(value.edges))
            parts += [(field.name, inside.get(field.name, whole)) for field in type_.fields]
        names = [name for name, _ in parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ColumnLineageError(
                f"The frame has columns twice: {', '.join(twice)}.",
                found=f"unnest of {', '.join(structs)}",
                advice="rename the fields, or the columns beside them",
            )
        return FrameStep(dict(zip(self.names, (value for _, value in parts), strict=True)), frame.rows)

    def _decided(self, frame: FrameStep, edges: Edges, how: How) -> FrameStep:
        return FrameStep(frame.columns, frame.rows | deciding(edges, how), frame.key)

    def _opaque(self, step: str, found: str) -> ColumnLineageError:
        return ColumnLineageError(f"A step of the frame is opaque: {step}.", found=found, advice=OPAQUE)


def _one_of(values: Iterable[Value]) -> Value:
    """A value that is one of several."""
    return reduce(merged, values)


_READERS: dict[str, Callable[[_Reader, Any], FrameStep]] = {
    "Cache": _Reader.same,
    "DataFrameScan": _Reader.scan,
    "Distinct": _Reader.distinct,
    "Filter": _Reader.filter,
    "GroupBy": _Reader.group_by,
    "HConcat": _Reader.side_by_side,
    "HStack": _Reader.with_columns,
    "Join": _Reader.join,
    "MapFunction": _Reader.function,
    "MergeSorted": _Reader.merged,
    "PythonScan": _Reader.scan,
    "Scan": _Reader.scan,
    "Select": _Reader.select,
    "SimpleProjection": _Reader.projection,
    "Slice": _Reader.same,
    "Sort": _Reader.sort,
    "Union": _Reader.union,
}
