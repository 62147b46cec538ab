"""A marker says whose write it is, and whether that process lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recsys_lineage.lake.commits.write_marker import FOLDER, WriteMarker, writes
from recsys_lineage.lake.stores.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open(tmp_path)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def ticks(pid: int) -> int:
    """When a process started, as the kernel writes it and as every version of the lake has kept it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])


def altered(storage: Storage, **changes: object) -> bool:
    """Whether the writer of a marker, placed here and then changed so, lives."""
    WriteMarker(storage, storage.path("t"), "w").place()
    path = Path(storage.path("t", FOLDER, "w.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return writes(storage, storage.path("t"))["w"]


def test_a_marker_keeps_the_kernel_s_start_of_its_process(storage: Storage) -> None:
    WriteMarker(storage, storage.path("t"), "w").place()
    kept = json.loads(Path(storage.path("t", FOLDER, "w.json")).read_text())
    assert kept["pid"] == os.getpid()
    assert abs(kept["process_started"] - ticks(os.getpid())) <= os.sysconf("SC_CLK_TCK")


def test_a_writer_lives_as_long_as_its_process(storage: Storage, sleeper: subprocess.Popen[bytes]) -> None:
    owner = {"pid": sleeper.pid, "process_started": ticks(sleeper.pid)}
    assert altered(storage, **owner)
    sleeper.kill()
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not altered(storage, **owner), "it only waits to be reaped"
    sleeper.wait()
    assert not altered(storage, **owner)


def test_another_process_of_the_same_number_is_not_the_writer(storage: Storage) -> None:
    minute = 60 * os.sysconf("SC_CLK_TCK")
    assert not altered(storage, process_started=ticks(os.getpid()) - minute)
    assert not altered(storage, process_started=ticks(os.getpid()) + minute)


def test_setting_the_clock_kills_no_writer(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    WriteMarker(storage, storage.path("t"), "w").place()
    started, boot, clock = psutil.Process.create_time, psutil.boot_time, time.time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: started(process) + 3600)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() + 3600)
    monkeypatch.setattr(time, "time", lambda: clock() + 3600)
    assert writes(storage, storage.path("t")) == {"w": True}


def test_a_write_of_another_machine_is_given_a_day(storage: Storage) -> None:
    assert altered(storage, machine="elsewhere/1", pid=0)
    assert not altered(storage, machine="elsewhere/1", pid=0, began=time.time() - 25 * 3600)
