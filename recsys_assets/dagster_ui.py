"""`recsys ui`: Dagster's webserver and daemon as two processes on one home, started and stopped together."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from recsys_assets.instance import (
    close_abandoned_runs,
    deployment_file,
    disk_faults_in_words,
    open_instance,
    prepare_home,
)
from recsys_assets.settings import Settings, variable
from recsys_assets.shop.home_source import require_own_source
from recsys_lineage.errors import LineageError

START_SECONDS = 180.0
STOP_SECONDS = 20.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class UiError(LineageError):
    """The browser interface could not start, or ended by itself."""


@dataclass(frozen=True)
class Service:
    """One of the two processes, with its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def run_ui(
    settings: Settings,
    port: int | None = None,
    nightly: bool | None = None,
    workspace: Path | None = None,
    notify: Callable[[str], None] = print,
) -> None:
    """Serve the browser interface until Ctrl-C or a SIGTERM; then stop everything that was started.

    Args:
        settings: the home, host and port, among others.
        port: overrides the settings' port; 0 takes any free one.
        nightly: whether the nightly schedule is running from the start; overrides the settings.
        workspace: file to load instead of the platform's own `workspace.yaml`.
        notify: prints a line for the user.

    Raises:
        UiError: the address is reachable by others and no proxy authenticates them, the port is taken, the home is
            being served already, or a process did not start or ended.
        HomeError: the home cannot be used.
        OtherSource: the home's tables belong to another source.
    """
    chosen = {"port": port, "nightly": nightly}
    settings = settings.model_copy(
        update={name: value for name, value in chosen.items() if value is not None}
    )
    _require_authentication(settings)
    with _only_one(settings):
        settings = settings.model_copy(update={"port": _free_port(settings.host, settings.port)})
        require_own_source(settings)
        with disk_faults_in_words(settings), open_instance(settings) as instance:
            for run_id in close_abandoned_runs(instance):
                notify(f"Run {run_id} was cut short when its process ended; it is marked as failed.")
            with stop_requests() as stop:
                services: list[Service] = []
                try:
                    _start(settings, workspace or deployment_file("workspace.yaml"), services)
                    if _answers(settings, services, stop):
                        notify(f"Dagster is ready: {_url(settings)}")
                        notify(f"Ctrl-C stops it. Logs: {services[0].log.parent}")
                        _watch(services, stop)
                finally:
                    _stop(services)
                    close_abandoned_runs(instance)


def _start(settings: Settings, workspace: Path, services: list[Service]) -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    address = ["--host", settings.host, "--port", str(settings.port)]
    commands = {
        "webserver": [str(scripts / "dagster-webserver"), *address, "--workspace", str(workspace)],
        "daemon": [str(scripts / "dagster-daemon"), "run", "--workspace", str(workspace)],
    }
    logs = settings.home / "logs"  # dagster/logs is taken: Dagster's telemetry moves it away
    for name, command in commands.items():
        log = logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | settings.as_environment(),
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        services.append(Service(name, process, log))


def _end_with_parent() -> None:
    """Have Linux send this process a SIGTERM when its parent dies, even by SIGKILL."""
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)


def _answers(settings: Settings, services: list[Service], stop: threading.Event) -> bool:
    """Wait until the webserver answers; False if a stop was requested meanwhile."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not stop.wait(0.2):
        _raise_for_ended(services)
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"{_url(settings)}/server_info", timeout=5),
        ):
            return True
    if stop.is_set():
        return False
    raise UiError(
        "The webserver does not answer.",
        expected=f"an answer within {START_SECONDS:.0f} seconds",
        found=services[0].log_tail() or "an empty log",
        where=str(services[0].log),
        advice="read the log; on a busy machine, try again",
    )


def _watch(services: list[Service], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        _raise_for_ended(services)


def _raise_for_ended(services: list[Service]) -> None:
    for service in services:
        code = service.process.poll()
        if code is not None:
            raise UiError(
                f"Dagster's {service.name} ended with code {code}; the other process was stopped too.",
                found=service.log_tail() or "an empty log",
                where=str(service.log),
                advice="read the log, then start `recsys ui` again; `recsys doctor` shows what is wrong",
            )


def _stop(services: list[Service]) -> None:
    """Ask each process to end, give it time to stop its own children, then end the rest of its group."""
    for service in services:
        with suppress(ProcessLookupError):
            service.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for service in services:
        with suppress(subprocess.TimeoutExpired):
            service.process.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that is set by the stop signals."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_authentication(settings: Settings) -> None:
    """Refuse an address that others can reach, unless a proxy authenticates them, because Dagster does not."""
    if settings.proxy_authenticates or is_of_this_machine_alone(settings.host):
        return
    raise UiError(
        f"Anybody who reaches {settings.host} could start and delete runs: the browser interface has no password.",
        expected="an address that only this machine reaches, such as 127.0.0.1, or a proxy that authenticates users",
        found=f"{variable('host')}={settings.host}",
        where=variable("host"),
        advice=f"unset {variable('host')} and connect through ssh -L {settings.port}:127.0.0.1:{settings.port}; or put "
        f"a proxy that authenticates in front and set {variable('proxy_authenticates')}=true",
    )


def is_of_this_machine_alone(host: str) -> bool:
    """Whether a host's name resolves to loopback addresses only; false if it resolves to none."""
    with suppress(OSError):
        found = socket.getaddrinfo(host, None)
        return all(ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)
    return False


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Lock the home, so that no second daemon works on the same records."""
    with (prepare_home(settings) / "ui.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UiError(
                f"The home {settings.home} is already being served.",
                expected="one `recsys ui` for a home",
                advice="use the one that runs, stop it, or set RECSYS_HOME to another folder",
            ) from None
        yield


def _free_port(host: str, port: int) -> int:
    """The port itself if nothing listens there, any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UiError(
                f"The browser interface cannot listen on {host}:{port}.",
                expected="a free port on an address of this machine",
                found=error.strerror or str(error),
                where="RECSYS_HOST and RECSYS_PORT",
                advice=f"stop what listens there, or choose another port: recsys ui --port {port + 1}",
            ) from None
        return probe.getsockname()[1]


def _url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    return f"http://{host}:{settings.port}"
