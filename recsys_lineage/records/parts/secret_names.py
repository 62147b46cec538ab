"""Secret names: names that say that a value is a secret, such as the key of a hash."""

from __future__ import annotations

import re
from typing import Any

_ANYWHERE = re.compile(
    r"password|passwd|passphrase|passcode|secret|token|credential|salt|pepper|private|bearer|webhook|cookie"
    r"|authorization|authentication|signature"
)
_WORDS = {
    "pass",
    "pwd",
    "pw",
    "auth",
    "jwt",
    "dsn",
    "conn",
    "connection",
    "sas",
    "pin",
    "otp",
    "apikey",
    "accesskey",
}
_AFTER_A_KEY = {"id", "ids", "bytes", "hex", "text", "value", "string", "str", "pem", "base", "material", "v"}
_OPENING = {
    "access",
    "account",
    "aes",
    "api",
    "client",
    "encryption",
    "hash",
    "hmac",
    "shared",
    "signing",
    "ssh",
}
"""Purposes of secret keys; other keys in a list, as in `keys=["user_id"]`, name columns."""
_COUNTS = {
    "max", "min", "n", "num", "count", "size", "length", "limit", "per", "days", "hours", "minutes",
    "seconds", "ttl", "timeout",
}  # fmt: skip
_WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]*")


def is_secret(name: str, value: Any = "…") -> bool:
    """Whether a value is a secret by its name, which may be written `api_key`, `apiKey` or `API_KEY_2`.

    A flag, an empty value and None are none; nor is a number that counts, as in `max_tokens=512`.
    """
    if value is None or isinstance(value, bool) or (isinstance(value, str | bytes) and not value):
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    if isinstance(value, int | float) and not _COUNTS.isdisjoint(words):
        return False
    if _ANYWHERE.search("".join(words)) or not _WORDS.isdisjoint(words):
        return True
    while words and words[-1] in _AFTER_A_KEY:
        words.pop()
    if not words or words[-1] not in ("key", "keys"):
        return False
    is_list = isinstance(value, list | tuple | set | frozenset)
    return words[-1] == "key" or not is_list or not _OPENING.isdisjoint(words)
