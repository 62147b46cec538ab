"""`recsys ui --nightly` for real: the tick runs the graph, and the sensor loads what is dropped into landing."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from recsys_assets.instance import open_instance
from recsys_assets.settings import load_settings
from tests.platform.conftest import RECSYS, Shop
from tests.platform.shop import DAYS, day_file, day_name, day_rows, write_day

PATIENCE = 900.0


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
