"""SQL assets: a `.sql` file becomes a Dagster asset; nothing about it is declared twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.code_version import by_module, code_version, owner_of, reachable
from recsys_lineage.assets.inputs import Inputs
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
    look: AssetLook | None = None,
) -> dg.AssetsDefinition:
    """A Dagster asset that materializes one SELECT into one lake table.

    Upstream assets come from the FROM clauses, the description from the leading comment, column descriptions from
    its `-- column: name: text` lines, and the code version from the statement's tokens, the parameters' values and the
    code that opens its tables.

    Args:
        sql: the path of a `.sql` file, or a SqlText.
        name: the asset's name; the file's name without `.sql` when left out.
        parameters: values for the `$name` parameters, bound by DuckDB, never pasted into the text.
        checks: run on the draft before it is committed.
        look: group, owners, tags and the like.

    Raises:
        SqlAssetError: when the file is no single SELECT, or its parameters and the given ones differ.
    """
    text = sql if isinstance(sql, SqlText) else SqlText.load(sql)
    asset = sql_code(text, name=name or Path(text.origin).stem, parameters=parameters, checks=checks)
    look = look or AssetLook()
    kinds = look.kinds | {"sql", "duckdb", "deltalake"}
    return lineage_asset(
        asset,
        _compute(text, asset.parameters),
        replace(look, kinds=kinds, description=look.description or text.description),
    )


def sql_code(
    text: SqlText,
    *,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    checks: Sequence[TableCheck] = (),
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
        return _version(text, known), _compute(text, known)

    return AssetCode(
        name=name,
        code=Code("sql", text.text, text.origin),
        code_version=_version(text, given),
        upstream=text.tables,
        parameters=given,
        checks=tuple(checks),
        column_descriptions=text.column_descriptions,
        remade=remade,
        covers=lambda: by_module(reachable(None, more_roots=(_compute,), owner=owner_of(text.origin))),
    )


def _version(text: SqlText, parameters: Mapping[str, Any]) -> str:
    known = {"sql": text.code_version, "parameters": dict(parameters)}
    return code_version(None, known, more_roots=(_compute,), owner=owner_of(text.origin))


def _compute(text: SqlText, parameters: Mapping[str, Any]) -> Compute:
    def compute(inputs: Inputs, request: Request) -> Output:
        for table in text.tables:
            inputs.view(table)
        return Output(Query(text.text, parameters))

    return compute
