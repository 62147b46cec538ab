"""The server of `recsys serve`: opens the home, listens, and stops without losing what it was told."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from recsys_assets.instance import keep_private
from recsys_assets.serve import is_of_this_machine_alone, stop_requests
from recsys_assets.service.activity import NEEDED, Activity
from recsys_assets.service.app import service_app
from recsys_assets.service.assignment_key import assignment_key
from recsys_assets.service.desk import Desk
from recsys_assets.service.door import Access, Door
from recsys_assets.service.feedback_log import FeedbackLog, Found, read_log
from recsys_assets.service.figures import Figures
from recsys_assets.service.rotation import Place, Rotation
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.service.tokens import Tokens
from recsys_assets.settings import Settings, variable
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake

LOOK_SECONDS = 2.0
"""How often a new champion, rules, experiments and tokens are looked for."""
STOP_SECONDS = 10


class ServiceError(LineageError):
    """The service could not start."""


@dataclass
class Service:
    """A service that is ready to listen; close it with `close`.

    Attributes:
        door: the application to serve.
        desk: what its routes call.
        rotation: what it answers from.
        log: where it writes.
    """

    door: Door
    desk: Desk
    rotation: Rotation
    log: FeedbackLog

    def close(self) -> None:
        """Write what waits to the disk."""
        self.log.close()
        gc.unfreeze()  # what `Rotation` froze


def opened_service(settings: Settings, *, open_to_all: bool, look_seconds: float = LOOK_SECONDS) -> Service:
    """The service of a home, with its log replayed and its champion loaded, where there is one.

    Args:
        open_to_all: whether no token is needed.
        look_seconds: how often a new champion is looked for.

    Raises:
        FeedbackError: the log cannot be used, or another service writes to it.
        TokenError: the file of tokens is damaged.
        LineageError: the files of rules or experiments cannot be used.
    """
    keep_private()
    files = ServiceFiles(settings.home)
    try:
        key = assignment_key(settings.assignment_key, files.key)
    except OSError as error:
        raise ServiceError(
            f"The home {settings.home} cannot be used.",
            expected="a folder that this user may write to",
            found=error.strerror,
            where=variable("home"),
            advice="set RECSYS_HOME to another folder, or mend the rights of this one",
        ) from error
    lake = Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))
    rotation = Rotation(Place(lake, files.rules, files.experiments, key))
    figures = Figures(rotation)
    log = FeedbackLog(files.feedback, settings.durable_within_ms, figures.group_seconds.observe)
    found = Found()
    activity = Activity.replayed(read_log(files.feedback, "events", found, NEEDED))
    figures.log_lines.labels("read").inc(found.lines)
    figures.log_lines.labels("torn").inc(found.torn)
    figures.log_lines.labels("damaged").inc(len(found.damaged))
    for place in found.damaged[:20]:
        logging.getLogger("recsys.service").warning("a line of the feedback cannot be read: %s", place)
    rotation.look()
    if rotation.now is None and rotation.error is not None:
        log.close()
        raise rotation.error
    tokens = Tokens(files.tokens)
    access = Access(open_to_all, {} if open_to_all else tokens.by_hash(), settings.rate_limit)
    desk = Desk(rotation, log, activity, figures)
    app = service_app(desk)
    app.router.lifespan_context = _watching(rotation, access, tokens, look_seconds)
    return Service(Door(app, access, figures), desk, rotation, log)


def run_service(settings: Settings, port: int | None = None, say: Callable[[str], None] = print) -> None:
    """Answer until Ctrl-C or a SIGTERM; what was begun then is answered still.

    Args:
        settings: the home, the address, and how soon exposures are durable.
        port: instead of the settings' port; 0 takes any free one.
        say: takes each line that is meant for the user.

    Raises:
        ServiceError: the port is taken, or others reach the address and there is no token.
        FeedbackError, TokenError, LineageError: as of `opened_service`.
    """
    host = settings.service_host
    alone = is_of_this_machine_alone(host)
    files = ServiceFiles(settings.home)
    if not alone and not Tokens(files.tokens).all():
        raise ServiceError(
            f"Whoever reaches {host} could ask what customers bought: there is no token yet.",
            expected="an address that only this machine reaches, such as 127.0.0.1, or a token",
            found=f"{variable('service_host')}={host}",
            where=variable("service_host"),
            advice="make a token: recsys token add shop --scope read --scope events",
        )
    with _listening(host, settings.service_port if port is None else port) as listener:
        service = opened_service(settings, open_to_all=alone)
        if service.rotation.now is None:
            say("There is no champion yet; it is taken up as soon as there is one.")
        else:
            served = service.rotation.now.champion.served
            say(f"champion@{served.version} ({served.model.name}) serves {served.model.n_items:,} items.")
            fault = service.rotation.fault
            for problem in (*service.rotation.now.problems, *([fault] if fault else [])):
                say(f"Take note: {problem}")
        number = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        say(f"Listening on http://{shown}:{number}; Ctrl-C stops it.")
        config = uvicorn.Config(
            service.door,
            access_log=False,  # its lines would name customers
            log_level="warning",
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=STOP_SECONDS,
            backlog=2048,
        )
        try:
            with (
                stop_requests()
            ):  # uvicorn sends itself the signal again, which would end it before it is closed
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            service.close()


def _watching(rotation: Rotation, access: Access, tokens: Tokens, seconds: float):
    """While the application runs, look for what changed."""

    async def look_for_tokens() -> None:
        while not access.open:
            await asyncio.sleep(seconds)
            with suppress(LineageError):  # a file half written: those before hold
                access.tokens = tokens.by_hash()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each) for each in (rotation.watch(seconds), look_for_tokens())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return lifespan


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(family[4])
        listener.listen(2048)
    except OSError as error:
        raise ServiceError(
            f"The service cannot listen on {host}:{port}.",
            expected="a free port on an address of this machine",
            found=error.strerror or str(error),
            where=f"{variable('service_host')} and {variable('service_port')}",
            advice=f"stop what listens there, or choose another port: recsys serve --port {port + 1}",
        ) from None
    os.set_inheritable(listener.fileno(), False)
    return listener
