"""Frame assets: a Python function over Polars, Arrow or DuckDB becomes a Dagster asset."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.options import Options
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.records.parts.row_keys import Keys


def frame_asset(
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
    keys: Keys = (),
    look: AssetLook | None = None,
) -> dg.AssetsDefinition:
    """A Dagster asset that materializes the return value of a function into one lake table.

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
        options: parameters that a single run may set; Dagster's launchpad offers them.
        keys: columns that match rows of the output to rows of the inputs that have them too, or for each input its
            pairs of columns, `{"users": {"user_id": "user_id"}}`; row traces follow them, see `RowKeys`.
        look: group, owners, tags and the like; the description defaults to the function's docstring.

    Raises:
        LineageError: a parameter has neither a table annotation nor a value.
    """
    asset = frame_code(
        function, name=name, parameters=parameters, reads=reads, checks=checks, columns=columns,
        columns_from=columns_from, rows_from=rows_from, observe=observe, on_request=on_request, options=options,
        keys=keys,
    )  # fmt: skip
    look = look or AssetLook()
    description = look.description or inspect.getdoc(function)
    return lineage_asset(
        asset, replace(look, kinds=look.kinds | {"python", "deltalake"}, description=description)
    )
