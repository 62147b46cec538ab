"""The AssetCode of a Python function over Polars, Arrow or DuckDB."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request, Unchanged
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.parameters import as_recorded, values_of, with_recorded
from recsys_lineage.assets.columns.people_check import PeopleCheck
from recsys_lineage.assets.options import Options
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.errors import LineageError
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.row_keys import Keys, RowKeys

_READERS: dict[Any, Callable[[Inputs, str], Any]] = {
    pl.LazyFrame: lambda inputs, table: inputs.lazy(table),
    pl.DataFrame: lambda inputs, table: inputs.frame(table),
    pa.Table: lambda inputs, table: inputs.arrow(table),
    duckdb.DuckDBPyRelation: lambda inputs, table: inputs.duckdb(table),
}


def frame_code(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    reads: Sequence[str] = (),
    checks: Sequence[TableCheck] = (),
    columns: Mapping[str, str] | None = None,
    columns_from: ColumnsFrom | None = None,
    rows_from: Origins | None = None,
    observe: Callable[[], str] | None = None,
    on_request: bool = False,
    options: Options | None = None,
    cleared: Mapping[str, str] | None = None,
    keys: Keys = (),
) -> AssetCode:
    """The asset whose table is the return value of a function.

    The function's parameters declare what it reads: one annotated `pl.DataFrame`, `pl.LazyFrame`, `pa.Table` or
    `duckdb.DuckDBPyRelation` is the upstream asset of that name. One annotated `Inputs` is the reader itself (for the
    tables in `reads`), one annotated `Request` the run's request. Every other parameter takes its value from
    `parameters`.

    Args:
        function: returns a Polars frame, an Arrow table, a DuckDB relation or an `Output`.
        name: the asset's name; the function's name when left out.
        parameters: values for the remaining parameters; they are part of the code version. A `Named` passes code, such
            as a class, which the code version covers too.
        reads: further tables that the function may read through its `Inputs`.
        checks: checks to run on the draft before it is committed.
        columns: column → its description.
        columns_from: for an opaque function, such as a model's fit: the tables and columns that each column of its
            result is made of, `{"score": {"events": ["user_id", "item_id"]}}`; the function must read them. `"*"`
            stands for all columns of a table that were read, or for all tables; a mapping gives the kind of each edge,
            `{"events": {"user_id": "IDENTITY", "paid": "SORT"}}`, see `ColumnEdge`. A LazyFrame computed from
            LazyFrames needs none.
        rows_from: used with `columns_from`: the columns that decide which rows there are.
        observe: for an asset that reads the outside world, see AssetCode.
        on_request: for an asset that is materialized only on request, see AssetCode.
        options: parameters that a single run may set.
        cleared: column tag whose data the asset may hold → the reason.
        keys: columns that match rows of the output to rows of the inputs that have them too, or for each input its
            pairs of columns, `{"users": {"user_id": "user_id"}}`; row traces follow them, see `RowKeys`.

    Raises:
        LineageError: a parameter has neither a table annotation nor a value.
    """
    name = name or function.__name__
    hints = typing.get_type_hints(function)
    values = dict(parameters or {})
    tables = [p for p in inspect.signature(function).parameters if hints.get(p) in _READERS]
    _require_sources(function, name, hints, values)
    for check in checks:
        if isinstance(check, PeopleCheck):
            raise LineageError(
                f"The people behind the values of {name} cannot be counted.",
                expected="at_least_k_people on an asset of one SELECT, whose groups are known",
                found=f"{check.name} on a Python function",
                where=_origin(function),
                advice="write the statistic as SQL, or clear the asset for the tags",
            )

    def version(known: Mapping[str, Any]) -> str:
        return code_version(function, known, more_roots=(_compute,))

    def remade(given: Mapping[str, Any]) -> AssetCode:
        return frame_code(
            function, name=name, parameters=with_recorded(values, given), reads=reads, checks=checks, columns=columns,
            columns_from=columns_from, rows_from=rows_from, on_request=on_request, options=options, keys=keys,
        )  # fmt: skip

    return AssetCode(
        name=name,
        code=Code("python", inspect.getsource(function), _origin(function)),
        code_version=version(values),
        upstream=tuple(sorted({*tables, *reads})),
        compute=_compute(function, hints, values_of(values)),
        parameters=as_recorded(values),
        checks=tuple(checks),
        column_descriptions=dict(columns or {}),
        observe=observe,
        remade=None if observe else remade,
        on_request=on_request,
        options=options or {},
        columns_from=columns_from,
        rows_from=rows_from or {},
        cleared=cleared or {},
        keys=RowKeys.of(keys),
        covers=CoveredCode(function, values, more_roots=(_compute,)),
    )


def _require_sources(
    function: Callable[..., Any], name: str, hints: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    for parameter in inspect.signature(function).parameters:
        is_read = hints.get(parameter) in (*_READERS, Inputs, Request)
        if not is_read and parameter not in values:
            raise LineageError(
                f"The parameter {parameter!r} of {name} has no source.",
                expected="a table annotation (pl.DataFrame, pl.LazyFrame, pa.Table, duckdb.DuckDBPyRelation), "
                "Inputs, Request, or a value in parameters",
                found=str(hints.get(parameter, "no annotation")),
                where=_origin(function),
            )


def _compute(function: Callable[..., Any], hints: Mapping[str, Any], values: Mapping[str, Any]) -> Compute:
    def compute(inputs: Inputs, request: Request) -> Output | Unchanged:
        arguments: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters:
            hint = hints.get(parameter)
            if hint is Inputs:
                arguments[parameter] = inputs
            elif hint is Request:
                arguments[parameter] = request
            elif parameter in values:
                arguments[parameter] = values[parameter]
            else:
                arguments[parameter] = _READERS[hint](inputs, parameter)
        result = function(**arguments)
        if isinstance(result, Output | Unchanged):
            return result
        if isinstance(result, duckdb.DuckDBPyRelation):
            inputs.register("_function_result", result)
            return Output(Query("SELECT * FROM _function_result"))
        return Output(result)

    return compute


def _origin(function: Callable[..., Any]) -> str:
    return f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}"
