"""`kill -9` of the code server while a run trains: the run is failed, its place is free, the next night finishes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from recsys_assets.instance import open_instance
from recsys_assets.runs.writers import HomeIsWritten, Writers
from recsys_assets.settings import load_settings
from recsys_lineage.orchestration.recorded_runs import LOST_TAG
from tests.packaging.processes import ask, wait_for
from tests.packaging.stack import PATIENCE, Stack

SERVICES = ("code", "webserver", "daemon")
LAUNCH = """mutation { launchRun(executionParams: {runConfigData: {}, selector: {
  repositoryLocationName: "recsys", repositoryName: "__repository__", jobName: "nightly"}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@pytest.fixture(scope="module")
def stack(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("crash")
    may_end = {"MAY_END": str(folder / "may-end")}
    running = Stack(folder, postgres, "tests.packaging.crash_definitions", **may_end)
    try:
        for name in SERVICES:
            running.start(name)
            running.wait_until_healthy(name)
        yield running
    finally:
        running.stop()


@pytest.fixture
def instance(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(stack.folder)
    with open_instance(load_settings(home=stack.home, postgres_url=stack.postgres_url)) as opened:
        yield opened


def launched(stack: Stack) -> str | None:
    answer: dict[str, Any] = ask(stack.url, LAUNCH)["launchRun"]
    return answer["run"]["runId"] if answer["__typename"] == "LaunchRunSuccess" else None


def launch(stack: Stack) -> str:
    run_id = launched(stack)
    assert run_id is not None
    return run_id


def trains(instance: dg.DagsterInstance, run_id: str) -> bool:
    return run_id in {
        slot.run_id for slot in instance.event_log_storage.get_concurrency_info("gpu").claimed_slots
    }


def ended(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun | None:
    run = instance.get_run_by_id(run_id)
    return run if run is not None and run.is_finished else None


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["the process", "its container"])
def test_the_night_after_a_killed_code_server_finishes(
    stack: Stack, instance: dg.DagsterInstance, killed: str
) -> None:
    may_end = Path(stack.variables["MAY_END"])
    may_end.unlink(missing_ok=True)
    lost = launch(stack)
    wait_for(lambda: trains(instance, lost), PATIENCE)
    server = stack.processes["code"]
    family = psutil.Process(server.pid).children(recursive=True)
    assert len(family) >= 3, "a server of the code, a run, a step"

    if killed == "its container":  # its processes all end with it
        for process in family:
            process.kill()
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    stack.start("code")
    stack.wait_until_healthy("code")

    _, survivors = psutil.wait_procs(family, timeout=PATIENCE)
    assert not survivors
    failed = wait_for(lambda: ended(instance, lost), PATIENCE)
    assert failed.status == dg.DagsterRunStatus.FAILURE
    assert failed.tags[LOST_TAG] == "true"
    may_end.touch()
    following = wait_for(
        lambda: launched(stack), PATIENCE
    )  # the webserver takes a moment to see the new code server
    finished = wait_for(lambda: ended(instance, following), PATIENCE)
    assert finished.status == dg.DagsterRunStatus.SUCCESS
    assert not instance.event_log_storage.get_concurrency_info("gpu").claimed_slots


@pytest.mark.slow
def test_a_run_that_trains_outlives_a_restart_of_the_others(
    stack: Stack, instance: dg.DagsterInstance
) -> None:
    may_end = Path(stack.variables["MAY_END"])
    may_end.unlink(missing_ok=True)
    run_id = launch(stack)
    wait_for(lambda: trains(instance, run_id), PATIENCE)
    for name in ("webserver", "daemon"):
        stack.processes[name].kill()
        stack.processes[name].wait()
        stack.start(name)
        stack.wait_until_healthy(name)
    assert trains(instance, run_id)
    may_end.touch()
    assert wait_for(lambda: ended(instance, run_id), PATIENCE).status == dg.DagsterRunStatus.SUCCESS


@pytest.mark.slow
def test_a_run_and_a_command_do_not_write_at_once(stack: Stack, instance: dg.DagsterInstance) -> None:
    may_end = Path(stack.variables["MAY_END"])
    may_end.unlink(missing_ok=True)
    writers = Writers(instance.root_directory)
    with writers.exclusive():
        run_id = launch(stack)
        wait_for(lambda: run_id in {writer.run_id for writer in writers.now()}, PATIENCE)
        assert not trains(instance, run_id)
    wait_for(lambda: trains(instance, run_id), PATIENCE)
    waits = "\n".join(entry.user_message for entry in instance.all_logs(run_id))
    assert f"process {os.getpid()}" in waits
    with pytest.raises(HomeIsWritten, match=run_id), writers.exclusive(wait=False):
        pass
    may_end.touch()
    assert wait_for(lambda: ended(instance, run_id), PATIENCE).status == dg.DagsterRunStatus.SUCCESS
