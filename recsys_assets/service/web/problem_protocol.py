"""ProblemProtocol: an HTTP protocol that answers even unreadable requests with problem details."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recsys_assets.service.web.problems import MEDIA_TYPE, problem

UNREADABLE = "This is no request of HTTP/1.1, or its address is longer than 65,535 bytes."
LARGEST_HEAD = 64 * 1024
"""Largest number of bytes of headers or trailers, besides those in the first packet of a request; the parser keeps them
in memory."""
HEAD_SECONDS = 20.0
"""Time limit for a request's headers, from a new connection or from the request's first byte."""


class ProblemProtocol(HttpToolsProtocol):
    """A connection of uvicorn that answers requests which never reach the application: unparsable ones, and endless or
    late headers.

    A connection that waits for its next request is closed by uvicorn; one that sends nothing or stops within headers,
    here.
    """

    _idle = 0
    _advanced = False
    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._head_came()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._late)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_for_head()  # of the request before there is an answer on its way
        else:
            self._refuse(408, "The headers took too long.")

    def on_headers_complete(self) -> None:
        """Called when the head of a request is complete."""
        self._head_came()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse received data, and refuse a request whose head is too large."""
        self._advanced = False
        super().data_received(data)
        self._idle = 0 if self._advanced else self._idle + len(data)
        if self._idle > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"The headers are larger than {LARGEST_HEAD:,} bytes.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._advanced = True
        self._wait_for_head()
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A part of a body came."""
        self._advanced = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer with a problem, and close the connection."""
        self._refuse(400, UNREADABLE)

    def _refuse(self, status: int, why: str) -> None:
        refused = problem(status, why)
        body = bytes(refused.body)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
