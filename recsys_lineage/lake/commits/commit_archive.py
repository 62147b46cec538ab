"""CommitArchive: old commits of a table's log, packed into few files once no kept version needs them.

A Delta log has one small file per commit, and its readers list them all. Readers of versions after a checkpoint do not
need the commits before it, but these carry the records, which stay for ever. A pack is a Parquet file of (number,
content) with the lowest and the highest number in its name. It is written before its commits, or the packs that it
joins, are deleted, so a reader that finds one of these missing finds the pack.
"""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from recsys_lineage.lake.stores.storage import Storage

FOLDER = "_commits"
_PACK = re.compile(r"(\d{20})-(\d{20})-[0-9a-f]{16}\.parquet")
_TRIES = 10
_JOINED_BELOW = 32 << 20
"""Size in bytes from which a pack is no longer joined with others."""


class CommitArchive:
    """The packs of the table at `table_path`."""

    def __init__(self, storage: Storage, table_path: str) -> None:
        self._storage, self._folder = storage, f"{table_path}/{FOLDER}"

    def contents(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The commits of these numbers that are archived."""
        wanted = set(numbers)
        for attempt in range(_TRIES):
            try:
                return self._read(wanted)
            except FileNotFoundError:  # joined with others meanwhile
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def add(self, commits: Mapping[int, bytes]) -> None:
        """Pack commits, together with the existing smaller packs."""
        packs = self._packs()
        joined: list[str] = []
        size = sum(map(len, commits.values()))
        for path, _, _, bytes_ in sorted(packs, key=lambda pack: pack[3]):
            if bytes_ > min(2 * size, _JOINED_BELOW):
                break
            joined.append(path)
            size += bytes_
        rows = dict(commits)
        for path in joined:
            rows = {**self._rows(path), **rows}
        self._storage.make_folder(self._folder)
        numbers = sorted(rows)
        table = pa.table({"number": numbers, "content": pa.array([rows[n] for n in numbers], pa.binary())})
        packed = io.BytesIO()
        pq.write_table(table, packed, compression="zstd", row_group_size=1000)
        name = f"{numbers[0]:020d}-{numbers[-1]:020d}-{uuid.uuid4().hex[:16]}.parquet"
        self._storage.write_bytes(f"{self._folder}/{name}", packed.getvalue())
        for path in joined:
            self._storage.delete(path)

    def _read(self, wanted: set[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for path, first, last, _ in self._packs():
            inside = {number for number in wanted if first <= number <= last} - found.keys()
            if inside:
                found |= {number: row for number, row in self._rows(path).items() if number in inside}
        return found

    def _rows(self, path: str) -> dict[int, bytes]:
        table = pq.read_table(io.BytesIO(self._storage.read_bytes(path)))
        return dict(zip(table["number"].to_pylist(), table["content"].to_pylist(), strict=True))

    def _packs(self) -> list[tuple[str, int, int, int]]:
        packs: list[tuple[str, int, int, int]] = []
        for file in self._storage.listed(self._folder):
            if found := _PACK.fullmatch(file.path):
                packs.append((f"{self._folder}/{file.path}", int(found[1]), int(found[2]), file.bytes))
        return packs
