"""Headers that do not end are refused before they fill the memory, whoever sends them."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from recsys_assets.service.web import problem_protocol
from tests.service.running import until


async def well(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = "recsys_assets.service.web.problem_protocol:ProblemProtocol"
    server = uvicorn.Server(uvicorn.Config(well, lifespan="off", http=protocol, log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started, "the server listens")
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(30)


@pytest.mark.parametrize("part", [b"X: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many", "one"])
def test_headers_without_end_are_refused(port: int, part: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nY: ")
        try:
            connection.sendall(part * 4000)
            said = connection.recv(1000)
        except (ConnectionResetError, BrokenPipeError):
            return  # it was closed before all was sent, which a sender may hear first
    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in said


def test_many_small_requests_are_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3000)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answers"),
    [(b"", []), (WHOLE[:-2], []), (WHOLE + WHOLE[:9], [b"200"])],
    ids=["nothing", "half", "half of the next"],
)
def test_headers_that_do_not_come_are_not_waited_for(
    port: int, sent: bytes, answers: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem_protocol, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [*answers, b"408"]
