"""CsvContent: a CSV file as it was read, all blocks together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from recsys_lineage.files.csv import csv_reader
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_file import MalformedRow, csv_blocks


@pytest.fixture(autouse=True, scope="module")
def no_block_is_short() -> Iterator[None]:
    """Small files are parsed as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "SHORT_BYTES", 0)
        yield


@dataclass
class CsvContent:
    """All blocks of a file together."""

    columns: tuple[str, ...]
    batches: list[pa.Table]
    malformed: list[MalformedRow]

    def table(self) -> pa.Table:
        return pa.concat_tables(self.batches)

    @property
    def rows(self) -> int:
        return self.table().num_rows


def read(
    folder: Path, content: bytes | str, dialect: CsvDialect | None = None, block_bytes: int = 1 << 20
) -> CsvContent:
    path = folder / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    blocks = list(csv_blocks(path, "a.csv", dialect or CsvDialect(), block_bytes=block_bytes))
    (columns,) = {block.columns for block in blocks}
    return CsvContent(
        columns, [block.rows for block in blocks], [row for block in blocks for row in block.malformed]
    )


def rows(content: CsvContent) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in content.table().to_pylist()]


def faults(content: CsvContent) -> list[tuple[int, str, str]]:
    return [(row.line, row.fault, row.row) for row in content.malformed]
