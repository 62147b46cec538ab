"""Work for other processes: they open the lake by its URL, as the steps of a run do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake

ENGINE = Engine(memory_limit="500MB", threads=1)


def _open(uri: str, aws: Mapping[str, str]) -> Lake:
    os.environ.update(aws)
    return Lake(uri, ENGINE)


def wait_for(path: str) -> None:
    """Return when a file exists."""
    while not Path(path).exists():
        time.sleep(0.01)


def write_partitions(
    uri: str, aws: Mapping[str, str], table: str, keys: Sequence[str], rows: int
) -> list[int]:
    """Replace partitions one after the other; returns the versions that were committed."""
    lake = _open(uri, aws)
    with lake.connect() as db:
        return [
            lake.write(
                table, f"SELECT i, '{key}' AS p FROM range({rows}) t(i)",
                connection=db, partition_by="p", partitions=[key],
            ).version
            for key in keys
        ]  # fmt: skip


def append_rows(uri: str, aws: Mapping[str, str], table: str, writer: int, times: int) -> list[int]:
    """Append a row at a time; returns the versions that were committed."""
    lake = _open(uri, aws)
    return [
        lake.write_arrow(table, pa.table({"writer": [writer], "n": [n]}), append=True).version
        for n in range(times)
    ]


def write_whole(
    uri: str, aws: Mapping[str, str], table: str, query: str, by: str | None, times: int
) -> list[int]:
    """Replace a whole table several times; returns the versions that were committed."""
    lake = _open(uri, aws)
    with lake.connect() as db:
        return [lake.write(table, query, connection=db, partition_by=by).version for _ in range(times)]


def commit_next_version(uri: str, aws: Mapping[str, str], table: str, opened: str, go: str) -> str:
    """Open a table with delta-rs, wait until the others have too, then commit the very next version."""
    lake = _open(uri, aws)
    delta = lake.open_delta(table)
    assert delta is not None
    add = AddAction(f"part-{os.getpid()}.parquet", 1, {}, 0, True, '{"numRecords": 1}')
    Path(opened).touch()
    wait_for(go)
    try:
        delta.create_write_transaction(
            [add], "append", delta.schema(), None, commit_properties=CommitProperties(max_commit_retries=0)
        )
    except CommitFailedError:
        return "lost"
    return "won"


def create_first_version(uri: str, aws: Mapping[str, str], table: str, opened: str, go: str) -> str:
    """Create a table's first commit while others try to do the same."""
    lake = _open(uri, aws)
    storage, path = lake.storage, lake.log(table).path(0)
    Path(opened).touch()
    wait_for(go)
    try:
        storage.create(path, str(os.getpid()).encode())
    except FileExistsError:
        return "lost"
    return "won"


def hold_draft(uri: str, aws: Mapping[str, str], table: str, written: str, go: str) -> int:
    """Write files, wait, then commit them."""
    lake = _open(uri, aws)
    with lake.connect() as db, lake.draft(table, "SELECT 7::BIGINT AS i", connection=db) as draft:
        Path(written).touch()
        wait_for(go)
        return draft.commit().version


def die_before_commit(uri: str, aws: Mapping[str, str], table: str) -> None:
    """Be killed between the files and the commit."""
    lake = _open(uri, aws)
    with (
        lake.connect() as db,
        lake.draft(table, "SELECT i, i % 3 AS p FROM range(100) t(i)", connection=db, partition_by="p"),
    ):
        os.kill(os.getpid(), signal.SIGKILL)


def die_after_commit(uri: str, aws: Mapping[str, str], table: str) -> None:
    """Be killed between the commit and the marker's removal."""
    lake = _open(uri, aws)
    with (
        lake.connect() as db,
        lake.draft(
            table, "SELECT i, i % 3 AS p FROM range(100) t(i)", connection=db, partition_by="p"
        ) as draft,
    ):
        draft.commit()
        os.kill(os.getpid(), signal.SIGKILL)
