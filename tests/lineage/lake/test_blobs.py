"""Blobs: files kept as rows come back byte for byte, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.errors import LineageError
from recsys_lineage.lake import blobs
from recsys_lineage.lake.blobs import BlobError, blob_table, files_of, read_blobs, write_blobs
from recsys_lineage.lake.lake import Lake

FILES = {
    "model.safetensors": random.Random(1).randbytes(100_000),
    "config.json": b'{"dim": 64}',
    "plots/loss curve \xe9.png": bytes(range(256)),
    "empty": b"",
}


def test_files_come_back(lake: Lake) -> None:
    version = write_blobs(lake, "model", FILES, record={"family": "lightgcn"})
    write_blobs(lake, "model", {"config.json": b"{}"})
    assert read_blobs(lake, version) == FILES
    assert read_blobs(lake, lake.version("model")) == {"config.json": b"{}"}
    assert lake.commit("model", 0)["record"] == {"family": "lightgcn"}


def test_the_fingerprint_is_that_of_the_files(folder_lake: Lake) -> None:
    first = write_blobs(folder_lake, "model", FILES)
    same = write_blobs(folder_lake, "model", dict(reversed(FILES.items())))
    changed = write_blobs(folder_lake, "model", {**FILES, "empty": b"\x00"})
    renamed = write_blobs(
        folder_lake, "model", {**{k: v for k, v in FILES.items() if k != "empty"}, "void": b""}
    )
    assert first.fingerprint == same.fingerprint
    assert len({version.fingerprint for version in (first, changed, renamed)}) == 3


def test_no_files_are_files_too(folder_lake: Lake) -> None:
    assert read_blobs(folder_lake, write_blobs(folder_lake, "model", {})) == {}


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=9)), st.randoms()
)
def test_parts_come_together_in_any_order(files: dict[str, bytes], chance: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blobs, "PART_BYTES", 4)
        rows = blob_table(files)
    assert rows.num_rows == sum(max(-(-len(content) // 4), 1) for content in files.values())
    order = list(range(rows.num_rows))
    chance.shuffle(order)
    assert files_of(rows.take(pa.array(order, pa.int64()))) == files


def test_a_file_that_takes_a_third_of_the_memory(folder_lake: Lake) -> None:
    content = random.Random(2).randbytes(1 << 20) * 160
    version = write_blobs(folder_lake, "model", {"weights": content})
    assert version.rows == 160
    assert read_blobs(folder_lake, version) == {"weights": content}


def test_files_can_be_written_by_a_draft(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    folder_db.register("files", blob_table(FILES))
    with folder_lake.draft("model", "FROM files", connection=folder_db) as draft:
        assert files_of(folder_db.sql(f"FROM {draft.relation}").to_arrow_table()) == FILES
        version = draft.commit()
    assert read_blobs(folder_lake, version) == FILES
    assert version.fingerprint == write_blobs(folder_lake, "other", FILES).fingerprint


TAMPERED = {
    "a byte changed": "SELECT * REPLACE (if(name = 'empty', 'x'::BLOB, content) AS content) FROM files",
    "sha256 changed": "SELECT * REPLACE (repeat('0', 64) AS sha256) FROM files",
    "bytes changed": "SELECT * REPLACE (bytes + 1 AS bytes) FROM files",
    "a part missing": "FROM files WHERE NOT (name = 'model.safetensors' AND part = 1)",
    "the last part missing": "FROM files WHERE NOT (name = 'model.safetensors' AND part = 24)",
    "a part twice": "FROM files UNION ALL FROM files WHERE part = 1",
    "parts swapped": "SELECT * REPLACE (if(part < 2 AND bytes > 4096, 1 - part, part) AS part) FROM files",
}  # fmt: skip


@pytest.mark.parametrize("query", TAMPERED.values(), ids=TAMPERED.keys())
def test_tampered_files_are_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(blobs, "PART_BYTES", 4096)
    folder_db.register("files", blob_table(FILES))
    version = folder_lake.write("model", query, connection=folder_db)
    with pytest.raises(
        BlobError, match=r"stored file '.*' is not what was written(.|\n)*sha256(.|\n)*materialize"
    ):
        read_blobs(folder_lake, version)


def test_a_table_of_something_else_is_refused(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    version = folder_lake.write("t", "SELECT 1 AS name", connection=folder_db)
    with pytest.raises(BlobError, match="hold no files"):
        read_blobs(folder_lake, version)


def test_a_parquet_file_put_in_place_of_another_is_noticed(folder_lake: Lake) -> None:
    version = write_blobs(folder_lake, "model", FILES)
    first = next(Path(folder_lake.table_uri("model")).glob(f"part-{version.write_id}-*"))
    pq.write_table(pq.read_table(first).slice(0, 0), first)
    with pytest.raises(BlobError, match="does not hold the rows that were committed"):
        read_blobs(folder_lake, version)
    first.unlink()
    with pytest.raises(LineageError, match="missing or damaged"):
        read_blobs(folder_lake, version)
