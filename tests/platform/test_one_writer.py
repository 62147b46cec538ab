"""One home, one writer: another command waits or is refused, and is told who writes; locks die with their process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys_assets.runs.writers import HomeIsWritten, Writer, Writers
from tests.platform.conftest import RECSYS, Shop
from tests.platform.test_stop import PATIENCE, begun, endless, processes

__all__ = ["endless", "processes"]

HOLD = """
import sys, time
from functools import partial
from recsys_assets.runs.writers import Writers
say = partial(print, flush=True)
with {how}:
    print("holds", flush=True)
    time.sleep(1000)
"""


def holding(folder: Path, how: str) -> subprocess.Popen[str]:
    """A process that holds a home."""
    how = how.format(writers=f"Writers({str(folder)!r})")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(how=how), "--of-a-shop"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


@pytest.mark.parametrize("how", ["{writers}.exclusive()", "{writers}.shared('a-run')"])
def test_who_writes_is_named_until_its_process_is_killed(tmp_path: Path, how: str) -> None:
    other = holding(tmp_path, how)
    writers = Writers(tmp_path)
    try:
        with pytest.raises(HomeIsWritten) as refused, writers.exclusive(wait=False):
            pass
        assert f"process {other.pid}" in str(refused.value)
        assert "--of-a-shop" in str(refused.value)
    finally:
        other.kill()
        other.wait()
    with writers.exclusive(wait=False), writers.exclusive(wait=False):
        (me,) = writers.now()
        assert me.pid == os.getpid()
    assert writers.now() == []


def test_dagsters_runs_write_beside_each_other(tmp_path: Path) -> None:
    with Writers(tmp_path).shared("one"), Writers(tmp_path).shared("other"):
        assert {writer.run_id for writer in Writers(tmp_path).now()} == {"one", "other"}


def test_a_command_that_waits_comes_before_runs_that_start_later(tmp_path: Path) -> None:
    run = holding(tmp_path, "{writers}.shared('first')")
    command = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(how=f"Writers({str(tmp_path)!r}).exclusive(notify=say)")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    try:
        assert f"process {run.pid}" in command.stdout.readline()
        with pytest.raises(_Waits) as waits, Writers(tmp_path).shared("second", _refuse):
            pass
        assert f"process {command.pid}" in str(waits.value)
        run.kill()
        assert command.stdout.readline() == "holds\n"
        command.kill()
        with Writers(tmp_path).shared("second"):
            pass
    finally:
        for process in (run, command):
            process.kill()
            process.wait()


class _Waits(Exception):
    """It would have waited."""


def _refuse(whom: str) -> None:
    raise _Waits(whom)


def test_a_run_lives_is_dead_or_is_unknown(tmp_path: Path) -> None:
    writers = Writers(tmp_path)
    assert writers.state("a-run") == "unknown"
    other = holding(tmp_path, "{writers}.shared('a-run')")
    try:
        assert writers.state("a-run") == "lives"
    finally:
        other.kill()
        other.wait()
    assert writers.state("a-run") == "dead"
    writers.forget("a-run")
    assert writers.state("a-run") == "unknown"


def test_what_killed_processes_left_is_tidied_but_for_runs_that_are_to_be_failed(tmp_path: Path) -> None:
    writers = Writers(tmp_path)
    killed = [
        holding(tmp_path, how)
        for how in ("{writers}.registered()", "{writers}.registered('busy')", "{writers}.registered('over')")
    ]
    for process in killed:
        process.kill()
        process.wait()
    lives = holding(tmp_path, "{writers}.registered('lives')")
    try:
        writers.tidy({"busy"})
        assert {path.stem for path in (tmp_path / "writers").glob("*.json")} == {"busy", "lives"}
        assert writers.state("busy") == "dead"
    finally:
        lives.kill()
        lives.wait()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a folder that is on no disk")
def test_a_free_lock_says_nothing_of_a_process_of_another_machine() -> None:
    import json
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        writers = Writers(folder)
        left = Path(folder) / "writers" / "a-run.json"

        def state(**changes: str) -> str:
            with writers.shared("a-run"):
                text = left.read_text()
            left.write_text(json.dumps(json.loads(text) | changes))
            return writers.state("a-run")

        here = Writer.here()
        assert state() == "dead"
        assert state(boot="another", host="another", machine="another") == "unknown"
        rebooted = "dead" if here.machine else "unknown"
        assert state(boot="another") == rebooted, "this machine, started again since"


@pytest.mark.slow
def test_a_second_command_waits_for_the_first_or_is_refused(
    endless: Shop, processes: list[subprocess.Popen[str]]
) -> None:
    first = begun(endless, processes, "raw_users", "materialize", "+raw_users")

    refused = endless.process("materialize", "source_files", "--no-wait")
    assert refused.returncode == 1
    assert f"process {first.pid}" in refused.stderr
    assert "recsys materialize +raw_users" in refused.stderr

    second = subprocess.Popen(
        [RECSYS, "materialize", "source_files"],
        env=endless.environment,
        cwd=endless.home.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    processes.append(second)
    assert second.stdout is not None
    assert f"process {first.pid}" in second.stdout.readline()
    first.kill()
    said, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, said
