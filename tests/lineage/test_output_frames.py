"""What a function returns is stored as it is or refused in words: no column is renamed, lost or turned into text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.sql.sql_text import SqlText


def returned(data: Any) -> Any:
    return data


def in_output(data: Any) -> Output:
    return Output(data)


def as_block(data: Any) -> Output:
    return Output(iter([data]))


WAYS = [returned, in_output, as_block]


def stored(data: Any, way: Callable[[Any], Any], folder: Path) -> pa.Table:
    lake = Lake(str(folder / "lake"))

    class Held:
        value = data

    def made() -> Any:
        return way(Held.value)

    made.__name__ = made.__qualname__ = "made"
    version = materialize(frame_code(made), lake).version
    assert version is not None
    return lake.arrow(version)


NO_FRAMES = {
    "None": None,
    "text": "SELECT 1 AS a",
    "number": 5,
    "list of dicts": [{"a": 1}],
    "dict": {"a": 1},
    "tuple": (pl.DataFrame({"a": [1]}),),
    "array": np.array([1]),
    "group": pl.DataFrame({"a": [1]}).group_by("a"),
    "pandas column": pd.Series([1], name="a"),
    "class": pl.DataFrame,
    "bytes": b"a",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", NO_FRAMES)
def test_what_is_no_frame_is_refused_by_its_kind(
    kind: str, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    with pytest.raises(LineageError, match="made returned") as caught:
        stored(NO_FRAMES[kind], way, tmp_path)
    assert caught.value.expected and caught.value.found
    assert caught.value.where and re.fullmatch(r".*test_output_frames\.py:\d+", caught.value.where)


VALUES: dict[Any, list[Any]] = {
    pl.Boolean: [True, None],
    pl.Int8: [-128, None, 127],
    pl.Int16: [-(2**15), 2**15 - 1],
    pl.Int32: [-(2**31), 2**31 - 1],
    pl.Int64: [-(2**63), 2**63 - 1],
    pl.Int128: [1],
    pl.UInt8: [0, 255],
    pl.UInt16: [0, 2**16 - 1],
    pl.UInt32: [0, 2**32 - 1],
    pl.UInt64: [0, 2**64 - 1],
    pl.Float32: [0.5, None, float("inf")],
    pl.Float64: [0.1, -0.0],
    pl.String: ["", "a\x00b", None, "\ud7ff"],
    pl.Binary: [b"\x00\xff", None],
    pl.Date: [date(2024, 2, 29), None],
    pl.Datetime("us"): [datetime(2024, 2, 29, 1, 2, 3, 4)],
    pl.Datetime("ms"): [datetime(2024, 2, 29, 1, 2, 3, 4000)],
    pl.Decimal(38, 30): [Decimal("1." + "1" * 30)],
    pl.Categorical: ["x", None],
    pl.Enum(["x", "y"]): ["y"],
    pl.List(pl.Int8): [[1, None], None, []],
    pl.Array(pl.Int8, 2): [[1, 2]],
    pl.Struct({"x": pl.Int8, "y": pl.String}): [{"x": 1, "y": "a"}],
    pl.Struct({"x": pl.Int8, "X": pl.Int8}): [{"x": 1, "X": 2}],
    pl.Null: [None],
    pl.Object: [object()],
} | {getattr(pl, name): [1] for name in ("UInt128", "Float16") if hasattr(pl, name)}
if hasattr(pl, "Map"):
    VALUES[pl.Map(pl.String, pl.Int8)] = [{"k": 1}]
REFUSED = ("Int128", "UInt128", "Float16", "Object", "X")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("type_", VALUES, ids=str)
def test_a_column_of_any_type_keeps_its_values_or_is_refused_by_its_name(
    type_: Any, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    frame = pl.DataFrame(
        {"fine": pl.Series([1] * len(VALUES[type_])), "odd": pl.Series(VALUES[type_], dtype=type_)}
    )
    if any(re.search(rf"\b{name}\b", str(type_)) for name in REFUSED):
        with pytest.raises(LineageError, match=r"'odd'.*cannot be stored") as caught:
            stored(frame, way, tmp_path)
        assert caught.value.expected and caught.value.found and caught.value.advice
    else:
        table = stored(frame, way, tmp_path)
        is_map = pa.types.is_map(table.schema.field("odd").type)
        assert [dict(v) if is_map else v for v in table["odd"].to_pylist()] == frame["odd"].to_list()


def test_every_type_of_polars_is_among_them() -> None:
    leaves = [each for each in vars(pl).values() if isinstance(each, type) and issubclass(each, pl.DataType)]
    tried = {type_ if isinstance(type_, type) else type(type_) for type_ in VALUES}
    abstract = {pl.DataType, pl.Field, pl.Unknown, pl.Extension if hasattr(pl, "Extension") else None}
    text = {pl.Time, pl.Duration}  # stored as text, see the test below
    spelled = {pl.Utf8, pl.BaseExtension if hasattr(pl, "BaseExtension") else None}
    assert set(leaves) - tried - abstract - text - spelled == set()


def test_times_of_day_and_durations_are_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": [time(1, 2, 3, 4)], "d": [timedelta(days=1, seconds=1)]})
    assert stored(frame, returned, tmp_path).to_pylist() == [{"t": "01:02:03.000004", "d": "24:00:01"}]


COLUMNS = {
    "one name twice, Arrow": (pa.table([[1], [2]], names=["a", "a"]), "several columns named a, a"),
    "one name twice, pandas": (pd.DataFrame([[1, 2]], columns=pd.Index(["a", "a"])), "several columns named a, a"),
    "two cases of a name": (pl.DataFrame({"a": [1], "A": [2]}), "several columns named a, A"),
    "two cases, lazy": (pl.LazyFrame({"a": [1], "A": [2]}), "several columns named a, A"),
    "no name": (pl.DataFrame({"": [1], "b": [2]}), "a column without a name"),
    "no columns": (pl.DataFrame(), "without columns"),
    "no columns, Arrow": (pa.table({}), "without columns"),
    "pandas index with values": (pd.DataFrame({"g": [1], "v": [2]}).groupby("g").sum(), "whose index has values: g"),
    "pandas column of anything": (pd.DataFrame({"a": [object()]}), "cannot be stored"),
    "pandas column of texts and numbers": (pd.DataFrame({"a": [1, "x"]}), "cannot be stored"),
    "pandas periods": (pd.DataFrame({"a": pd.period_range("2024-01", periods=1, freq="M")}), "cannot be stored"),
    "pandas intervals": (pd.DataFrame({"a": pd.interval_range(0, 1)}), "cannot be stored"),
    "pandas complex": (pd.DataFrame({"a": [1j]}), "cannot be stored"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_that_a_table_cannot_have_are_told(
    kind: str, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    data, message = COLUMNS[kind]
    with pytest.raises(LineageError, match=re.escape(message)) as caught:
        stored(data, way, tmp_path)
    assert caught.value.expected and caught.value.where


def test_pandas_frames_keep_what_they_hold(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], dtype="Int64"),
            "s": ["x", float("nan")],
            "b": [True, None],
            "c": pd.Categorical(["k", "l"]),
            "t": pd.to_datetime(["2024-01-01 00:00:00.000001", None]),
        },
        index=pd.Index([7, 9]),
    )
    assert stored(frame, returned, tmp_path).to_pylist() == [
        {"n": 1, "s": "x", "b": True, "c": "k", "t": datetime(2024, 1, 1, 0, 0, 0, 1)},
        {"n": None, "s": None, "b": None, "c": "l", "t": None},
    ]


def readers() -> pa.RecordBatchReader:
    batches = pa.table({"a": [1, 2, 3]}).to_batches(max_chunksize=1)
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


def test_a_reader_of_record_batches_is_a_frame(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    version = materialize(frame_code(readers), lake).version
    assert version is not None
    assert lake.arrow(version)["a"].to_pylist() == [1, 2, 3]


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1.5 does not name the column")
def test_a_value_beyond_what_a_column_can_hold_is_told_with_the_column(tmp_path: Path) -> None:
    far = pl.DataFrame({"at": pl.Series([2**60], dtype=pl.Int64).cast(pl.Datetime("ms"))})
    with pytest.raises(LineageError, match="A value of the column 'at' cannot be kept"):
        stored(far, returned, tmp_path)


def nanoseconds(count: int, type_: Any) -> pl.DataFrame:
    return pl.DataFrame({"fine": pl.Series([count, None], dtype=pl.Int64).cast(type_)})


FINE: dict[str, Callable[[int], Any]] = {
    "a time": lambda count: nanoseconds(count, pl.Datetime("ns")),
    "a time, Arrow": lambda count: pa.table({"fine": pa.array([count], pa.timestamp("ns"))}),
    "a time with a zone": lambda count: nanoseconds(count, pl.Datetime("ns", "UTC")),
    "a time of pandas": lambda count: pd.DataFrame({"fine": pd.to_datetime([count])}),
    "times in a list": lambda count: nanoseconds(count, pl.Datetime("ns")).select(pl.col("fine").implode()),
    "times in a struct": lambda count: nanoseconds(count, pl.Datetime("ns")).select(
        pl.struct(x="fine").alias("fine")
    ),
    "a duration": lambda count: nanoseconds(count, pl.Duration("ns")),
    "a duration, lazy": lambda count: nanoseconds(count, pl.Duration("ns")).lazy(),
    "a duration of pandas": lambda count: pd.DataFrame({"fine": pd.to_timedelta([count])}),
    "durations in a list": lambda count: nanoseconds(count, pl.Duration("ns")).select(
        pl.col("fine").implode()
    ),
    "months, days and nanoseconds": lambda count: pa.table(
        {"fine": pa.array([pa.MonthDayNano([1, 2, count])])}
    ),
    "hours of a day": lambda count: pa.table({"fine": pa.array([count % 2000 * 43_200], pa.date64())}),
}
"""Columns by what they count, made of a number of nanoseconds."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", [returned, as_block])
@pytest.mark.parametrize("kind", FINE)
def test_what_would_be_cut_is_refused_and_what_is_whole_is_kept(
    kind: str, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    stored(FINE[kind](4_000), way, tmp_path / "whole")
    with pytest.raises(LineageError, match=r"A value of the column 'fine'.*(cut|kept)") as caught:
        stored(FINE[kind](4_001), way, tmp_path / "cut")
    assert caught.value.found and caught.value.advice


@pytest.mark.parametrize("another", ["1", "3!"], ids=["alone", "beside what only DuckDB parses"])
def test_nanoseconds_of_sql_are_refused_at_their_column(another: str, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))

    def made(moment: str) -> None:
        text = SqlText(f"SELECT {another} AS one,\n  {moment} AS at", "moments.sql")
        materialize(sql_code(text, name="moments"), lake)

    made("make_timestamp_ns(4000)")
    made("CAST(make_timestamp_ns(4001) AS TIMESTAMP)")
    with pytest.raises(LineageError, match="A value of the column 'at' cannot be kept") as caught:
        made("make_timestamp_ns(4001)")
    assert "microseconds are enough" in str(caught.value) and "moments.sql:2" in str(caught.value)
