"""SQL assets: a `.sql` file becomes a Dagster asset; nothing about it is declared twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.assets.sql_files import SqlFiles
from recsys_lineage.errors import SqlAssetError
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.records.materialization import Code
from recsys_lineage.sql.sql_text import SqlText


def sql_asset(
    sql: SqlText | str | Path,
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    checks: Sequence[TableCheck] = (),
    files: str | Path | None = None,
    look: AssetLook | None = None,
) -> dg.AssetsDefinition:
    """A Dagster asset that materializes one SELECT into one lake table.

    Upstream assets come from the FROM clauses, the description from the leading comment, column descriptions from
    its `-- column: name: text` lines, and the code version from the statement's tokens and the parameters' values.

    Args:
        sql: the path of a `.sql` file, or a SqlText.
        name: the asset's name; the file's name without `.sql` when left out.
        parameters: values for the `$name` parameters, bound by DuckDB, never pasted into the text.
        checks: run on the draft before it is committed.
        files: the folder in which relative paths of files start, as in `read_csv('orders/*.csv')`; the folder of the
            `.sql` file when left out.
        look: group, owners, tags and the like.

    Raises:
        SqlAssetError: when the file is no single SELECT, or its parameters and the given ones differ.
    """
    text = sql if isinstance(sql, SqlText) else SqlText.load(sql)
    name = name or Path(text.origin).stem
    asset = sql_code(text, name=name, parameters=parameters, checks=checks, files=files)
    look = look or AssetLook()
    kinds = look.kinds | {"sql", "duckdb", "deltalake"}
    return lineage_asset(
        asset,
        _compute(_files(text, files), asset.parameters),
        replace(look, kinds=kinds, description=look.description or text.description),
    )


def sql_code(
    text: SqlText,
    *,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    checks: Sequence[TableCheck] = (),
    files: str | Path | None = None,
) -> AssetCode:
    """The AssetCode of a SQL text.

    Raises:
        SqlAssetError: when the text's parameters and the given ones differ, or it reads its own table.
    """
    given = dict(parameters or {})
    if set(given) != set(text.parameters):
        raise SqlAssetError(
            f"The parameters of {name} do not fit.",
            expected=", ".join(f"${p}" for p in text.parameters) or "none",
            found=", ".join(f"${p}" for p in sorted(given)) or "none",
            where=text.origin,
        )
    if name in text.tables:
        raise SqlAssetError(
            f"{name} reads itself.",
            where=text.origin,
            advice="a table is made of other tables only; rename the file or the table in its FROM clause",
        )

    def remade(other: Mapping[str, Any]) -> tuple[str, Compute]:
        known = {key: other.get(key, value) for key, value in given.items()}
        return _version(text, known), _compute(scanned, known)

    scanned = _files(text, files)

    return AssetCode(
        name=name,
        code=Code("sql", text.text, text.origin),
        code_version=_version(text, given),
        upstream=text.tables,
        parameters=given,
        checks=tuple(checks),
        column_descriptions=text.column_descriptions,
        remade=remade,
        observe=scanned.observe if scanned else None,
        opens=scanned.opens,
    )


def _files(text: SqlText, folder: str | Path | None) -> SqlFiles:
    return SqlFiles(text, Path(text.origin).absolute().parent if folder is None else Path(folder))


def _version(text: SqlText, parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return text.code_version
    values = json.dumps(dict(parameters), sort_keys=True, default=str)
    return hashlib.sha256(f"{text.code_version}|{values}".encode()).hexdigest()[:16]


def _compute(files: SqlFiles, parameters: Mapping[str, Any]) -> Compute:
    def compute(inputs: Inputs, request: Request) -> Output:
        for table in files.text.tables:
            inputs.view(table)
        return Output(Query(files.statement(inputs, dict(parameters)), parameters))

    return compute
