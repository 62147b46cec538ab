"""Whoever sends an answer byte by byte holds a sender for no longer than one that is silent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from openlineage.client.transport.http import HttpConfig

from recsys_lineage.openlineage.destinations import answer_in_time
from recsys_lineage.openlineage.destinations.destination import Answer
from recsys_lineage.openlineage.destinations.http import HttpDestination
from tests.lineage.delivery.made_stream import made_messages
from tests.lineage.delivery.sink import TAKE, Behaviour, Sink, drip

MESSAGES = made_messages(1)
TIMEOUT = 0.3
LONG = 30.0
"""Half of what a dripping answer takes."""
CREATED = b"HTTP/1.1 201 Created\r\n"
CHUNKED = CREATED + b"Transfer-Encoding: chunked\r\n\r\n"
DRIPS = {
    "the status": (b"HTTP/1.1 2", "0", "later"),
    "one that says to go on": (b"", "HTTP/1.1 100 Continue\r\n\r\n", "later"),
    "a header": (CREATED + b"Content-Length: 0\r\nX: ", "x", "taken"),
    "many headers": (CREATED, "X: x\r\n", "taken"),
    "a body": (CREATED + b"Content-Length: 100000\r\n\r\n", "x", "taken"),
    "a body without an end": (CREATED + b"\r\n", "x", "taken"),
    "the size of a chunk": (CHUNKED, "0", "taken"),
    "a chunk": (CHUNKED + b"ffff\r\n", "x", "taken"),
    "trailers": (CHUNKED + b"0\r\n", "X: x\r\n", "taken"),
    "a refusal": (b"HTTP/1.1 422 No\r\nContent-Length: 100000\r\n\r\nwhy", "x", "refused"),
}


@pytest.fixture(autouse=True)
def _short_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_in_time, "SECONDS_OF_A_BODY", 0.1)


def catalog(url: str, **options: object) -> HttpDestination:
    return HttpDestination("catalog", HttpConfig.from_dict({"url": url, "timeout": TIMEOUT, **options}))


def delivered(destination: HttpDestination) -> Answer:
    """The answer to one message, which is there long before the other side has come to its end."""
    began = time.monotonic()
    (answer,) = destination.deliver(MESSAGES[:1])
    assert answer is not None and time.monotonic() - began < LONG
    return answer


@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_drips_is_read_for_its_time_only_and_the_next_one_is_read_by_itself(what: str) -> None:
    begins, letters, kind = DRIPS[what]
    slow = Behaviour(does="drip", begins=begins, text=letters)
    with Sink(lambda number, _id: TAKE if number else slow) as sink:
        destination = catalog(sink.url)
        assert delivered(destination).kind == kind
        assert delivered(destination).kind == "taken"
        assert (len(sink.asked), sink.connections) == (2, 2)


@contextmanager
def dripping(begins: bytes, letters: bytes) -> Iterator[str]:
    """The address of a server that says this and no more to whoever connects."""
    free = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                drip(connection, begins, letters, free)
            except OSError:
                return

    def accept(server: socket.socket) -> None:
        try:
            while True:
                threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            free.set()
            server.shutdown(socket.SHUT_RDWR)


def test_a_handshake_of_tls_that_drips_is_given_up() -> None:
    record = b"\x16\x03\x03\x40\x00\x02"  # of a handshake, 16 KB that begin as the server's first words do
    with dripping(record, b"\x00") as address:
        assert delivered(catalog(f"https://{address}")).kind == "later"


@pytest.mark.parametrize("begins", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\n"], ids=["status", "headers"])
def test_a_proxy_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch, begins: bytes) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with dripping(begins, b"X: x\r\n" if begins.endswith(b"\n") else b"0") as address:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        assert delivered(catalog("https://catalog.invalid")).kind == "later"


def test_an_endpoint_of_tokens_that_drips_is_given_up() -> None:
    with dripping(CREATED, b"X: x\r\n") as address, Sink() as sink:
        auth = {"type": "jwt", "apiKey": "geheim", "tokenEndpoint": f"http://{address}/token"}
        answer = delivered(catalog(sink.url, auth=auth))
    assert (answer.kind, sink.asked) == ("later", [])
    assert answer.text.startswith("no token: ") and "geheim" not in answer.text
