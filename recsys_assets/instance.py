"""The Dagster instance in `$RECSYS_HOME`: its folders, its `dagster.yaml`, its abandoned runs.

`python -m recsys_assets.instance COMMAND...` prepares the home and then becomes the command, so that
`dagster-webserver`, `dagster-daemon` and `dagster code-server` find it; `docker-compose.yml` starts them so.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import psutil

from recsys_assets.runs.writers import Writers
from recsys_assets.settings import Settings, load_settings
from recsys_lineage.errors import LineageError

if TYPE_CHECKING:
    from dagster import DagsterInstance

FOLDERS = ("dagster", "logs")
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_SQLITE_DISK_FAULTS = (
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly",
    "unable to open",
)
_BUSY_STATES = ("NOT_STARTED", "STARTING", "STARTED", "CANCELING")
"""States of runs that may have a process, one that begins included."""


class HomeError(LineageError):
    """`$RECSYS_HOME` cannot be used."""


def prepare_home(settings: Settings) -> Path:
    """Prepare the home for Dagster and point this process, and those it starts, to it.

    It creates the folders, which no other user can read, writes `dagster/dagster.yaml`, sets DAGSTER_HOME and exports
    the settings (also those of `.env`) to the environment, where Dagster's commands and the object store's client look
    for them. From now on, files of this process and those that it starts are private to the user.

    Returns:
        The folder that is DAGSTER_HOME.

    Raises:
        HomeError: the home cannot be made or written to.
    """
    keep_private()
    try:
        for name in (*FOLDERS, *(() if settings.lake else ("lake",))):
            (settings.home / name).mkdir(parents=True, exist_ok=True)
        if settings.home.stat().st_uid == os.geteuid():
            settings.home.chmod(0o700)
        _write_atomically(settings.home / "dagster" / "dagster.yaml", dagster_yaml(settings))
    except OSError as error:
        raise HomeError(
            f"The home {settings.home} cannot be used.",
            expected="a folder that this user may write to, on a disk with room",
            found=f"{error.strerror}: {error.filename or settings.home}",
            where="RECSYS_HOME",
            advice="set RECSYS_HOME to another folder, or fix the permissions or the space of this one",
        ) from error
    environment = settings.as_environment() | {"DAGSTER_HOME": str(settings.home / "dagster")}
    # only what differs: threads of other libraries may read the environment meanwhile, which C does not guard
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
    return settings.home / "dagster"


def keep_private() -> None:
    """Make all files that this process, and those that it starts, create from now on private to the user."""
    os.umask(0o077)


@contextmanager
def disk_faults_in_words(settings: Settings) -> Iterator[None]:
    """Context that turns errors of Dagster's storage into a HomeError when the home's disk is full or fails.

    Raises:
        HomeError: the disk of the home is full, or cannot be written to.
    """
    try:
        yield
    except LineageError:
        raise
    except Exception as error:
        fault = next((text for each in _causes(error) if (text := _disk_fault(each))), None)
        if fault is None:
            raise
        raise HomeError(
            f"Dagster's records could not be written to the home {settings.home}.",
            expected="a disk with room, that this user may write to",
            found=f"{fault}; {shutil.disk_usage(settings.home).free:,} bytes are free",
            where=str(settings.home / "dagster"),
            advice="free space (`recsys lake prune` deletes old versions), or set RECSYS_HOME to a folder on another "
            "disk; then run again to go on",
        ) from error


def _disk_fault(error: BaseException) -> str | None:
    """Message for an error of the disk; None for any other error."""
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_SQLITE_DISK_FAULTS):
        return str(error)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all its causes; SQLAlchemy keeps the database's own error in `orig`."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "orig", None)]


def dagster_yaml(settings: Settings) -> str:
    """The text of `dagster.yaml` for these settings; it holds no secret."""
    text = deployment_file("dagster.yaml").read_text()
    return (
        text if settings.postgres_url is None else text + deployment_file("dagster-postgres.yaml").read_text()
    )


def deployment_file(name: str) -> Path:
    """A file of `recsys_assets/deployment`, which is part of an installed wheel too."""
    return Path(str(resources.files("recsys_assets") / "deployment" / name))


def open_instance(settings: Settings) -> DagsterInstance:
    """The home's Dagster instance, for use in this process; close it with `with`.

    Raises:
        HomeError: the home cannot be made or written to.
    """
    from dagster import DagsterInstance

    folder = prepare_home(settings)
    with (folder / "opening.lock").open("w") as lock:
        fcntl.flock(
            lock, fcntl.LOCK_EX
        )  # two that make the tables of a new home would be in each other's way
        return DagsterInstance.from_config(str(folder))


def close_abandoned_runs(instance: DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone; Dagster would show them as running for ever.

    A killed run also keeps its place in a pool, so the next run would wait for it for ever. A run is recognised by its
    lock in the home (`writers.py`). A run without one was started by other code: in a SQLite home the processes named
    in its events are looked for; in Postgres it may belong to another machine and is left alone.

    Returns:
        The ids of the runs that were failed.
    """
    from dagster import DagsterRunStatus, RunsFilter
    from dagster_postgres.run_storage import PostgresRunStorage

    from recsys_assets.launcher import fail_lost_run

    writers = Writers(instance.root_directory)
    is_shared = isinstance(instance.run_storage, PostgresRunStorage)
    busy = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus(state) for state in _BUSY_STATES]))
    abandoned: list[str] = []
    for run in busy:
        state = writers.state(run.run_id)
        if state == "dead" or (state == "unknown" and not is_shared and _is_abandoned(instance, run.run_id)):
            fail_lost_run(instance, run)
            abandoned.append(run.run_id)
    writers.tidy({run.run_id for run in busy})
    return abandoned


def _is_abandoned(instance: DagsterInstance, run_id: str) -> bool:
    """Whether the run's events name processes and none of these lives."""
    from dagster import DagsterEventType

    seen: dict[int, float] = {}
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
        metadata = entry.dagster_event.engine_event_data.metadata if entry.dagster_event else {}
        if "pid" in metadata:
            seen[int(str(metadata["pid"].value))] = entry.timestamp
    return bool(seen) and not any(_lived_at(pid, moment) for pid, moment in seen.items())


def _lived_at(pid: int, moment: float) -> bool:
    """Whether a process with that number lives and already lived then; a younger one only reuses the number."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= moment + 1
    except psutil.NoSuchProcess:
        return False


def _write_atomically(path: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(text)
    os.replace(draft.name, path)


def _begin_anew(settings: Settings) -> None:
    """Fail the runs left by the home's previous processes; a database that does not answer yet is reported by the
    command."""
    from sqlalchemy.exc import OperationalError

    from recsys_assets.shop.home_source import require_own_source

    require_own_source(settings)
    try:
        with open_instance(settings) as instance:
            for run_id in close_abandoned_runs(instance):
                print(
                    f"Run {run_id} was cut short when its process ended; it is marked as failed.", flush=True
                )
    except OperationalError as error:
        print(
            f"Interrupted runs of the previous process were not looked for: {type(error.orig).__name__}.",
            file=sys.stderr,
        )


def main(command: list[str]) -> None:
    """Prepare the home, fail the runs left by its previous processes for a command of Dagster's, then become the
    command."""
    if not command:
        raise SystemExit(
            "expected a command to run, such as: python -m recsys_assets.instance dagster-daemon run"
        )
    try:
        settings = load_settings()
        prepare_home(settings)
        if Path(command[0]).name.startswith("dagster"):
            _begin_anew(settings)
    except LineageError as error:
        raise SystemExit(str(error)) from None
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
