"""The Dagster instance that lives in `$RECSYS_HOME`: its folders, its `dagster.yaml`, its abandoned runs.

`python -m recsys_assets.instance COMMAND...` prepares the home and then becomes the command, so that
`dagster-webserver`, `dagster-daemon` and `dagster code-server` find it; `docker-compose.yml` starts them so.
"""

from __future__ import annotations

import os
import sys
from importlib import resources
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import psutil

from recsys_assets.settings import Settings, load_settings
from recsys_lineage.errors import LineageError

if TYPE_CHECKING:
    from dagster import DagsterInstance

FOLDERS = ("dagster", "lake", "logs")
_BUSY_STATES = ("STARTING", "STARTED", "CANCELING")


class HomeError(LineageError):
    """`$RECSYS_HOME` cannot be used."""


def prepare_home(settings: Settings) -> Path:
    """Make the home ready for Dagster and point this process, and those it starts, to it.

    Makes the folders, which no other user can read, writes `dagster/dagster.yaml`, sets DAGSTER_HOME and puts the
    settings (those of `.env` too) into the environment, where Dagster's own commands and the object store's client look
    for them. Nobody else can read what this process and those that it starts make from now on.

    Returns:
        The folder that is DAGSTER_HOME.

    Raises:
        HomeError: the home cannot be made or written to.
    """
    keep_private()
    try:
        for name in FOLDERS:
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
            advice="set RECSYS_HOME to another folder, or mend the rights or the space of this one",
        ) from error
    os.environ.update(settings.as_environment())
    os.environ["DAGSTER_HOME"] = str(settings.home / "dagster")
    return settings.home / "dagster"


def keep_private() -> None:
    """Let nobody but this user read the files that this process, and those that it starts, make from now on."""
    os.umask(0o077)


def dagster_yaml(settings: Settings) -> str:
    """The text of `dagster.yaml` for these settings; it holds no secret."""
    text = deployment_file("dagster.yaml").read_text()
    return (
        text if settings.postgres_url is None else text + deployment_file("dagster-postgres.yaml").read_text()
    )


def deployment_file(name: str) -> Path:
    """A file of `recsys_assets/deployment`, which an installed wheel carries too."""
    return Path(str(resources.files("recsys_assets") / "deployment" / name))


def open_instance(settings: Settings) -> DagsterInstance:
    """The home's Dagster instance, for use in this process; close it with `with`.

    Raises:
        HomeError: the home cannot be made or written to.
    """
    from dagster import DagsterInstance

    return DagsterInstance.from_config(str(prepare_home(settings)))


def close_abandoned_runs(instance: DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone, which Dagster would show as running for ever.

    A killed run also holds its place in a pool, so that the next run would wait for it without end. With
    Postgres nothing is done: its runs may be processes of other machines, of which this one knows nothing.

    Returns:
        The ids of the runs that were failed.
    """
    from dagster import DagsterRunStatus, RunsFilter
    from dagster_postgres.run_storage import PostgresRunStorage

    from recsys_lineage.orchestration.run_records import mark_lost

    if isinstance(instance.run_storage, PostgresRunStorage):
        return []
    busy = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus(state) for state in _BUSY_STATES]))
    abandoned = [run for run in busy if _is_abandoned(instance, run.run_id)]
    for run in abandoned:
        mark_lost(instance, run, "The process of this run is gone: it was killed, or the machine stopped.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in abandoned]


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
    """Whether a process of that number lives and lived then; a younger one has only inherited the number."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= moment + 1
    except psutil.NoSuchProcess:
        return False


def _write_atomically(path: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(text)
    os.replace(draft.name, path)


def main(command: list[str]) -> None:
    """Prepare the home, then become the command."""
    if not command:
        raise SystemExit(
            "expected a command to run, such as: python -m recsys_assets.instance dagster-daemon run"
        )
    try:
        prepare_home(load_settings())
    except LineageError as error:
        raise SystemExit(str(error)) from None
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
