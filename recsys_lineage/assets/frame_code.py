"""The AssetCode of a Python function over Polars, Arrow or DuckDB."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request, Unchanged
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.records.materialization import Code

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
    uses: Sequence[str] = (),
    checks: Sequence[TableCheck] = (),
    columns: Mapping[str, str] | None = None,
    observe: Callable[[], str] | None = None,
    on_request: bool = False,
) -> AssetCode:
    """The asset whose table is what a function returns.

    The function's parameters say what it reads: one annotated `pl.DataFrame`, `pl.LazyFrame`, `pa.Table` or
    `duckdb.DuckDBPyRelation` is the upstream asset of that name. `Inputs` gives the reader itself (for the tables in
    `reads`), `Request` what the run asks for. Every other parameter takes its value from `parameters`.

    Args:
        function: returns a Polars frame, an Arrow table, a DuckDB relation or an `Output`.
        name: the asset's name; the function's name when left out.
        parameters: values for the remaining parameters; they are part of the code version.
        reads: further tables that the function may read through its `Inputs`.
        uses: modules whose source is part of the code version, besides the function's own.
        checks: run on the draft before it is committed.
        columns: what each column holds, for people.
        observe: for an asset that looks at the outside world, see AssetCode.
        on_request: for an asset that is made only when somebody asks for it, see AssetCode.

    Raises:
        LineageError: when a parameter has neither a table annotation nor a value.
    """
    name = name or function.__name__
    hints = typing.get_type_hints(function)
    values = dict(parameters or {})
    tables = [p for p in inspect.signature(function).parameters if hints.get(p) in _READERS]
    for parameter in inspect.signature(function).parameters:
        if (
            parameter not in tables
            and parameter not in values
            and hints.get(parameter) not in (Inputs, Request)
        ):
            raise LineageError(
                f"The parameter {parameter!r} of {name} has no source.",
                expected="a table annotation (pl.DataFrame, pl.LazyFrame, pa.Table, duckdb.DuckDBPyRelation), "
                "Inputs, Request, or a value in parameters",
                found=str(hints.get(parameter, "no annotation")),
                where=f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}",
            )

    def remade(given: Mapping[str, Any]) -> AssetCode:
        known = {**values, **{key: value for key, value in given.items() if key in values}}
        return frame_code(
            function, name=name, parameters=known, reads=reads, uses=uses, checks=checks, columns=columns,
            on_request=on_request,
        )  # fmt: skip

    return AssetCode(
        name=name,
        code=Code("python", inspect.getsource(function), _origin(function)),
        code_version=function_version(function, values, uses),
        upstream=tuple(sorted({*tables, *reads})),
        compute=_compute(function, hints, values),
        parameters=values,
        checks=tuple(checks),
        column_descriptions=dict(columns or {}),
        observe=observe,
        remade=None if observe else remade,
        on_request=on_request,
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


def function_version(function: Callable[..., Any], parameters: Mapping[str, Any], uses: Sequence[str]) -> str:
    """A hash of a function's syntax tree, its parameters' values and the sources of the modules it uses.

    Comments and layout do not count. A module is found without importing it, so a heavy one stays unloaded.
    """
    digest = hashlib.sha256(_syntax(textwrap.dedent(inspect.getsource(function))).encode())
    for module in sorted(uses):
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise LineageError(f"The module {module} that {function.__name__} uses is not there.")
        digest.update(_syntax_digest(spec.origin, Path(spec.origin).stat().st_mtime_ns))
    digest.update(json.dumps(dict(parameters), sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


@cache
def _syntax_digest(path: str, changed: int) -> bytes:
    """Of a module's file; many assets share modules, and taking one apart costs milliseconds."""
    return hashlib.sha256(_syntax(Path(path).read_text(encoding="utf-8")).encode()).digest()


def _syntax(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body.pop(0)
    return ast.dump(tree)


def _origin(function: Callable[..., Any]) -> str:
    return f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}"
