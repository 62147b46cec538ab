"""OpenedService: the service of a home, with its log replayed and its champion loaded, before it listens."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from fastapi import FastAPI

from recsys_assets.instance import keep_private
from recsys_assets.service import tracing
from recsys_assets.service.assignment_key import assignment_key
from recsys_assets.service.feedback.activity import NEEDED, Activity
from recsys_assets.service.feedback.feedback_log import FeedbackLog, stamp_of
from recsys_assets.service.feedback.log_reader import LogReader
from recsys_assets.service.processes.other_workers import SHOWN, OtherWorkers, recalled_since
from recsys_assets.service.processes.running import RunningFile
from recsys_assets.service.processes.worker_team import WorkerTeam
from recsys_assets.service.request_handler import RequestHandler
from recsys_assets.service.rotation import Place, Rotation
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.service.service_metrics import ServiceMetrics
from recsys_assets.service.serving_process import ServiceError
from recsys_assets.service.web.access_middleware import Access, AccessMiddleware
from recsys_assets.service.web.app import service_app
from recsys_assets.service.web.tokens import Tokens
from recsys_assets.settings import Settings, variable
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake

_log = logging.getLogger("recsys.service")
LOOK_SECONDS = 2.0
"""Interval between checks for a new champion, rules, experiments and tokens."""


@dataclass
class Service:
    """A service that is ready to listen; close it with `close`.

    Attributes:
        app: the application to serve.
        handler: behind its routes.
        rotation: with the current Serving.
        log: of exposures and events.
        running_file: publishes the current model to other processes.
    """

    app: AccessMiddleware
    handler: RequestHandler
    rotation: Rotation
    log: FeedbackLog
    running_file: RunningFile

    def close(self) -> None:
        """Write waiting lines to the disk, and send the last spans."""
        self.log.close()
        self.running_file.end()
        tracing.end()
        gc.unfreeze()  # what `Rotation` froze


def opened_service(
    settings: Settings,
    *,
    open_to_all: bool,
    look_seconds: float = LOOK_SECONDS,
    team: WorkerTeam | None = None,
) -> Service:
    """The service of a home, with its log replayed and its champion loaded, if there is one.

    Args:
        open_to_all: whether no token is needed.
        look_seconds: interval between checks for a new champion.
        team: the team of this worker process, if it is one; it then closes the service itself when it stops.

    Raises:
        FeedbackError: the log cannot be used, or another service writes to it.
        TokenError: the file of tokens is damaged.
        LineageError: the files of rules or experiments cannot be used.
    """
    keep_private()
    files = ServiceFiles(settings.home)
    key = _key(settings, files)
    lake = Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))
    running_file = RunningFile(files.own)
    rotation = Rotation(Place(lake, files.rules, files.experiments, key, running_file))
    metrics = ServiceMetrics(rotation, team)
    log = FeedbackLog(
        files.feedback, settings.durable_within_ms, metrics.group_seconds.observe, alone=team is None
    )
    activity = Activity()
    others = _replayed(files.feedback, log, activity, metrics, team)
    rotation.refresh()
    if rotation.now is None and rotation.error is not None:
        log.close()
        running_file.end()
        raise rotation.error
    tokens = Tokens(files.tokens)
    access = Access(open_to_all, {} if open_to_all else tokens.by_hash(), settings.rate_limit)
    handler = RequestHandler(
        rotation, log, activity, metrics, settings.most_waiting,
        others=None if team is None else others, workers=1 if team is None else team.workers,
    )  # fmt: skip
    app = service_app(handler)
    service = Service(AccessMiddleware(app, access, metrics), handler, rotation, log, running_file)
    at_end = (lambda: None) if team is None else service.close
    app.router.lifespan_context = _watching(service, access, tokens, look_seconds, at_end)
    return service


def _key(settings: Settings, files: ServiceFiles) -> bytes:
    try:
        return assignment_key(settings.assignment_key, files.key)
    except OSError as error:
        raise ServiceError(
            f"The home {settings.home} cannot be used.",
            expected="a folder that this user may write to",
            found=error.strerror,
            where=variable("home"),
            advice="set RECSYS_HOME to another folder, or fix the permissions of this one",
        ) from error


def _replayed(
    feedback: Path, log: FeedbackLog, activity: Activity, metrics: ServiceMetrics, team: WorkerTeam | None
) -> OtherWorkers:
    """The logs of other processes, with their lines counted in `activity` and `metrics`."""
    events = LogReader(feedback, "events", needs=NEEDED, without=log.own)
    since, skip = recalled_since(feedback, datetime.now(timezone.utc))
    if team is not None and stamp_of(team.since) < since:
        since, skip = stamp_of(team.since), 0  # what its workers write on is read from its beginning
    shown = LogReader(feedback, "exposures", needs=SHOWN, without=log.own, since=since, skip=skip)
    others = OtherWorkers(events, shown, activity, metrics.seen)
    found = events.found
    metrics.log_lines.labels("read").inc(found.lines)
    metrics.log_lines.labels("torn").inc(found.torn)
    metrics.log_lines.labels("damaged").inc(len(found.damaged))
    for place in found.damaged[:20]:
        _log.warning("a line of the feedback cannot be read: %s", place)
    return others


def start_message(service: Service) -> Iterator[str]:
    """The message on the start of the service."""
    serving = service.rotation.now
    if serving is None:
        yield "There is no champion yet; the service starts to use one as soon as there is one."
        return
    served = serving.champion.served
    yield f"champion@{served.version} ({served.model.name}) serves {served.model.n_items:,} items."
    fault = service.rotation.fault
    for problem in (*serving.problems, *([fault] if fault else [])):
        yield f"Take note: {problem}"


def traced(settings: Settings) -> Iterator[str]:
    """Start tracing if it is configured; yields messages for the user."""
    problem = tracing.begin(endpoint=settings.otel_endpoint)
    if problem is not None:
        yield f"Take note: {problem}"


def _watching(
    service: Service, access: Access, tokens: Tokens, seconds: float, at_end: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Context in which changes are looked for while the application runs."""

    async def look_for_tokens() -> None:
        reported = ""
        while not access.open:
            await asyncio.sleep(seconds)
            try:
                access.tokens, reported = tokens.by_hash(), ""
            except (
                LineageError,
                OSError,
            ) as error:  # half written, damaged, not to be read: those before hold
                if str(error) != reported:
                    reported = str(error)
                    _log.warning("the previous tokens stay in force: %s", reported)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watched = service.rotation.watch(seconds, service.handler.metrics.rotated)
        tasks = [asyncio.create_task(each) for each in (watched, look_for_tokens())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        at_end()

    return lifespan
