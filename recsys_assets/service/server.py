"""The server of `recsys serve`: listens, and starts one or several processes that open the home and answer.

Only the processes that answer import the service: a supervisor does not need it and so starts them sooner.
"""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from recsys_assets.dagster_ui import is_of_this_machine_alone, stop_requests
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.service.serving_process import UVICORN_SETTINGS, ServiceError, take_turns
from recsys_assets.service.web.tokens import Tokens
from recsys_assets.settings import Settings, variable
from recsys_lineage.garbage import nothing_collected

MOST_FILES = 65_536
"""Number of files and connections that a process may have open, if the system allows it."""


def run_service(
    settings: Settings, port: int | None = None, workers: int = 1, notify: Callable[[str], None] = print
) -> None:
    """Serve until Ctrl-C or a SIGTERM; pending requests are still answered.

    Args:
        settings: the home, the address, and how soon exposures are durable.
        port: overrides the settings' port; 0 takes any free one.
        workers: number of processes.
        notify: prints a line for the user.

    Raises:
        ServiceError: the port is taken, the address is reachable by others and there is no token, or a worker cannot
            start.
        FeedbackError, TokenError, LineageError: as of `opened_service`.
    """
    host = settings.service_host
    alone = is_of_this_machine_alone(host)
    files = ServiceFiles(settings.home)
    if not alone and not Tokens(files.tokens).all():
        raise ServiceError(
            f"Anybody who reaches {host} could ask what customers bought: there is no token yet.",
            expected="an address that only this machine reaches, such as 127.0.0.1, or a token",
            found=f"{variable('service_host')}={host}",
            where=variable("service_host"),
            advice="make a token: recsys token add shop --scope read --scope events",
        )
    open_many_files()
    with _listening(host, settings.service_port if port is None else port) as listener:
        number = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        listens = f"Listening on http://{shown}:{number}; Ctrl-C stops it."
        if workers > 1:
            from recsys_assets.service.processes.workers import run_workers

            notify(f"{workers} workers load the champion.")
            notify(listens)
            run_workers(settings, listener, workers, open_to_all=alone)
            return
        take_turns()
        with nothing_collected():
            from recsys_assets.service.opened_service import opened_service, start_message, traced

            service = opened_service(settings, open_to_all=alone)
        for line in (*start_message(service), *traced(settings), listens):
            notify(line)
        try:
            with (
                stop_requests()
            ):  # uvicorn sends itself the signal again, which would end it before it is closed
                uvicorn.Server(uvicorn.Config(service.app, **UVICORN_SETTINGS)).run(sockets=[listener])
        finally:
            service.close()


def open_many_files() -> None:
    """Let this process and its workers have as many files and connections open as the system allows.

    Many systems set the limit to 1,024 for old programs; so many idle connections would prevent any new file, even of
    feedback.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # where the system has a further limit, it stays as it was
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
