"""A catalog for tests: a real HTTP server that stores events and misbehaves as it is told."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from recsys_lineage.openlineage.message import Message


@dataclass(frozen=True)
class Behaviour:
    """What the sink does with one request.

    Attributes:
        status: of the answer.
        stores: whether the event is kept.
        does: `answer`; `hang`: never answer; `reset`: cut the connection instead of answering; `drip`: send what
            `begins` says at once, and go on letter by letter for a minute.
        text: the answer's; of what drips the letters that are sent again and again.
        begins: the beginning of an answer that drips.
        headers: the answer's.
        seconds: to wait before answering.
    """

    status: int = 201
    stores: bool = True
    does: Literal["answer", "hang", "reset", "drip"] = "answer"
    text: str = ""
    begins: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


TAKE = Behaviour()
_LETTERS = 3_000


def refuse(status: int, text: str = "", **headers: str) -> Behaviour:
    """Store nothing, and answer with a status."""
    return Behaviour(status, stores=False, text=text, headers=headers)


Script = Callable[[int, str], Behaviour]
"""What to do with the request of a number (from 0) for an event's id."""


class Sink:
    """A catalog behind a port of this machine.

    Attributes:
        script: decides over each request.
        stored: ids of the events that were stored, each time they were.
        asked: ids of all requests.
        tokens: the Authorization of each request.
        connections: how many were opened.
    """

    def __init__(self, script: Script = lambda _number, _id: TAKE) -> None:
        self.script = script
        self.stored: list[str] = []
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.free = threading.Event()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens, or will."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Sink:
        self.start()
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self.free.set()
        self.stop()
        return False

    def start(self) -> None:
        """Begin to listen."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self.port), _handler(self))
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()

    def take(self, body: bytes) -> tuple[str, Behaviour]:
        """Do with one request what the script says, but for answering."""
        id_ = id_of(body)
        with self._lock:
            number = len(self.asked)
            self.asked.append(id_)
        behaviour = self.script(number, id_)
        if behaviour.stores:
            with self._lock:
                self.stored.append(id_)
        return id_, behaviour


def id_of(body: bytes) -> str:
    """The id of a made-up event, or of a real one of a run or a job."""
    event = json.loads(body)
    if "run" not in event:
        return f"job/{event['job']['name']}"
    return event.get("id") or f"{event['run']['runId']}/{event['eventType']}"


def require_each_once_in_order(stored: Sequence[str], expected: Sequence[Message]) -> None:
    """Require that a catalog to which a repeated event means nothing has each one, of a key in order, none missing.

    Further, that no key was left with an older event as the last one: that would turn the catalog's clock back.
    """
    first = list(dict.fromkeys(stored))
    assert sorted(first) == sorted(message.id for message in expected)
    keys = {message.id: message.key for message in expected}
    for key in set(keys.values()):
        wanted = [message.id for message in expected if message.key == key]
        assert [id_ for id_ in first if keys[id_] == key] == wanted
        assert [id_ for id_ in stored if keys[id_] == key][-1] == wanted[-1]


def drip(connection: socket.socket, begins: bytes, letters: bytes, free: threading.Event) -> None:
    """Send a beginning at once, and letters one by one for a minute, unless the other side goes or `free` is set."""
    connection.sendall(begins)
    for place in range(_LETTERS):
        if free.wait(0.02):
            return
        connection.sendall(letters[place % len(letters) :][:1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            sink.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            sink.tokens.append(self.headers.get("Authorization"))
            _, behaviour = sink.take(body)
            if behaviour.seconds:
                time.sleep(behaviour.seconds)
            if behaviour.does == "hang":
                sink.free.wait(30)
                self.close_connection = True
                return
            if behaviour.does == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            text = behaviour.text.encode()
            if behaviour.does == "drip":
                self.close_connection = True
                drip(self.connection, behaviour.begins, behaviour.text.encode(), sink.free)
                return
            self.send_response(behaviour.status)
            for name, value in behaviour.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler
