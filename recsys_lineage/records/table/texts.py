"""Texts: code, statements and schemas that many records share, each stored once by its hash."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.table.append_once import append_once

TABLE = "lineage_texts"
_SCHEMA = {"hash": pl.String, "text": pl.String}
_AT_ONCE = 10_000


_seen: dict[str, tuple[TableVersion, set[str]]] = {}
"""Texts that this process knows to be stored: lake → a version of the table, and hashes in it. The table only grows."""


class Texts:
    """The lake table of texts: `hash` (the first 32 hexadecimal digits of SHA-256) and `text`."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def add(self, texts: Mapping[str, str]) -> int:
        """Store the texts that are not in the table yet; returns their number.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        seen = self._seen()
        texts = {hash_: text for hash_, text in texts.items() if hash_ not in seen}
        if not texts:
            return 0
        frame = pl.DataFrame({"hash": list(texts), "text": list(texts.values())}, schema=_SCHEMA)
        added = append_once(self._lake, TABLE, "hash", frame, self._present)
        _seen[self._lake.uri] = (self._lake.version(TABLE), seen | texts.keys())
        return added

    def get(self, hashes: Collection[str]) -> dict[str, str]:
        """The texts of some hashes; missing ones are left out."""
        if not hashes or not self._lake.has(TABLE):
            return {}
        scan = self._lake.scan(self._lake.version(TABLE))
        found = scan.filter(pl.col("hash").is_in(list(hashes))) if len(hashes) < _AT_ONCE else scan
        return dict(found.select("hash", "text").collect().iter_rows())

    def _seen(self) -> set[str]:
        """Hashes that this process has seen in this table; none if the table was deleted and created again."""
        version, hashes = _seen.get(self._lake.uri, (None, set[str]()))
        if version is None or not self._lake.log(TABLE).has_write(version.version, version.write_id):
            return set()
        return hashes

    def _present(self, version: TableVersion, frame: pl.DataFrame) -> Collection[str]:
        found = self._lake.scan(version).select("hash").filter(pl.col("hash").is_in(frame["hash"].to_list()))
        return found.collect()["hash"].to_list()
