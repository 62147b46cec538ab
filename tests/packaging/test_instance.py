"""The home is made ready for Dagster, holds no secret, and runs whose process died do not block the next."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import pytest
import yaml

from recsys_assets.definitions import build_definitions
from recsys_assets.instance import (
    FOLDERS,
    HomeError,
    close_abandoned_runs,
    deployment_file,
    disk_faults_in_words,
    open_instance,
    prepare_home,
)
from recsys_assets.jobs import NIGHTLY
from recsys_assets.launcher import EXECUTOR, WatchedLauncher
from recsys_assets.settings import load_settings
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.recorded_runs import record_runs
from recsys_lineage.records.records import Records
from tests.packaging.processes import DIE_IN_THE_MIDDLE


@dg.asset(pool="gpu")
def training() -> int:
    return 1


def test_the_home_has_its_folders_and_dagster_finds_it(elsewhere: Path) -> None:
    folder = prepare_home(load_settings(home="shop"))
    assert folder == elsewhere / "shop" / "dagster"
    assert os.environ["DAGSTER_HOME"] == str(folder)
    assert os.environ["RECSYS_HOME"] == str(elsewhere / "shop")
    assert {path.name for path in (elsewhere / "shop").iterdir()} == {*FOLDERS, "lake"}


def test_a_home_whose_lake_is_elsewhere_has_no_folder_for_one(elsewhere: Path) -> None:
    prepare_home(load_settings(home="shop", lake=str(elsewhere / "tables")))
    assert {path.name for path in (elsewhere / "shop").iterdir()} == set(FOLDERS)


def test_nobody_else_can_read_the_home_at_any_umask(elsewhere: Path) -> None:
    home = elsewhere / "shop"
    home.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        with open_instance(load_settings(home="shop")) as instance:
            assert dg.materialize([training], instance=instance).success
            started = ["import pathlib; pathlib.Path('shop/started.txt').write_text('by a process of ours')"]
            subprocess.run([sys.executable, "-c", *started], check=True)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))}
    assert modes[home] == 0o700 and len(modes) > len(FOLDERS) + 1
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_without_postgres_records_are_in_sqlite_in_the_home(elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop")) as instance:
        assert dg.materialize([training], instance=instance).success
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
    assert (elsewhere / "shop" / "dagster" / "history" / "runs.db").exists()


def test_with_postgres_the_file_names_the_variable_and_never_the_secret(elsewhere: Path) -> None:
    folder = prepare_home(load_settings(home="shop", postgres_url="postgresql://shop:open-sesame@db/shop"))
    text = (folder / "dagster.yaml").read_text()
    assert yaml.safe_load(text)["storage"] == {"postgres": {"postgres_url": {"env": "RECSYS_POSTGRES_URL"}}}
    assert "open-sesame" not in text


def test_a_gpu_holds_one_training_at_a_time(elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop")) as instance:
        dg.materialize([training], instance=instance)
        assert instance.event_log_storage.get_concurrency_info("gpu").slot_count == 1


@pytest.mark.parametrize("kind", ["a file", "below a file", "not writable"])
def test_a_home_that_cannot_be_used_is_named_with_the_reason(elsewhere: Path, kind: str) -> None:
    (elsewhere / "taken").write_text("")
    home = {"a file": "taken", "below a file": "taken/home", "not writable": "/proc/recsys"}[kind]
    with pytest.raises(HomeError, match="RECSYS_HOME to another folder") as caught:
        prepare_home(load_settings(home=home))
    assert str(load_settings(home=home).home) in str(caught.value)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "fill").open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))


def test_a_disk_that_fills_up_in_the_middle_of_a_run_ends_in_words(disk: Path, elsewhere: Path) -> None:
    settings = load_settings(home=disk / "home")

    @dg.asset
    def fills() -> None:
        fill(disk)

    with (
        pytest.raises(HomeError, match="RECSYS_HOME to a folder on another disk") as caught,
        disk_faults_in_words(settings),
        open_instance(settings) as instance,
    ):
        dg.materialize([fills], instance=instance, raise_on_error=False)
        dg.materialize([fills], instance=instance, raise_on_error=False)
    assert "bytes are free" in str(caught.value)
    assert str(disk / "home") in str(caught.value)


def test_an_error_that_is_not_of_the_disk_passes_unchanged(elsewhere: Path) -> None:
    with pytest.raises(ZeroDivisionError), disk_faults_in_words(load_settings()):
        _ = 1 / 0


def test_the_workspace_at_the_root_is_the_one_that_is_shipped(root: Path) -> None:
    assert (root / "workspace.yaml").resolve() == deployment_file("workspace.yaml").resolve()


def test_a_killed_run_is_failed_and_gives_its_place_in_the_pool_back(elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop")) as instance:
        killed = subprocess.run(
            [sys.executable, "-c", DIE_IN_THE_MIDDLE, str(elsewhere / "shop" / "dagster")],
            capture_output=True,
        )
        assert killed.returncode == -signal.SIGKILL
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.STARTED
        assert instance.event_log_storage.get_concurrency_info("gpu").claimed_slots

        assert close_abandoned_runs(instance) == [run.run_id]

        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert not instance.event_log_storage.get_concurrency_info("gpu").claimed_slots
        assert dg.materialize([training], instance=instance).success


DIE_BEFORE_THE_START = """
import os, signal, sys
import dagster as dg
from recsys_assets.runs.writers import Writers

@dg.asset
def training(): ...

folder, run_id = sys.argv[1:]
with dg.DagsterInstance.from_config(folder) as instance, Writers(folder).registered(run_id):
    job = dg.Definitions([training]).resolve_implicit_global_asset_job_def()
    instance.create_run_for_job(job, run_id=run_id)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_was_killed_before_it_started_is_lost_too(elsewhere: Path) -> None:
    folder, run_id = prepare_home(load_settings(home="shop")), str(uuid.uuid4())
    died = subprocess.run([sys.executable, "-c", DIE_BEFORE_THE_START, str(folder), run_id])
    assert died.returncode == -signal.SIGKILL
    with open_instance(load_settings(home="shop")) as instance:
        other = instance.create_run_for_job(
            dg.Definitions([training]).resolve_implicit_global_asset_job_def()
        )
        assert close_abandoned_runs(instance) == [run_id], "nothing tells of the other's process"
        lake = Lake(str(elsewhere / "lake"))
        record_runs(instance, lake, None)
        assert [(record.id, record.state) for record in Records(lake).run_records()] == [(run_id, "lost")]
        assert other.status == dg.DagsterRunStatus.NOT_STARTED


def test_a_run_whose_process_lives_is_left_alone(elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop")) as instance:
        seen: list[list[str]] = []

        @dg.asset
        def looks_at_itself() -> None:
            seen.append(close_abandoned_runs(instance))

        assert dg.materialize([looks_at_itself], instance=instance).success
        assert seen == [[]]


OPEN = """
from recsys_assets.instance import open_instance
from recsys_assets.settings import load_settings
with open_instance(load_settings(home="new")) as instance:
    print(len(instance.get_runs()))
"""


def test_two_processes_may_open_a_new_home_at_once(elsewhere: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in started]
    assert [out for out, _ in said] == ["0\n"] * 2, said


def test_no_run_is_without_an_end_and_killed_ones_are_looked_for(elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop")) as instance:
        assert isinstance(instance.run_launcher, WatchedLauncher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert 0 < instance.run_monitoring_max_runtime_seconds < 24 * 3600
    job = build_definitions(load_settings()).resolve_job_def(NIGHTLY)
    assert job.executor_def.name == EXECUTOR


def test_the_module_becomes_the_command_it_is_given(elsewhere: Path) -> None:
    show = "import os; print(os.environ['DAGSTER_HOME'])"
    answer = subprocess.run(
        [sys.executable, "-m", "recsys_assets.instance", sys.executable, "-c", show],
        env=os.environ | {"RECSYS_HOME": "shop"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(elsewhere / "shop" / "dagster")
