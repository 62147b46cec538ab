"""Secrets in URLs and connection strings: users, passwords, keys and signatures, and texts without them."""

from __future__ import annotations

import re
from collections.abc import Callable

HIDDEN = "***"
_USER = re.compile(r"(?<=://)(?:[^/\s'\"\\<>]+|[^/\s'\"\\<>:@]*:(?!\d{1,5}/)[^\s'\"\\<>@]*)@")
"""A user, with or without a password, which may contain an @ or a slash that should have been encoded."""
_QUERY = re.compile(
    r"([?&](?:[\w-]*(?:token|signature|credential|secret|password|passwd|key|sas|sig))=)([^&\s'\"\\]+)",
    re.IGNORECASE,
)
_CONNECTION = re.compile(
    r"(?:^|(?<=[\s;]))((?:password|passwd|pwd|\w*key|sig)\s?=\s?)([^\s;&]+)", re.IGNORECASE
)
"""A secret in a connection string such as `host=db password=…` or `AccountName=shop;AccountKey=…`."""
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


def with_replaced_secrets(text: str, replacement: Callable[[str], str]) -> str:
    """A URL or connection string with each password, key and signature replaced; a user without a password stays."""

    def value(match: re.Match[str]) -> str:
        return match[1] + replacement(match[2])

    def user(match: re.Match[str]) -> str:
        name, colon, password = match[0][:-1].partition(":")
        return f"{name}{colon}{replacement(password)}@" if password else match[0]

    if "://" in text:
        return _QUERY.sub(value, _USER.sub(user, text))
    return _CONNECTION.sub(value, text) if "=" in text else text
