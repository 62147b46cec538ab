"""The AssetCode of a SQL text, with everything derived from the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode, Compute, Output, Query, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.code.code_version import code_version, owner_of
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.code.parameters import as_recorded, values_of, with_recorded
from recsys_lineage.assets.options import Options
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.sql_files import SqlFiles
from recsys_lineage.errors import SqlAssetError, SqlFailed
from recsys_lineage.records.materialization import Code
from recsys_lineage.sql.sql_text import SqlText


def sql_code(
    sql: SqlText | str | Path,
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    checks: Sequence[TableCheck] = (),
    files: str | Path | None = None,
    options: Options | None = None,
    cleared: Mapping[str, str] | None = None,
) -> AssetCode:
    """The asset that one SELECT makes.

    Args:
        sql: the path of a `.sql` file, or a SqlText.
        name: the asset's name; the file's name without `.sql` when left out.
        parameters: values for the `$name` parameters. Records keep them; of a secret, recognized by its name (`key`,
            `salt`, `token`, `password`, …), they keep a hash, and of a `Named` its name.
        checks: checks to run on the draft before it is committed.
        files: the base folder of relative paths of files, as in `read_csv('orders/*.csv')`; the folder of the `.sql`
            file when left out.
        options: parameters that a single run may set.
        cleared: column tag whose data the asset may hold → the reason.

    Raises:
        SqlAssetError: the text's parameters and the given ones differ, or it reads its own table.
    """
    text = sql if isinstance(sql, SqlText) else SqlText.load(sql)
    name = name or Path(text.origin).stem
    values = dict(parameters or {})
    if "?" in text.parameters:
        raise SqlAssetError(
            f"A parameter of {name} has no name.",
            expected="$name",
            found="?",
            where=text.origin,
            advice="write $name for ?, and give its value by the name",
        )
    if set(values) != set(text.parameters):
        raise SqlAssetError(
            f"The parameters of {name} do not fit.",
            expected=", ".join(f"${p}" for p in text.parameters) or "none",
            found=", ".join(f"${p}" for p in sorted(values)) or "none",
            where=text.origin,
        )
    if name in text.tables:
        raise SqlAssetError(
            f"{name} reads itself.",
            where=text.origin,
            advice="a table is made of other tables only; rename the file or the table in its FROM clause",
        )

    def remade(other: Mapping[str, Any]) -> AssetCode:
        known = with_recorded(values, other)
        return sql_code(text, name=name, parameters=known, checks=checks, files=files, options=options)

    scanned = SqlFiles(text, Path(text.origin).absolute().parent if files is None else Path(files))
    return AssetCode(
        name=name,
        code=Code("sql", text.text, text.origin, "duckdb"),
        code_version=_version(text, values),
        upstream=text.tables,
        compute=_compute(scanned, values_of(values)),
        parameters=as_recorded(values),
        checks=tuple(checks),
        column_descriptions=text.column_descriptions,
        observe=scanned.observe if scanned else None,
        opens=scanned.opens,
        options=options or {},
        cleared=cleared or {},
        remade=remade,
        covers=CoveredCode(None, more_roots=(_compute,), owner=owner_of(text.origin)),
    )


def _version(text: SqlText, parameters: Mapping[str, Any]) -> str:
    known = {"sql": text.code_version, "parameters": dict(parameters)}
    return code_version(None, known, more_roots=(_compute,), owner=owner_of(text.origin))


def _compute(files: SqlFiles, parameters: Mapping[str, Any]) -> Compute:
    def compute(inputs: Inputs, request: Request) -> Output:
        inputs.views(files.text)
        written = files.written(inputs, dict(parameters))

        def explain(error: Exception) -> SqlFailed | None:
            return written.failed(error, inputs._connection, parameters)

        return Output(Query(written.statement, parameters, explain, files.text.text if files else None))

    return compute
