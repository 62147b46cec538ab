"""SQL assets: a `.sql` file becomes a Dagster asset, with everything derived from the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.options import Options
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.orchestration.lineage_asset import AssetLook, lineage_asset
from recsys_lineage.sql.sql_text import SqlText


def sql_asset(
    sql: SqlText | str | Path,
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    checks: Sequence[TableCheck] = (),
    files: str | Path | None = None,
    options: Options | None = None,
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
        checks: checks to run on the draft before it is committed.
        files: the base folder of relative paths of files, as in `read_csv('orders/*.csv')`; the folder of the `.sql`
            file when left out.
        options: parameters that a single run may set; Dagster's launchpad offers them.
        look: group, owners, tags and the like.

    Raises:
        SqlAssetError: the file is no single SELECT, or its parameters and the given ones differ.
    """
    text = sql if isinstance(sql, SqlText) else SqlText.load(sql)
    asset = sql_code(text, name=name, parameters=parameters, checks=checks, files=files, options=options)
    look = look or AssetLook()
    kinds = look.kinds | {"sql", "duckdb", "deltalake"}
    return lineage_asset(asset, replace(look, kinds=kinds, description=look.description or text.description))
