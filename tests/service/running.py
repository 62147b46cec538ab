"""A running service and somebody who asks it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from recsys_assets.service.opened_service import Service, opened_service
from recsys_assets.service.processes.worker_team import WorkerTeam
from recsys_assets.service.serving_process import UVICORN_SETTINGS
from recsys_assets.settings import load_settings

RECSYS = str(Path(sys.executable).with_name("recsys"))
PATIENCE = 300.0
"""Seconds that nothing needs, however busy the machine is."""


@dataclass(frozen=True)
class Reply:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def items(self) -> list[str]:
        assert self.status == 200, self.body
        return [each["item"] for each in self.json["items"]]


class Customer:
    """Asks one service, over one connection that is kept."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.port, self.token = port, token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {"Content-Type": "application/json"} if body is not None else {}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, content, {**sent, **(headers or {})})
            answer = self._connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise

    def list_of(self, user: str, **options: object) -> Reply:
        query = "&".join(f"{name}={quote(str(value))}" for name, value in options.items())
        return self.ask("GET", f"/recommendations/{quote(user, safe='')}?{query}")

    def session(self, **body: object) -> Reply:
        return self.ask("POST", "/recommendations", body)

    def tell(self, *events: Mapping[str, object]) -> Reply:
        return self.ask("POST", "/events", {"events": list(events)})

    def ready(self) -> dict[str, Any]:
        return self.ask("GET", "/ready").json

    def figures(self) -> str:
        return self.ask("GET", "/metrics").body.decode()


def until(condition: Any, what: str) -> None:
    """Wait till something holds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"it never came to that: {what}")


@contextmanager
def served(
    home: Path, *, open_to_all: bool = True, team: WorkerTeam | None = None, **settings: Any
) -> Iterator[tuple[Customer, Service]]:
    """A service of a home in a thread of this process, or a worker of one, and a customer of it."""
    service = opened_service(
        load_settings(home=home, memory_limit="500MB", threads=1, **settings),
        open_to_all=open_to_all,
        look_seconds=0.05,
        team=team,
    )
    config = uvicorn.Config(
        service.app,
        port=0,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=300,
        http=UVICORN_SETTINGS["http"],
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the service listens")
        yield Customer(server.servers[0].sockets[0].getsockname()[1]), service
    finally:
        server.should_exit = True
        thread.join()
        service.close()


class Command:
    """`recsys serve` in a process of its own."""

    def __init__(self, home: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
        own |= {
            "RECSYS_HOME": str(home), "RECSYS_THREADS": "1", "RECSYS_MEMORY_LIMIT": "500MB",
            "OMP_NUM_THREADS": "1", "RECSYS_SERVICE_PORT": "0", **variables,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [RECSYS, "serve", *arguments],
            env=own,
            cwd=cwd or home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"Listening on http://\S+?:(\d+);", line):
                self.port = int(found[1])
                break
        else:
            self.process.wait()

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """Stop it; returns what it said in all."""
        self.process.send_signal(how)
        rest = self.process.communicate(timeout=PATIENCE)[0]
        return self.said + rest
