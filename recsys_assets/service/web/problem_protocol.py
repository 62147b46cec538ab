"""ProblemProtocol: HTTP whose unreadable requests, too, are answered with problem details."""

from __future__ import annotations

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recsys_assets.service.web.problems import MEDIA_TYPE, problem

UNREADABLE = "This is no request of HTTP/1.1, or its address is longer than 65,535 bytes."
LARGEST_HEAD = 64 * 1024
"""Bytes of headers or trailers, beside those that come with the first of a request; the parser keeps them in memory."""


class ProblemProtocol(HttpToolsProtocol):
    """A connection of uvicorn's; what its parser refuses never reaches the application, nor do endless headers."""

    _idle = 0
    _advanced = False

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse a request of which so much is neither its beginning nor its body."""
        self._advanced = False
        super().data_received(data)
        self._idle = 0 if self._advanced else self._idle + len(data)
        if self._idle > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"The headers are larger than {LARGEST_HEAD:,} bytes.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._advanced = True
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
