"""Polars plans put together by chance of some forty steps, and tables to run them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import polars.selectors as cs
from hypothesis import strategies as st

col = pl.col
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "t": {"id": pl.Int64, "g": pl.String, "a": pl.Int64, "b": pl.Int64, "l": pl.List(pl.Int64)},
    "u": {"id": pl.Int64, "g": pl.String, "x": pl.Int64},
}
_NUMBER, _TEXT = st.none() | st.integers(0, 4), st.none() | st.sampled_from(["x", "y", "z"])
_VALUES = {pl.Int64: _NUMBER, pl.String: _TEXT}


class Choices:
    """What a step chooses: numbers that were drawn, taken one after the other."""

    def __init__(self, numbers: Sequence[int], frame: pl.LazyFrame, place: int) -> None:
        self._numbers, self._schema, self._place = list(numbers), frame.collect_schema(), place

    def one_of(self, values: Sequence[Any]) -> Any:
        number = self._numbers.pop(0)
        self._numbers.append(number)
        return values[number % len(values)]

    @property
    def name(self) -> str:
        """A name that no column has."""
        return f"n{self._place}"

    @property
    def any(self) -> str:
        return self.one_of(self._schema.names())

    @property
    def number(self) -> str:
        """A column of numbers; where there is none, that is no plan."""
        return self.one_of([name for name, type_ in self._schema.items() if type_.is_integer()])

    @property
    def plain(self) -> str:
        return self.one_of([name for name, type_ in self._schema.items() if not type_.is_nested()])

    @property
    def text(self) -> str:
        return self.one_of([name for name, type_ in self._schema.items() if type_ == pl.String])

    @property
    def list(self) -> str:
        return self.one_of([name for name, type_ in self._schema.items() if type_ == pl.List(pl.Int64)])


Step = Callable[[pl.LazyFrame, pl.LazyFrame, Choices], pl.LazyFrame]


def _joined(how: Any) -> Step:
    return lambda f, o, k: f.join(
        o.select(pl.all().name.prefix(k.name)),
        left_on=k.number, right_on=f"{k.name}id", how=how, maintain_order="left_right",
    )  # fmt: skip


def _made(expression: Callable[[Choices], pl.Expr]) -> Step:
    return lambda f, o, k: f.with_columns(expression(k).alias(k.name))


def _over(k: Choices) -> pl.Expr:
    function = k.one_of(["sum", "max", "first", "count", "cum_sum", "rank"])
    return getattr(col(k.number), function)().over(
        k.plain, order_by=k.one_of([None, k.plain, [k.plain, k.plain]])
    )


def _top(f: pl.LazyFrame, o: pl.LazyFrame, k: Choices) -> pl.LazyFrame:
    """Of equal rows Polars takes any, another one in another run, so there are none."""
    keys = [k.number, k.plain]
    return f.unique(keys, keep="first", maintain_order=True).top_k(3, by=keys)


def _grouped(f: pl.LazyFrame, o: pl.LazyFrame, k: Choices) -> pl.LazyFrame:
    return f.group_by(key=k.plain, maintain_order=True).agg(
        total=col(k.number).sum(),
        some=col(k.number).filter(col(k.number) > 1).len(),
        best=col(k.plain).sort_by(k.number).last(),
        n=pl.len(),
        l=col(k.number),
        s=pl.struct(v=k.plain, w=k.number).first(),
    )


STEPS: Mapping[str, Step] = {
    "filter": lambda f, o, k: f.filter(col(k.number) > k.one_of([0, 1, 2])),
    "filter by a group": lambda f, o, k: f.filter(col(k.number) == col(k.number).max().over(k.plain)),
    "filter by the row before": lambda f, o, k: f.filter(col(k.number) >= col(k.number).shift(1)),
    "sort": lambda f, o, k: f.sort(k.plain, k.plain, maintain_order=True, nulls_last=True),
    "head": lambda f, o, k: f.head(k.one_of([2, 4])),
    "slice": lambda f, o, k: f.slice(1, 3),
    "top": _top,
    "unique": lambda f, o, k: f.unique(k.plain, keep=k.one_of(["first", "last", "none"]), maintain_order=True),
    "select": lambda f, o, k: f.select(pl.col(k.any).alias("id"), pl.col(k.number).alias("a")),
    "select numbers": lambda f, o, k: f.select(cs.integer() * 2),
    "one row": lambda f, o, k: f.select(id=col(k.number).sum(), a=col(k.plain).n_unique(), n=pl.len()),
    "without nulls": lambda f, o, k: f.drop_nulls(k.any),
    "numbered": lambda f, o, k: f.with_row_index(k.name).with_columns(col(k.name).cast(pl.Int64)),
    "sum": _made(lambda k: col(k.number) + col(k.number)),
    "when": _made(lambda k: pl.when(col(k.number) > 1).then(k.number).otherwise(k.number)),
    "known": _made(lambda k: pl.coalesce(k.number, k.number)),
    "filled": _made(lambda k: col(k.number).fill_null(strategy=k.one_of(["forward", "mean", "zero"]))),
    "moved": _made(lambda k: col(k.number).shift(1) - col(k.number).diff()),
    "ranked": _made(lambda k: col(k.number).rank(k.one_of(["dense", "ordinal", "min"])).cast(pl.Int64)),
    "rolled": _made(lambda k: col(k.number).rolling_sum(2, min_samples=1)),
    "counted up": _made(lambda k: col(k.number).cum_sum()),
    "over": _made(_over),
    "among": _made(lambda k: col(k.number).is_in(col(k.number).implode()).cast(pl.Int64)),
    "replaced": _made(lambda k: col(k.number).replace_strict({0: 7, 1: 8}, default=col(k.number))),
    "spoken": _made(lambda k: pl.format("{}-{}", k.plain, k.plain)),
    "struct": _made(lambda k: pl.struct(p=k.plain, q=k.number).struct.field(k.one_of(["p", "q"]))),
    "structs": lambda f, o, k: f.with_columns(
        pl.struct(k.number, col(k.any).alias("other")).name.prefix_fields(k.name).alias(k.name)
    ).unnest(k.name),
    "changed struct": lambda f, o, k: f.with_columns(
        pl.struct(p=k.number, q=k.number).struct.with_fields(q=pl.field("p") + 1, r=k.number).alias(k.name)
    ).unnest(k.name, separator="_"),
    "list": _made(lambda k: pl.concat_list(k.number, k.number)),
    "list changed": _made(lambda k: col(k.list).list.eval(pl.element() + 1)),
    "list length": _made(lambda k: col(k.list).list.len().cast(pl.Int64)),
    "exploded": lambda f, o, k: f.explode(k.list),
    "grouped": _grouped,
    "groups at a time": lambda f, o, k: f.group_by(k.plain, maintain_order=True).agg(
        pl.struct(v=k.plain, w=k.number).alias("s")
    ).explode("s").unnest("s"),
    "unpivoted": lambda f, o, k: f.unpivot(
        on=[k.number], index=[k.plain], variable_name=f"{k.name}k", value_name=k.name
    ),
    "pivoted": lambda f, o, k: f.pivot(
        on=k.text, on_columns=["x", "y"], index=k.plain, values=k.number, aggregate_function="sum",
        maintain_order=True,
    ),
    "left": _joined("left"),
    "inner": _joined("inner"),
    "full": _joined("full"),
    "right": _joined("right"),
    "semi": _joined("semi"),
    "anti": _joined("anti"),
    "looked up": lambda f, o, k: f.join(
        o.group_by("id", maintain_order=True).agg(col("x").sum().alias(k.name)),
        left_on=k.number, right_on="id", how="left", maintain_order="left",
    ),
    "as of": lambda f, o, k: f.drop_nulls(number := k.number).sort(number, maintain_order=True).join_asof(
        o.drop_nulls("id").sort("id", maintain_order=True).select(pl.all().name.prefix(k.name)),
        left_on=number, right_on=f"{k.name}id", strategy=k.one_of(["backward", "forward"]),
    ),
    "beside": lambda f, o, k: pl.concat(
        [f, o.select(pl.all().name.prefix(k.name))], how="horizontal_extend"
    ),
    "below": lambda f, o, k: pl.concat([f.select(id=k.number, a=k.plain), o.select("id", a=k.one_of(["g", "x"]))],
                                       how="vertical_relaxed"),
    "diagonal": lambda f, o, k: pl.concat([f, o.select(col("x").alias(k.number))], how="diagonal"),
    "by SQL": lambda f, o, k: f.sql(
        f'SELECT "{k.plain}" AS id, SUM("{k.number}") AS a FROM self GROUP BY 1 HAVING COUNT(*) > 1 ORDER BY 2, 1'
    ),
}  # fmt: skip
plans = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.lists(st.integers(0, 30), min_size=7, max_size=7)),
    min_size=1,
    max_size=5,
)


def frame_of(plan: Sequence[tuple[str, Sequence[int]]], tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """What a plan makes of the tables.

    Raises:
        PolarsError, ZeroDivisionError: its steps do not fit together.
    """
    frame = tables["t"]
    for place, (step, numbers) in enumerate(plan):
        frame = STEPS[step](frame, tables["u"], Choices(numbers, frame, place))
    return frame


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """A few rows of each table, with keys that repeat and join."""
    made: dict[str, pl.DataFrame] = {}
    for table, columns in SCHEMAS.items():
        rows = draw(st.integers(4, 8))
        values = {name: draw(values_of(type_, rows)) for name, type_ in columns.items()}
        made[table] = pl.DataFrame(values, schema=dict(columns))
    return made


def values_of(type_: Any, rows: int) -> st.SearchStrategy[list[Any]]:
    """Values of a column."""
    value = _VALUES[type_] if type_ in _VALUES else st.lists(st.integers(0, 3), max_size=3)
    return st.lists(value, min_size=rows, max_size=rows)
