"""Workers: several processes on one port, started together, restarted when one dies, stopped together."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from recsys_assets.service.answers.rules import Rules
from recsys_assets.service.feedback.feedback_log import held_alone
from recsys_assets.service.processes.watched_process import watch_workers
from recsys_assets.service.processes.worker_team import FOLDER, WorkerTeam, team_folder
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.service.serving_process import UVICORN_SETTINGS, ServiceError, take_turns
from recsys_assets.settings import Settings, load_settings
from recsys_lineage.errors import LineageError
from recsys_lineage.garbage import nothing_collected

if TYPE_CHECKING:
    from recsys_assets.service.web.access_middleware import AccessMiddleware

START_SECONDS = 120
"""Time after which a worker that does not answer its supervisor is restarted."""
_CANNOT_START = 3
"""Exit code that tells uvicorn's supervisor not to restart the worker."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables with the number of threads of matrix libraries."""


def run_workers(settings: Settings, listener: socket.socket, workers: int, *, open_to_all: bool) -> None:
    """Serve with several processes until Ctrl-C or a SIGTERM; one that dies is restarted.

    They share the socket, so that any living worker answers waiting requests. Each loads the champion itself.

    Args:
        settings: the home, among others; the cores are divided among the workers.
        listener: the listening socket.
        workers: number of processes.
        open_to_all: whether no token is needed.

    Raises:
        ServiceError: a worker cannot start.
        FeedbackError: another service writes to the home.
        LineageError: the files of rules or experiments cannot be used.
    """
    files = ServiceFiles(settings.home)
    Rules.load(files.rules)  # a fault of these two is said here, and not by each worker
    if files.experiments.exists():
        from recsys_assets.experiments.experiment import Experiments

        Experiments.load(files.experiments)
    threads = max(1, (settings.threads or os.cpu_count() or 1) // workers)
    with held_alone(files.feedback), team_folder() as folder:
        team = WorkerTeam(folder, datetime.now(timezone.utc), workers, open_to_all)
        team.write()
        own = settings.model_copy(update={"threads": threads}).as_environment() | {FOLDER: str(folder)}
        own |= {name: str(threads) for name in _THREADS if name not in os.environ}
        with _environment(own):
            config = uvicorn.Config(
                f"{__name__}:worker_app",
                factory=True,
                workers=workers,
                timeout_worker_healthcheck=START_SECONDS,
                **UVICORN_SETTINGS,
            )
            watch_workers()
            supervisor = Multiprocess(config, [listener])
            # uvicorn would restart them when the terminal is closed
            signal.signal(signal.SIGHUP, lambda *_: supervisor.should_exit.set())
            try:
                supervisor.run()
            except BaseException:  # such as a process that cannot be started: the others must not stay
                supervisor.terminate_all()
                supervisor.join_all()
                raise
        if team.failure is not None:
            raise ServiceError(f"A worker of the service cannot start.\n{team.failure}")


def worker_app() -> AccessMiddleware:
    """The application of one worker, made in its process."""
    supervisor = os.getppid()
    _end_with_parent()
    if os.getppid() != supervisor:  # it died before that was asked for
        sys.exit(_CANNOT_START)
    take_turns()
    team = WorkerTeam.read()
    try:
        with nothing_collected():
            from recsys_assets.service.opened_service import opened_service, start_message, traced

            settings = load_settings()
            service = opened_service(settings, open_to_all=team.open_to_all, team=team)
    except LineageError as error:
        team.fail(str(error))
        sys.exit(_CANNOT_START)
    for line in (*start_message(service), *traced(settings)):
        print(f"Worker {os.getpid()}: {line}", flush=True)
    return service.app


def _end_with_parent() -> None:
    """Have Linux send this process a SIGTERM when its supervisor dies, even by SIGKILL."""
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Context in which new processes get these environment variables."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
