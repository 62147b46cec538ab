"""The frame that an asset's function returned: made readable for DuckDB, or refused with the name of the faulty
column."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.errors import LineageError, OutputRefused
from recsys_lineage.lake.delta_schema import columns_of, stored_select
from recsys_lineage.sql.names import quote

_EXPECTED = (
    "a Polars or pandas DataFrame, a LazyFrame, an Arrow table, a DuckDB relation, or an Output of one"
)

_UNREADABLE = (duckdb.Error, RuntimeError, pa.ArrowException)
"""Errors of DuckDB and of Arrow for a column of a type that they do not know."""


def register_frame(
    connection: duckdb.DuckDBPyConnection, name: str, data: Any, asset: str, where: str
) -> None:
    """Make a frame readable under a name, with all its columns under their own names.

    Args:
        connection: the run's connection.
        name: the name of the relation.
        data: the return value of the asset's function, or one block of it.
        asset: the asset of the function.
        where: file and line of the function.

    Raises:
        OutputRefused: the data is no frame; it has no column, two of one name, one without a name or with a type that
            no table can hold; a pandas index has a name, so that it holds values; or DuckDB would truncate a value.
    """
    frame = _frame(data, asset, where)
    _check_names(_names(frame), asset, where)
    _check_objects(frame, asset, where)
    frame = _without_truncation(frame, asset, where)
    try:
        connection.register(name, frame)
        columns_of(connection, f"FROM {quote(name)}")
    except _UNREADABLE as error:
        _refuse_column(connection, frame, asset, where)
        raise error


def _frame(data: Any, asset: str, where: str) -> Any:
    """The data as Polars, Arrow or a relation; pandas frames become Arrow tables, whose types are strict."""
    if isinstance(data, pl.Series):
        return data.to_frame()
    if isinstance(data, pl.DataFrame | pl.LazyFrame | pa.Table | pa.RecordBatch | duckdb.DuckDBPyRelation):
        return data
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame):
        raise OutputRefused(
            f"{asset} returned {_kind(data)}.", expected=_EXPECTED, found=_kind(data), where=where
        )
    if named := [str(each) for each in data.index.names if each is not None]:
        raise OutputRefused(
            f"{asset} returned a frame whose index has values: {', '.join(named)}.",
            expected="columns alone, for a table has no index",
            found=f"an index named {', '.join(named)}",
            where=where,
            advice="call reset_index() on the frame",
        )
    _check_names([each if isinstance(each, str) else f"{each}" for each in data.columns], asset, where)
    try:
        table = pa.Table.from_pandas(data, preserve_index=False)
        if own := [each.name for each in table.schema if isinstance(each.type, pa.BaseExtensionType)]:
            raise TypeError(f"Conversion failed for column {own[0]}")  # a period's or interval's bare numbers
        return table
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise OutputRefused(
            f"{asset} returned a pandas frame that cannot be stored.",
            expected="in each column values of one type, such as numbers, texts or times",
            found="; ".join(f"{column}: {type_}" for column, type_ in data.dtypes.items()),
            where=where,
            advice=f"give each column one type with astype: {_which(error)}",
        ) from error


_COARSE = {pa.duration("ns"): pa.duration("us"), pa.date64(): pa.date32()}
"""Types whose values DuckDB truncates when it reads them → the type of the result."""


def _without_truncation(frame: Any, asset: str, where: str) -> Any:
    """The frame, after a search for values that DuckDB would truncate: nanoseconds of durations, hours of dates."""
    if isinstance(frame, pl.LazyFrame) and any(_is_fine(each) for each in frame.collect_schema().dtypes()):
        frame = frame.collect()
    looked: Any = frame if isinstance(frame, pa.Table | pa.RecordBatch) else pa.table({})
    if isinstance(frame, pl.DataFrame):
        looked = frame.select([each for each, type_ in frame.schema.items() if _is_fine(type_)]).to_arrow()
    for place, field in enumerate(looked.schema):
        column, coarse = looked.column(place), _coarse(field.type)
        left = (
            column.cast(coarse, safe=False).cast(field.type, safe=False) if coarse != field.type else column
        )
        is_cut = not left.equals(column)
        if is_cut or (field.type == pa.month_day_nano_interval() and _has_nanoseconds(column)):
            raise OutputRefused(
                f"A value of the column {field.name!r} that {asset} returned would be cut.",
                expected="durations in whole microseconds, and days without hours",
                found=str(field.type),
                where=where,
                advice="round it before it is returned, or return it as a number or as a time",
            )
    return frame


def _is_fine(type_: pl.DataType) -> bool:
    """Whether values of a Polars type may be durations in nanoseconds."""
    return "Duration(time_unit='ns')" in repr(type_)


def _coarse(type_: pa.DataType) -> pa.DataType:
    """Arrow type after DuckDB's truncation, within lists and structs too."""
    if pa.types.is_struct(type_):
        return pa.struct([each.with_type(_coarse(each.type)) for each in type_])
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        of = pa.list_ if pa.types.is_list(type_) else pa.large_list
        return of(type_.value_field.with_type(_coarse(type_.value_type)))
    return _COARSE.get(type_, type_)


def _has_nanoseconds(column: pa.Array | pa.ChunkedArray) -> bool:
    return any(each is not None and each.nanoseconds % 1000 for each in column.to_pylist())


def _which(error: Exception) -> str:
    """Arrow's message about the faulty column, without its values."""
    last = str(error.args[-1]) if error.args else ""
    return last if last.startswith("Conversion failed for column") else type(error).__name__


def _kind(data: Any) -> str:
    return "nothing (None)" if data is None else f"a {type(data).__module__}.{type(data).__qualname__}"


def _names(frame: Any) -> Sequence[str]:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect_schema().names()
    return frame.schema.names if isinstance(frame, pa.Table | pa.RecordBatch) else frame.columns


def _check_names(names: Sequence[str], asset: str, where: str) -> None:
    if not names:
        raise OutputRefused(
            f"{asset} returned a frame without columns.", expected="at least one column", where=where
        )
    seen: dict[str, list[str]] = {}
    for each in names:
        seen.setdefault(each.lower(), []).append(each)
    if same := [each for group in seen.values() if len(group) > 1 for each in group]:
        raise OutputRefused(
            f"{asset} returned several columns named {', '.join(same)}.",
            expected="columns with names of their own, whatever their case",
            found=", ".join(names),
            where=where,
            advice="rename all but one of them",
        )
    if "" in names:
        raise OutputRefused(
            f"{asset} returned a column without a name.",
            expected="a name for each column",
            found=", ".join(each or "''" for each in names),
            where=where,
            advice="name it, as with rename({'': 'a name'})",
        )


def _refuse_column(connection: duckdb.DuckDBPyConnection, frame: Any, asset: str, where: str) -> None:
    """Raise for the first column that no table can hold; do nothing if each can be stored by itself."""
    if isinstance(frame, pl.LazyFrame):
        empty: Any = pl.DataFrame(schema=frame.collect_schema())
    elif isinstance(frame, duckdb.DuckDBPyRelation):
        return
    else:
        empty = frame[:0]
    for column in _names(empty):
        alone = empty.select([column])
        try:
            connection.register("_one_column", alone)
            stored_select(connection, "FROM _one_column", columns_of(connection, "FROM _one_column"))
        except (*_UNREADABLE, LineageError) as error:
            type_ = alone.schema[column] if isinstance(alone, pl.DataFrame) else alone.schema.field(0).type
            raise _not_stored(column, type_, asset, where) from error
        finally:
            connection.unregister("_one_column")


def _check_objects(frame: Any, asset: str, where: str) -> None:
    """Raise for a column of Python objects, of which DuckDB 1.5 would store the addresses."""
    if isinstance(frame, pl.DataFrame | pl.LazyFrame):
        for column, type_ in frame.collect_schema().items():
            if type_ == pl.Object:
                raise _not_stored(column, type_, asset, where)


def _not_stored(column: str, type_: object, asset: str, where: str) -> OutputRefused:
    return OutputRefused(
        f"The column {column!r} that {asset} returned cannot be stored.",
        expected="a type that DuckDB and Delta Lake know, such as Int64, Float64, Decimal, String or Datetime",
        found=str(type_),
        where=where,
        advice="cast it before it is returned",
    )
