"""Ctrl-C and SIGTERM stop a command in the middle of whatever it does; the run is cancelled, and runs again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from recsys_assets.cli.stop_signals import STOPPED
from recsys_assets.runs.writers import Writers
from tests.platform.conftest import RECSYS, Shop, opened
from tests.platform.shop import SOURCE, day_file, day_rows, write_day

PATIENCE = 600.0
ENDLESS = " WHERE (SELECT sum(a.range * b.range) FROM range(100000000) AS a, range(1000000000) AS b) > 0 -- for years\n"


@pytest.fixture
def endless(new_shop: Shop, tmp_path: Path) -> Shop:
    """A shop of which the customers are never read to the end."""
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    with (source / "raw_users.sql").open("a") as sql:
        sql.write(ENDLESS)
    return Shop(new_shop.home, new_shop.data, source)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Whatever a test appends is killed at its end."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def begun(
    shop: Shop, processes: list[subprocess.Popen[str]], step: str, *arguments: str, **variables: str
) -> subprocess.Popen[str]:
    """The command, in the middle of a step."""
    process = subprocess.Popen(
        [RECSYS, *arguments],
        env=shop.environment | variables,
        cwd=shop.home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    processes.append(process)
    spent = None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if spent is None:
            if step in steps_begun(shop):
                spent = sum(psutil.Process(process.pid).cpu_times()[:2])
        elif sum(psutil.Process(process.pid).cpu_times()[:2]) > spent + 1.5:
            return process
        time.sleep(0.1)
    raise AssertionError(f"{step} did not begin or ended: {process.stdout.read() if process.stdout else ''}")


def steps_begun(shop: Shop) -> list[str]:
    """The steps that the newest run has begun."""
    if not any(writer.run_id for writer in Writers(shop.home / "dagster").now()):
        return []
    with dg.DagsterInstance.from_config(str(shop.home / "dagster")) as instance:
        runs = instance.get_runs(limit=1)
        if not runs or runs[0].is_finished:
            return []
        begun = instance.all_logs(runs[0].run_id, of_type=dg.DagsterEventType.STEP_START)
        return [entry.step_key or "" for entry in begun]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_middle_of_a_query(
    endless: Shop, processes: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = begun(endless, processes, "raw_users", "demo")
    stop_and_check(endless, process, {"raw_users"}, number)


@pytest.mark.slow
def test_with_json_it_is_said_by_json(endless: Shop, processes: list[subprocess.Popen[str]]) -> None:
    process = begun(endless, processes, "raw_users", "materialize", "group:raw", "--json")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    told = [json.loads(line)["error"]["what"] for line in said.splitlines() if line.startswith("{")]
    assert told == [STOPPED], "beside it a bar of progress may end its line"


@pytest.mark.slow
def test_in_the_middle_of_loading_a_file(new_shop: Shop, processes: list[subprocess.Popen[str]]) -> None:
    write_day(new_shop.data / day_file(30), day_rows(30) * 5000)
    process = begun(new_shop, processes, "raw_events", "materialize", "group:raw")
    stop_and_check(new_shop, process, {"raw_events"}, signal.SIGTERM)
    write_day(new_shop.data / day_file(30), day_rows(30))  # found already or not: another content is loaded
    assert new_shop.recsys("materialize", "group:raw").exit_code == 0


@pytest.mark.slow
def test_in_the_middle_of_a_fit(shop: Shop, processes: list[subprocess.Popen[str]]) -> None:
    process = begun(
        shop, processes, "tuning_lightgcn", "materialize", "tuning_lightgcn", RECSYS_TRIALS="1000000"
    )
    stop_and_check(shop, process, {"tuning_lightgcn"}, signal.SIGINT)


def stop_and_check(
    shop: Shop, process: subprocess.Popen[str], steps: set[str], number: signal.Signals
) -> None:
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE)

    assert "Traceback" not in said
    assert process.returncode == 128 + number, said
    assert said.rstrip().endswith(STOPPED)
    with opened(shop) as platform:
        (run,) = platform.instance.get_runs(limit=1)
        assert run.status == dg.DagsterRunStatus.CANCELED
        (told,) = [record for record in platform.records.run_records() if record.id == run.run_id]
        assert told.state == "canceled" and "failed" not in told.steps.values()
        entries = platform.instance.all_logs(run.run_id)
        log = [entry.dagster_event for entry in entries if entry.dagster_event]
        # native code may hold the step until the process ends: then it has begun, and no end
        ended = {event.step_key for event in log if event.is_step_success}
        begun = [event for event in log if event.is_step_start and event.step_key not in ended]
        interrupted = next((event for event in log if event.is_step_failure), begun[-1])
        assert interrupted.step_key in steps
        assert "canceled" in {record.status for record in platform.records.runs(interrupted.step_key)}
    since = log[log.index(interrupted) :]
    assert not [event for event in since if event.is_step_success], "nothing is made after it"


SWALLOWS = """
import sys, time
from recsys_assets.cli.stopping import stopping_at_once
from recsys_lineage.interruption import exit_step

with stopping_at_once(print), exit_step(lambda: print("last words")):
    try:
        print("ready", flush=True)
        time.sleep(1000)
    except BaseException:
        print("swallowed", flush=True)
    time.sleep(1000)
"""


def test_code_that_swallows_the_interruption_is_ended_after_its_last_words() -> None:
    process = subprocess.Popen([sys.executable, "-c", SWALLOWS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.read(5) == "ready"
    process.terminate()
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    assert said.splitlines() == ["swallowed", "last words", STOPPED]


RAISED_IN_VAIN = """
from recsys_assets.cli.stopping import stopping_at_once

class Dropped:
    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error

with stopping_at_once(print):
    Dropped(KeyboardInterrupt("not said"))
    Dropped(ValueError("said"))
"""


def test_an_interruption_that_nothing_can_take_is_not_said() -> None:
    done = subprocess.run([sys.executable, "-c", RAISED_IN_VAIN], capture_output=True, text=True, check=True)
    assert "said" in done.stderr and "not said" not in done.stderr


SLOW_TO_IMPORT = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "MODULE":
            print("ready", flush=True)
            time.sleep(1000)

sys.meta_path.insert(0, Slow())
from recsys_assets.cli import main

main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("module", ["recsys_lineage.process_end", "recsys_assets.cli.commands"])
def test_every_command_says_that_it_was_stopped_even_while_it_is_imported(
    processes: list[subprocess.Popen[str]], number: signal.Signals, module: str, more: list[str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_TO_IMPORT.replace("MODULE", module), "check", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            number, signal.SIG_DFL
        ),  # where the tests run in the background, too
    )
    processes.append(process)
    assert process.stdout is not None
    assert process.stdout.read(6) == "ready\n"
    process.send_signal(number)
    said, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert told.splitlines() == [STOPPED]
    assert [json.loads(line)["error"]["what"] for line in said.splitlines()] == [STOPPED] * len(more)


TAKEN_FOR_THE_END = """
import signal, sys, typer
from recsys_assets.cli.stopping import stopping_at_once

def command():
    signal.raise_signal(signal.SIGTERM)

with stopping_at_once(print):
    typer.run(command)
"""


def test_a_command_line_that_takes_the_interruption_for_its_end_says_so_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TAKEN_FOR_THE_END], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()) == (128 + signal.SIGTERM, [STOPPED])


HANDLES_ITSELF = """
import signal, sys, time
from recsys_assets.cli.stopping import stopping_at_once

with stopping_at_once(print, unless_handled=SPARED):
    signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
    print("ready", flush=True)
    time.sleep(4)
    print("done in peace")
"""


@pytest.mark.parametrize(
    ("spared", "code", "lines"),
    [(True, 0, ["heard", "done in peace"]), (False, 128 + signal.SIGTERM, ["heard", STOPPED])],
)
def test_code_that_handles_the_signal_itself_is_ended_unless_it_is_a_server(
    spared: bool, code: int, lines: list[str]
) -> None:
    """As Dagster does while a step runs, and as a server does."""
    script = HANDLES_ITSELF.replace("SPARED", str(spared))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.read(6) == "ready\n"
    process.terminate()
    said, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.splitlines()) == (code, lines)


def test_nohup_hears_no_hangup() -> None:
    script = SWALLOWS.replace("import sys, time", "import os, signal, sys, time").replace(
        "time.sleep(1000)\n    except", "os.kill(os.getpid(), signal.SIGHUP)\n        print('on')\n    except"
    )
    done = subprocess.run(
        [sys.executable, "-c", script.replace("    time.sleep(1000)\n", "")],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # as nohup does
    )
    assert done.stdout.splitlines() == ["ready", "on"]
