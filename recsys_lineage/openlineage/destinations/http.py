"""HttpDestination: a catalog that accepts one event per POST, such as Marquez.

The client's settings are used, but not its transport: it retries and sleeps by itself, follows a redirect with a GET
that stores nothing, and gives up after 5 seconds, although a catalog needs longer for a wide table.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from threading import local
from typing import Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
from openlineage.client.transport.http import (
    ApiKeyTokenProvider,
    HttpCompression,
    HttpConfig,
    TokenProvider,
)
from requests.auth import AuthBase
from requests.utils import get_netrc_auth
from urllib3.exceptions import HTTPError

from recsys_lineage.openlineage.destinations.answer_in_time import AnswersInTime, answer_in_time
from recsys_lineage.openlineage.destinations.destination import TAKEN, Answer, without
from recsys_lineage.openlineage.destinations.key_order import in_order
from recsys_lineage.openlineage.message import Message

SECONDS = 60.0
"""Seconds to wait for an answer, unless the settings name another time."""
_READ, _MOST = 8_192, 65_536
_WINDOW = 16
# Of these an answer concerns the request's address or its sender, not the event.
_CLOSED = frozenset({401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 421, 426, 431, 451, 501, 505, 511})
_LATER = frozenset({408, 423, 425, 429})
_PAGE = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)

_SECRETS = ("api_key", "client_secret")


class _Bearer(AuthBase):
    """A token in the header; an auth object prevents a `.netrc` file from replacing it."""

    def __init__(self, bearer: str) -> None:
        self._bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._bearer
        return request


class HttpDestination:
    """A catalog behind a URL.

    Args:
        name: its name in the settings.
        config: the client's configuration: URL, endpoint, token and the like. Its `retry` is not used.
        workers: the number of concurrent requests; `belong_in_order` decides which messages stay in order.
    """

    def __init__(self, name: str, config: HttpConfig, workers: int = 1) -> None:
        self.name, self._config, self._workers = name, config, workers
        self._url = urljoin(config.url.strip(), config.endpoint)
        self.target = shown_url(self._url)
        self.at_once = 1 if workers == 1 else workers * _WINDOW
        self._pool = ThreadPoolExecutor(workers, "openlineage") if workers > 1 else None
        self._of_thread = local()
        self._sessions: list[requests.Session] = []
        ssl = config.ssl_context
        self._verify = (ssl.ca_cert_path if ssl else None) or config.verify
        self._cert = ssl.as_requests_cert() if ssl else None
        found = (urlsplit(self._url).password, *(getattr(config.auth, each, None) for each in _SECRETS))
        self._secrets = [secret for secret in (*found, *config.custom_headers.values()) if secret]

    def deliver(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Send messages; see `Destination`."""
        if self._pool is None:
            answers: list[Answer | None] = [None] * len(messages)
            for place, message in enumerate(messages):
                answer = answers[place] = self._post(message.body)
                if answer.kind != "taken":
                    break
            return answers
        return in_order(messages, self._post_of, self._pool, self._workers)

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.shutdown()
        for session in self._sessions:
            session.close()

    def _post_of(self, message: Message) -> Answer:
        return self._post(message.body)

    def _post(self, body: bytes) -> Answer:
        try:
            bearer = self._bearer()
        except Exception as error:  # of a token endpoint, or of a provider that the settings name
            return Answer("later", self._without_secrets(f"no token: {error}"))
        headers = {"Content-Type": "application/json", **self._config.custom_headers}
        if self._config.compression == HttpCompression.GZIP:
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=3), "gzip"
        try:
            with self._session().post(
                self._url,
                data=body,
                headers=headers,
                auth=bearer,
                timeout=self._config.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._answer(response)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            return Answer("closed", self._without_secrets(_reason(error)))
        except (requests.RequestException, OSError) as error:
            return Answer("later", self._without_secrets(_reason(error)))

    def _answer(self, response: requests.Response) -> Answer:
        status = response.status_code
        kind = kind_of(status)
        text = _beginning(response)
        if kind == "taken" and not _PAGE.match(text):
            return TAKEN
        if kind == "taken":  # of a proxy, a log-in or a catalog's web page: nothing was stored
            return Answer("closed", f"it answers with a web page, as no catalog does: {self.target}", status)
        words = text.decode(errors="replace")
        if 300 <= status < 400:
            words = f"it is elsewhere: {shown_url(response.headers.get('Location', '?'))}"
        return Answer(
            kind, self._without_secrets(words), status, _retry_after(response.headers.get("Retry-After"))
        )

    def _bearer(self) -> AuthBase | None:
        auth = self._config.auth
        # Others ask an endpoint for the token.
        is_known = type(auth) in (TokenProvider, ApiKeyTokenProvider)
        bearer = auth.get_bearer() if is_known else answer_in_time(auth.get_bearer, self._config.timeout)
        if bearer is None:
            return None
        token = bearer.removeprefix("Bearer ")
        if token not in self._secrets:
            self._secrets.append(token)
        return _Bearer(bearer)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, AnswersInTime())
            self._sessions.append(session)
            # The environment's proxies and certificates are read once: reading them for each request takes longer
            # than all else that is done for it here.
            found = session.merge_environment_settings(self._url, {}, True, self._verify, self._cert)
            session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
            session.auth = get_netrc_auth(self._url)
            session.trust_env = False
        return session

    def _without_secrets(self, text: str) -> str:
        return without(self._secrets, text)


def _beginning(response: requests.Response) -> bytes:
    """Body of an answer, read to its end so that the connection is reused; truncated if it is endless or slow."""
    text = b""
    with suppress(
        requests.RequestException, HTTPError, OSError
    ):  # the status has arrived, and only it counts
        while len(text) < _MOST and (part := response.raw.read1(_READ)):
            text += part
    return text


def kind_of(status: int) -> Literal["taken", "refused", "later", "closed"]:
    """Meaning of an HTTP status for an event."""
    if 200 <= status < 300:
        return "taken"
    if status in _LATER or (status >= 500 and status not in _CLOSED):
        return "later"
    return "closed" if status < 400 or status in _CLOSED else "refused"


def shown_url(url: str) -> str:
    """A URL without user, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _retry_after(text: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds in a Retry-After, which is a number or a date."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:  # neither: treated as missing
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.fromtimestamp(now(), timezone.utc)).total_seconds())


def _reason(error: BaseException) -> str:
    """Message of the innermost error, because the outer ones repeat the URL and objects' addresses."""
    if isinstance(error, requests.Timeout):
        return "no answer in time" if isinstance(error, requests.ReadTimeout) else "no connection in time"
    cause: BaseException | None = error
    while cause is not None:
        error = cause
        inner = getattr(cause, "reason", None) or next(
            (each for each in getattr(cause, "args", ()) if isinstance(each, BaseException)), None
        )
        cause = inner if isinstance(inner, BaseException) else cause.__cause__ or cause.__context__
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"no connection: {words}" if isinstance(error, OSError) else words
