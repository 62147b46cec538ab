"""Problems: errors of a request as problem details (RFC 9457), without any value of the request."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from recsys_lineage.errors import LineageError, did_you_mean

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("recsys.service")


class Refused(Exception):
    """A request that is answered with a problem.

    Args:
        status: of HTTP.
        detail: the fault and the expected value, in a sentence.
        errors: each fault with its place, if there may be several.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers


def problem(
    status: int,
    detail: str,
    errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The HTTP response for a problem."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def in_words(error: LineageError) -> str:
    """An error message as one paragraph."""
    advice = error.advice and f"{error.advice[0].upper()}{error.advice[1:]}."
    parts = [error.message, error.found and f"Found: {error.found}.", advice]
    return " ".join(part for part in parts if part)


def faults(errors: Sequence[Any], known: Collection[str] = ()) -> list[dict[str, str]]:
    """Validation errors of pydantic, without the values.

    Args:
        errors: from pydantic.
        known: names of fields, from which corrections of unknown names are suggested.
    """
    return [
        {
            "where": ".".join(str(part) for part in each["loc"]).encode("ascii", "replace").decode(),
            "what": _what(each, known).encode("ascii", "replace").decode(),
        }
        for each in errors[:20]
    ]


def _what(error: Mapping[str, Any], known: Collection[str]) -> str:
    if known and error["type"] == "extra_forbidden" and error["loc"][0] == "body":
        return f"there is no such field. {did_you_mean(str(error['loc'][-1])[:100], known)}".rstrip()
    return str(error["msg"]).removeprefix("Value error, ")


def log_fault(error: BaseException) -> None:
    """Log an internal error by its type and place only, because its message could hold an id."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    log.error("%s at %s", type(error).__name__, places)
