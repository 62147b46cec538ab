"""ProblemProtocol: HTTP whose unreadable requests, too, are answered with problem details."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recsys_assets.service.web.problems import MEDIA_TYPE, problem

UNREADABLE = "This is no request of HTTP/1.1, or its address is longer than 65,535 bytes."


class ProblemProtocol(HttpToolsProtocol):
    """A connection of uvicorn's; what its parser refuses never reaches the application."""

    def send_400_response(self, msg: str) -> None:
        """Answer with a problem, and close the connection."""
        body = bytes(problem(400, UNREADABLE).body)
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
