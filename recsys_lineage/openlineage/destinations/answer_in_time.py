"""AnswersInTime: an adapter for `requests` whose timeout covers the whole answer.

The timeout of `requests` starts again with each byte, so that it would read for hours from a server that sends a byte a
second. Connecting, the TLS handshake and sending have their own timeouts in Python's sockets.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache
from http.client import HTTPResponse
from threading import Thread
from typing import Any, TypeVar, cast

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

_T = TypeVar("_T")
SECONDS_OF_A_BODY = 5.0
"""Seconds for reading the body of an answer; its status, which is what counts, was read before."""


class AnswersInTime(HTTPAdapter):
    """Adapter that reads the head of an answer, or of a proxy's to CONNECT, within the read timeout, and limits the
    time of its body.

    A status that arrived in time is the answer; otherwise `requests.exceptions.ReadTimeout` is raised.
    """

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """The pool of a host, as kept by `requests`, with connections of this kind."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _in_time(type(pool).ConnectionCls)
        return pool


def answer_in_time(call: Callable[[], _T], seconds: float) -> _T:
    """Return value of a call without its own time limit; a call that does not return in time is abandoned.

    Raises:
        TimeoutError: the call did not return in time.
        Exception: the call's own error.
    """
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds)
    except FutureTimeout:  # before Python 3.11 no TimeoutError
        if answer.done():
            raise
        raise TimeoutError(f"no answer within {seconds:g} s") from None


@cache
def _in_time(kind: type[Any]) -> type[Any]:
    return type(f"{kind.__name__}InTime", (kind,), {"response_class": _AnswerInTime})


class _AnswerInTime(HTTPResponse):
    """An answer with a time limit for every read: a line, a header, the size of a chunk."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._bytes = _Bytes(sock)
        super().__init__(cast(Any, self._bytes), *args, **kwargs)

    def begin(self) -> None:
        """Read the head: all of it, or the part that arrived in time if it contains the status.

        Raises:
            TimeoutError: the status did not arrive in time.
        """
        self._bytes.may_end = lambda: isinstance(self.status, int)
        super().begin()
        self._bytes.may_end = lambda: False
        seconds = SECONDS_OF_A_BODY
        if self._bytes.is_over:  # what is still to come of this head would be taken for the next answer
            self.will_close, seconds = True, 0.0
        self._bytes.end = time.monotonic() + seconds


class _Bytes(io.RawIOBase):
    """Bytes of a socket within the time limit.

    Attributes:
        end: the time limit on the monotonic clock; none when None.
        may_end: whether reaching it counts as the end of all bytes; otherwise it is an error.
        is_over: whether a read found the time to be up.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._seconds = sock, sock.gettimeout()
        self._holds = sock.makefile("rb", buffering=0)  # as long as somebody reads, the socket stays open
        self.end = None if self._seconds is None else time.monotonic() + self._seconds
        self.may_end: Callable[[], bool] = lambda: False
        self.is_over = False

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        """The socket's file interface for an answer."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Always true: the bytes can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the available bytes.

        Raises:
            TimeoutError: the time is up before the end.
        """
        left = None if self.end is None else self.end - time.monotonic()
        try:
            if left is not None and left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
            return self._sock.recv_into(buffer)
        except TimeoutError:
            self.is_over = True
            if self.may_end():
                return 0
            raise
        finally:
            if self._sock.fileno() >= 0:
                self._sock.settimeout(self._seconds)

    def close(self) -> None:
        """Release the socket."""
        self._holds.close()
        super().close()
