"""Records that are kept in memory, as rows of the same columns as in a lake: for laws over thousands of histories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any

import polars as pl

from recsys_lineage.records.table.record_row import SCHEMA, split
from recsys_lineage.records.table.record_table import ADDED


class InMemory:
    """What the graph asks of `Records`: rows after a cursor, and texts."""

    def __init__(self, uri: str = "memory") -> None:
        self.lake = SimpleNamespace(uri=uri)
        self._frame = pl.DataFrame(schema={**SCHEMA, ADDED: pl.Int64})
        self._texts: dict[str, str] = {}

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Add records, as one commit."""
        rows = [split(record) for record in records]
        added = pl.lit(self._frame[ADDED].max() or 0) + 1
        new = pl.DataFrame([row.values for row in rows], schema=SCHEMA).with_columns(
            added.cast(pl.Int64).alias(ADDED)
        )
        self._frame = pl.concat([self._frame, new])
        for row in rows:
            self._texts |= row.texts

    def table(self, since: int | None, columns: Sequence[str | pl.Expr]) -> tuple[pl.DataFrame, int | None]:
        """As `Records.table`."""
        new = self._frame if since is None else self._frame.filter(pl.col(ADDED) > since)
        return new.select(columns), self._frame[ADDED].max()  # pyright: ignore[reportReturnType]

    def texts(self, hashes: Collection[str]) -> dict[str, str]:
        """As `Records.texts`."""
        return {hash_: self._texts[hash_] for hash_ in hashes}
