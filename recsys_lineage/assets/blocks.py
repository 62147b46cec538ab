"""Blocks of rows: how an asset's code returns a table that is larger than memory."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from duckdb import DuckDBPyConnection

from recsys_lineage.assets.output_frame import register_frame
from recsys_lineage.errors import OutputRefused
from recsys_lineage.sql.names import quote

_BLOCK = "_output_block"


def store_blocks(
    connection: DuckDBPyConnection, name: str, blocks: Iterator[pl.DataFrame], asset: str, origin: str
) -> None:
    """Store blocks of rows as one table of the connection, which spills to disk when its memory is full.

    Args:
        connection: of the run; the table disappears with it.
        name: of the table.
        blocks: each is stored before the next one is made; all have the columns of the first.
        asset: their asset.
        origin: file and line of its code.

    Raises:
        OutputRefused: there is no block, or the columns of one differ from those of the first.
    """
    columns: list[str] | None = None
    for block in blocks:
        register_frame(connection, _BLOCK, block, asset, origin)
        given = connection.table(_BLOCK).columns
        if columns is not None and given != columns:
            raise OutputRefused(
                f"The blocks of rows that {asset} gave do not have the same columns.",
                expected=", ".join(columns),
                found=", ".join(given),
                where=origin,
                advice="give every block the same columns in the same order",
            )
        into = f"CREATE TEMP TABLE {quote(name)} AS" if columns is None else f"INSERT INTO {quote(name)}"
        connection.execute(f"{into} SELECT * FROM {_BLOCK}")
        connection.unregister(_BLOCK)
        columns = given
    if columns is None:
        raise OutputRefused(
            f"{asset} gave no block of rows.",
            expected="at least one frame, possibly empty, because its columns are the table's",
            where=origin,
        )
