"""Secrets that must never appear in an event: credentials in URLs, and values of parameters named like secrets."""

from __future__ import annotations

import re
from typing import Any

from recsys_lineage.records.parts.withheld import is_secret_name

HIDDEN = "***"
_USER = re.compile(r"(?<=://)[^/\s'\"@\\<>]+@")
_QUERY = re.compile(
    r"([?&](?:[\w-]*(?:token|signature|credential|secret|password|passwd|key|sas|sig))=)[^&\s'\"\\]+",
    re.IGNORECASE,
)
_USER_IN_BYTES = re.compile(_USER.pattern.replace("(?<=://)", "://").encode())
_QUERY_IN_BYTES = re.compile(_QUERY.pattern.encode(), re.IGNORECASE)


def may_hold_secrets(body: bytes) -> bool:
    """Whether `without_secrets` may find something in a text, decided without decoding it."""
    if b"@" in body and _USER_IN_BYTES.search(body) is not None:
        return True
    return b"?" in body and _QUERY_IN_BYTES.search(body) is not None


def without_secrets(text: str) -> str:
    """A text without users, passwords and signatures in its URLs."""
    if "://" not in text:
        return text
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub("", text))


def shown_value(name: str, value: Any) -> Any:
    """A parameter's value for display; hidden if its name is that of a secret."""
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {str(key): shown_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown_value("", inner) for inner in value]
    return value
