"""AccessMiddleware: checks of every request before it is processed, for authentication, size, rate and concurrency."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys_assets.service import tracing
from recsys_assets.service.service_metrics import ServiceMetrics
from recsys_assets.service.web import tokens
from recsys_assets.service.web.problems import Refused, log_fault, problem
from recsys_assets.service.web.tokens import Token

LARGEST_BODY = 1024 * 1024
MOST_DISCARDED = 64 * LARGEST_BODY
"""Bytes that are read of a body that is too large, because a client that is still sending does not read the
response."""
DEEPEST_BODY = 8
BODY_SECONDS = 20.0
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
OPEN = ("/", "/health", "/ready")
"""Paths that need no token; the page at / shows nothing until it has one."""
LOGGED_PATHS = ("/recommendations", "/search")
"""Paths whose GET logs an exposure; a HEAD there shows nobody anything and is refused."""
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


@dataclass
class Access:
    """Access rules of the service.

    Attributes:
        open: whether no token is needed, because only this machine reaches the service.
        tokens: by the hash of their secret.
        rate: requests per second allowed for each token; 0: any number.
        most: number of concurrent requests; further ones are told to retry.
    """

    open: bool
    tokens: Mapping[str, Token] = field(default_factory=dict)
    rate: float = 0.0
    most: int = 512


class AccessMiddleware:
    """ASGI middleware around the service.

    It refuses a request with 401 without a required token, with 403 if the token lacks the scope or a page of another
    site sent the request, with 421 if it is for another host, with 422 if its address is not text, with 400 if it has
    two hosts or two tokens, with 429 if the token exceeds its rate or there are too many concurrent requests, and with
    413 or 400 if its body is too large or nested too deep.
    """

    def __init__(self, app: ASGIApp, access: Access, metrics: ServiceMetrics) -> None:
        self._app, self.access, self._metrics = app, access, metrics
        self._buckets: dict[str, tuple[float, float]] = {}
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and not scope["path"].startswith(LOGGED_PATHS):
            scope = {**scope, "method": "GET"}  # the server sends no body all the same
        with tracing.request(scope["method"], scope["headers"]) as made:
            await self._answer(scope, receive, send, made)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, made: Any) -> None:
        began, status = time.perf_counter(), 500
        started = False

        async def guarded(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                message["headers"] = [*headers, *(each for each in HEADERS if each[0] not in present)]
            await send(message)

        self._inside += 1
        self._metrics.waiting.set(self._inside)
        try:
            self._admit(scope)
            body = receive
            if scope["method"] not in ("GET", "HEAD"):
                body = await asyncio.wait_for(_body_read(receive), BODY_SECONDS)
            await self._app(scope, body, guarded)
        except Refused as refused:
            self._metrics.refused.labels(str(refused.status)).inc()
            answer = problem(refused.status, refused.detail, headers=refused.headers)
            await answer(scope, receive, guarded)
        except asyncio.TimeoutError:
            self._metrics.refused.labels("408").inc()
            answer = problem(408, "The body took too long.", headers={"Connection": "close"})
            await answer(scope, receive, guarded)
        except Exception as error:
            log_fault(error)
            if not started:
                await problem(500, "The service has a fault; its log says where.")(scope, receive, guarded)
        finally:
            self._inside -= 1
            self._metrics.waiting.set(self._inside)
            route = getattr(scope.get("route"), "path_format", "none")
            self._metrics.replied(route, status, time.perf_counter() - began)
            tracing.answered(made, scope["method"], route, status)

    def _admit(self, scope: Scope) -> None:
        headers = {name: value for name, value in reversed(scope["headers"])}
        for once in (b"host", b"authorization"):  # of two, what stands before could believe the other
            if sum(name == once for name, _ in scope["headers"]) > 1:
                raise Refused(400, f"The request has two headers {once.decode().title()}; expected one.")
        open_here = self.access.open and not any(
            name in headers for name in (b"forwarded", b"x-forwarded-for")
        )
        if self.access.open and _name_of(headers.get(b"host", b"")) not in _LOCAL_NAMES and open_here:
            raise Refused(421, "Without a token the service answers to localhost and 127.0.0.1 only.")
        for part in ("raw_path", "query_string"):
            if not _is_text(scope.get(part) or b""):
                raise Refused(422, "The address is not UTF-8.", [{"where": part, "what": "no UTF-8"}])
        scope["state"] = {**scope.get("state", {}), "trusted": open_here}
        if scope["path"] in OPEN and not self._token(headers):
            return
        if open_here and _is_of_elsewhere(headers):
            raise Refused(403, "Without a token the service answers to no page of another site.")
        if not open_here:
            token = self._token(headers)
            if token is None:
                raise Refused(
                    401,
                    "A bearer token is needed: Authorization: Bearer TOKEN. `recsys token add` makes one.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            needed = _scope_of(scope["method"], scope["path"])
            if not token.may(needed):
                raise Refused(
                    403,
                    f"The token lacks the scope {needed!r}.",
                    headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
                )
            scope["state"]["trusted"] = token.may("admin")
            self._spend(token.name)
        if self._inside > self.access.most:
            raise Refused(429, "Too many requests are being answered.", headers={"Retry-After": "1"})

    def _token(self, headers: Mapping[bytes, bytes]) -> Token | None:
        kind, _, secret = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"bearer":
            return None
        return tokens.token_of(secret.strip().decode("latin-1"), dict(self.access.tokens))

    def _spend(self, name: str) -> None:
        """Take one request from the token's bucket, which holds those of one second."""
        rate = self.access.rate
        if not rate:
            return
        now = time.monotonic()
        left, at = self._buckets.get(name, (rate, now))
        left = min(rate, left + (now - at) * rate)
        self._buckets[name] = (max(0.0, left - 1), now) if left >= 1 else (left, now)
        if left < 1:
            raise Refused(429, "The token has exceeded its rate limit.", headers={"Retry-After": "1"})


def _scope_of(method: str, path: str) -> tokens.Scope:
    if path in ("/metrics", "/status") or path.startswith("/preview/"):
        return "admin"
    return "events" if path == "/events" and method == "POST" else "read"


def _is_text(raw: bytes) -> bool:
    """Whether a part of an address is UTF-8 after unquoting; otherwise two ids could be confused."""
    if b"%" not in raw and raw.isascii():
        return True
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_of_elsewhere(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the request comes from a page of another site, by the browser's headers; such a page cannot read the
    response, but its request would be logged."""
    if headers.get(b"sec-fetch-site") == b"cross-site":
        return True
    origin = headers.get(b"origin")
    return origin is not None and _name_of(origin.partition(b"://")[2]) not in _LOCAL_NAMES


def _name_of(host: bytes) -> str:
    """The name in a Host header, without the port."""
    text = host.decode("latin-1").lower()
    return text[: text.index("]") + 1] if text.startswith("[") and "]" in text else text.partition(":")[0]


async def _body_read(receive: Receive) -> Receive:
    """The request's body, read and found to be small and shallow enough, to be received again."""
    parts: list[bytes] = []
    size, more = 0, True
    while more and size <= MOST_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before its body did.")
        part = message.get("body", b"")
        size, more = size + len(part), message.get("more_body", False)
        if size <= LARGEST_BODY:
            parts.append(part)
    if size > LARGEST_BODY:
        raise Refused(
            413, f"The body is larger than {LARGEST_BODY:,} bytes.", headers={"Connection": "close"}
        )
    body = b"".join(parts)
    if _is_deep(body):
        raise Refused(400, f"The body is nested more than {DEEPEST_BODY} deep.")
    is_sent = False

    async def replay() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _is_deep(body: bytes) -> bool:
    """Whether JSON is nested too deep; brackets inside of texts do not count."""
    depth = 0
    if body.count(b"[") + body.count(b"{") <= DEEPEST_BODY:
        return False
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST_BODY:
            return True
    return False
