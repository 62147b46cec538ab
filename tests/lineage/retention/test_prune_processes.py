"""Prunes that are killed, that run at once, and that run while others read and write."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from recsys_lineage.errors import VersionPruned
from recsys_lineage.lake.lake import Lake
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import plan_prune, prune
from tests.lineage.processes import BESIDE
from tests.lineage.retention import pruning
from tests.lineage.retention.conftest import ENGINE, Nights
from tests.lineage.retention.test_prune import contents, write


def _aged(lake: Lake, nights: Nights) -> None:
    for value in range(4):
        for kind in ("whole", "parts", "model"):
            write(lake, kind, value)
        nights.pass_(3)
    lake.storage.write_bytes(f"{lake.table_uri('whole')}/part-0123456789abcdef-0.parquet", b"an orphan")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("changes", [0, 1, 2, 5, 9, 14, 20, 24])
def test_kill_9_in_the_middle(lake: Lake, nights: Nights, changes: int) -> None:
    _aged(lake, nights)
    newest = {(table, lake.version(table).version) for table in lake.tables()}
    before = contents(lake)
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}  # none for a folder
    process = BESIDE.Process(
        target=pruning.prune_and_die, args=(lake.uri, aws, nights.now.isoformat(), changes)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    left = contents(lake)
    assert left == {key: before[key] for key in left} and newest <= left.keys()
    prune(lake, lambda _: Policy(2), grace=timedelta(0))
    assert contents(lake) == {key: before[key] for key in newest}
    assert plan_prune(lake, lambda _: Policy(2), grace=timedelta(0)).files == 0
    files = [file.path for file in lake.storage.listed(lake.table_uri("whole"))]
    assert len([path for path in files if path.endswith(".parquet") and "/" not in path]) == 1


def test_several_at_once(
    folder_lake: Lake, nights: Nights, processes: ProcessPoolExecutor, tmp_path: Path
) -> None:
    _aged(folder_lake, nights)
    newest = {(table, folder_lake.version(table).version) for table in folder_lake.tables()}
    before = contents(folder_lake)
    go = tmp_path / "go"
    at = nights.now.isoformat()
    running = [processes.submit(pruning.prune_at, folder_lake.uri, at, str(go)) for _ in range(4)]
    go.touch()
    assert sum(future.result() > 0 for future in running) >= 1
    assert contents(folder_lake) == {key: before[key] for key in newest}
    assert plan_prune(folder_lake, lambda _: Policy(2), grace=timedelta(0)).files == 0
    assert set(folder_lake.pruned("whole").all()) == {0, 1, 2}


def test_readers_and_a_writer_at_work(lake: Lake, nights: Nights) -> None:
    """Every read of what was the newest a moment ago is whole, however often a prune runs beside it."""
    write(lake, "parts", 0)
    done = threading.Event()
    faults: list[BaseException] = []

    def reading() -> None:
        own = Lake(lake.uri, ENGINE)
        try:
            while not done.is_set():
                version = own.version("parts")
                relation = own.relation(version)
                with own.connect() as db:
                    values = {row[0] for row in db.sql(f"SELECT i FROM {relation}").fetchall()}
                assert len(values) == 1, values
        except BaseException as fault:
            faults.append(fault)

    readers = [threading.Thread(target=reading) for _ in range(2)]
    for reader in readers:
        reader.start()
    deleted = 0
    for value in range(1, 25):
        write(lake, "parts", value)
        nights.pass_(0.4)  # the grace period is a little more than two writes
        deleted += prune(lake, lambda _: Policy(0)).files
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert deleted > 30
    with pytest.raises(VersionPruned):
        lake.relation(lake.version("parts", 3))
