"""`recsys ui --nightly` for real: the tick runs the graph, and the sensor loads what is dropped into landing."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import dagster as dg
import pytest

from recsys_assets.instance import open_instance
from recsys_assets.settings import load_settings
from tests.platform.conftest import RECSYS, Shop
from tests.platform.shop import DAYS, day_file, day_name, day_rows, write_day
from tests.platform.test_stop import begun, endless, processes

__all__ = ["endless", "processes"]

PATIENCE = 900.0
T = TypeVar("T")


@contextmanager
def served(shop: Shop, *arguments: str, **variables: str) -> Iterator[str]:
    """`recsys ui` on the shop while the block runs; yields its address."""
    process = subprocess.Popen(
        [RECSYS, "ui", "--port", "0", *arguments],
        env=shop.environment | variables,
        cwd=shop.home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if ready := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            raise AssertionError(said)
        yield ready.group()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def finished_run(instance: dg.DagsterInstance, job: str) -> dg.DagsterRun:
    """The first run of a job that ended, whoever started it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for run in instance.get_runs(dg.RunsFilter(job_name=job)):
            if run.is_finished:
                return run
        time.sleep(1)
    runs = [(run.job_name, run.status.value) for run in instance.get_runs()]
    raise TimeoutError(f"no run of {job} ended within {PATIENCE} s; {runs}")


def errors(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """What went wrong in a run."""
    return [
        str(entry.dagster_event.event_specific_data)
        for entry in instance.all_logs(run.run_id)
        if entry.dagster_event and entry.dagster_event.is_failure
    ]


@pytest.mark.slow
def test_the_nightly_tick_runs_and_a_file_in_landing_is_loaded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = shop.data / "landing"
    landing.mkdir()
    write_day(landing / day_file(DAYS), day_rows(DAYS))
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    with (
        served(shop, "--nightly", RECSYS_NIGHTLY_CRON="* * * * *"),
        open_instance(load_settings()) as instance,
    ):
        by_sensor = finished_run(instance, "ingest")
        by_schedule = finished_run(instance, "nightly")

        assert by_sensor.status == dg.DagsterRunStatus.SUCCESS, errors(instance, by_sensor)
        assert by_sensor.tags["dagster/sensor_name"] == "landing_files"
        assert by_schedule.status == dg.DagsterRunStatus.SUCCESS, errors(instance, by_schedule)
        assert by_schedule.tags["dagster/schedule_name"] == "nightly_retraining"

    loaded = shop.rows("SELECT DISTINCT _file, _day::VARCHAR FROM {raw_events} WHERE _file LIKE 'landing/%'")
    assert loaded == [(f"landing/{day_file(DAYS)}", day_name(DAYS))]


def begun_steps(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The steps that a run has begun."""
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return [entry.step_key or "" for entry in logs]


def until(found: Callable[[], T | None], what: str) -> T:
    """What is found, once it is."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (it := found()) is not None:
            return it
        time.sleep(0.5)
    raise TimeoutError(f"{what} did not happen within {PATIENCE} s")


@pytest.mark.slow
def test_a_run_of_the_daemon_waits_for_a_command_and_names_it(
    endless: Shop, processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = begun(endless, processes, "raw_users", "materialize", "+raw_users")
    for name, value in endless.environment.items():
        monkeypatch.setenv(name, value)
    with (
        served(endless, "--nightly", RECSYS_NIGHTLY_CRON="* * * * *"),
        open_instance(load_settings()) as instance,
    ):

        def waiting() -> str | None:
            for run in instance.get_runs(dg.RunsFilter(job_name="nightly")):
                said = [entry.user_message for entry in instance.all_logs(run.run_id)]
                if any("Waiting for" in text and f"process {command.pid}" in text for text in said):
                    return run.run_id
            return None

        run_id = until(waiting, "that a run of the daemon waits")
        assert command.poll() is None and begun_steps(instance, run_id) == []
        command.kill()
        until(lambda: begun_steps(instance, run_id) or None, "that the run goes on")
