"""AnswersInTime: an adapter of `requests` whose timeout counts for the whole head of an answer.

The timeout of `requests` counts from one byte to the next, so that a server that sends its headers a byte a second
would be listened to for hours.
"""

from __future__ import annotations

import socket
from functools import cache
from http.client import HTTPException
from threading import Timer
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse


class AnswersInTime(HTTPAdapter):
    """Opens connections that are cut where the head of an answer has not come within the read timeout.

    A status that had come by then is the answer; where none had, `requests.exceptions.ReadTimeout` is raised.
    """

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """The pool of a host, as `requests` keeps it, with connections of this kind."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _watched(type(pool).ConnectionCls)
        return pool


@cache
def _watched(kind: type[Any]) -> type[Any]:
    class Watched(kind):
        """A connection that somebody looks at while its answer's head is read."""

        def getresponse(self) -> BaseHTTPResponse:
            connection: HTTPConnection = self  # pyright: ignore[reportAssignmentType]
            seconds, sock = connection.timeout, connection.sock
            if seconds is None or sock is None:
                return super().getresponse()
            watch = Timer(seconds, _cut, (sock,))
            watch.daemon = True
            watch.start()
            try:
                return super().getresponse()
            except (OSError, HTTPException) as error:
                if watch.finished.is_set():
                    raise TimeoutError(f"no whole answer within {seconds:g} s") from error
                raise
            finally:
                watch.cancel()

    return Watched


def _cut(sock: socket.socket) -> None:
    """Have whoever reads from a socket come to its end, of TLS too: its own `shutdown` is not for other threads."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:  # it was closed meanwhile
        return
