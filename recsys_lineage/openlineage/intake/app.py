"""The HTTP endpoint for events of other systems: `POST /api/v1/lineage`, one event or a list."""

from __future__ import annotations

import hmac
import zlib
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recsys_lineage.errors import LineageError, WrongQuestion
from recsys_lineage.openlineage.delivery.event_lines import MOST_BYTES, EventLine, events_of
from recsys_lineage.openlineage.intake.receiving import Received, one_line, receive, why_refused

if TYPE_CHECKING:
    from recsys_lineage.openlineage.intake.imports import Imports
    from recsys_lineage.openlineage.validation.official_schemas import Schemas

TOKEN = "OPENLINEAGE_INTAKE_TOKEN"
"""The environment variable with the token that senders give as `Authorization: Bearer …`."""
PATHS = ("/api/v1/lineage", "/api/v1/lineage/batch")
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]", "::1"]


class _Refusal(Exception):
    """A request that is refused as a whole."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def intake_app(
    imports: Imports, schemas: Schemas | None = None, token: str | None = None, most_bytes: int = MOST_BYTES
) -> Starlette:
    """The endpoint as an ASGI application.

    An answer of 2xx means that the events are in the lake. One event gets 201; a list gets 200 with the number of
    stored events, and the index and reason of each refused one. A text that is truncated, too large or too deep is
    refused as a whole.

    Args:
        imports: the table for the events.
        schemas: the schemas to validate events against; violations are stored with the event.
        token: the token that senders must give; None where only this machine can reach the endpoint.
        most_bytes: the most bytes of a body, also after decompression.
    """
    lock = Lock()

    def store(lines: list[EventLine]) -> Received:
        with lock:
            return receive(lines, imports, schemas, "HTTP")

    async def post(request: Request) -> Response:
        try:
            _require_allowed(request, token)
            body = await _body(request, most_bytes)
            lines = list(events_of(body))
            _require_whole(lines)
            is_one = not body.lstrip().startswith(b"[")
            if is_one and (reason := why_refused(lines[0])) is not None:
                raise _Refusal(400, reason)
            received = await run_in_threadpool(store, lines)
        except _Refusal as refusal:
            return JSONResponse({"error": refusal.reason}, refusal.status)
        except LineageError as error:  # the sender keeps the events, and comes again
            return JSONResponse({"error": one_line(error)}, 503)
        return Response(status_code=201) if is_one else _response(received)

    hosts = [] if token is not None else [Middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK)]
    return Starlette(routes=[Route(path, post, methods=["POST"]) for path in PATHS], middleware=hosts)


def require_token(host: str, token: str | None) -> None:
    """Require a token unless only this machine can send events.

    Raises:
        WrongQuestion: others could send without one.
    """
    if token or is_loopback(host):
        return
    raise WrongQuestion(
        "Everybody in the network could send events.",
        expected=f"a token in {TOKEN}, or the address 127.0.0.1",
        found=f"{host} and no token",
        advice=f"set {TOKEN} to a long random text, and give it to the senders as their API key",
    )


def is_loopback(host: str) -> bool:
    """Whether an address can be reached only from this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _require_allowed(request: Request, token: str | None) -> None:
    if token is not None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise _Refusal(401, f"a bearer token is needed: that of {TOKEN}")
    # A page in a browser may send other types to this machine without asking, but not this one.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _Refusal(415, "the type of the body must be application/json")


async def _body(request: Request, most: int) -> bytes:
    """The decompressed body; at most the allowed size is held in memory."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise _Refusal(415, f"the encoding {encoding} is not known here; gzip is")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body = bytearray()
    async for chunk in request.stream():
        try:
            body += chunk if unpack is None else unpack.decompress(chunk, most + 1 - len(body))
        except zlib.error:
            raise _Refusal(400, "the body is no gzip") from None
        if len(body) > most or (unpack is not None and unpack.unconsumed_tail):
            raise _Refusal(413, f"the body is larger than {most:,} bytes: send fewer events at once")
    if unpack is not None and not unpack.eof:
        raise _Refusal(400, "the body is cut off")
    return bytes(body)


def _require_whole(lines: list[EventLine]) -> None:
    """Require that the text was read completely; nothing of a truncated one is stored."""
    broken = [line.fault for line in lines if line.fault is not None and not line.is_complete]
    if broken:
        raise _Refusal(400, one_line(broken[0]))


def _response(received: Received) -> Response:
    failed = [{"index": each.index, "reason": each.reason, "retriable": False} for each in received.refused]
    kept = received.events - len(failed)
    answer: dict[str, Any] = {
        "status": "partial_success" if failed else "success",
        "summary": {
            "received": received.events, "successful": kept, "failed": len(failed),
            "retriable": 0, "non_retriable": len(failed),
        },
        "failed_events": failed,
    }  # fmt: skip
    return JSONResponse(answer, 400 if failed and not kept else 200)
