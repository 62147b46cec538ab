"""Withheld values: values given to the engine that a record must not contain, and their placeholders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

WITHHELD = "…"
_SECRET = re.compile(
    r"pass(?:word|wd|phrase)?(?:$|_)|secret|token|credential|salt|pepper|private|"
    r"(?:^|_)(?:api_?)?keys?$|(?:^|_)(?:auth|dsn|connection|conn|cookie)(?:$|_)",
    re.IGNORECASE,
)
_ROUNDS = 100_000


def is_secret_name(name: str) -> bool:
    """Whether a parameter is named like a secret, such as the key of a hash."""
    return _SECRET.search(name) is not None


def withheld(value: Any) -> str:
    """The placeholder of a value: its type, and for a collection its size and element type, as in `… (list of 3
    str)`."""
    if isinstance(value, Mapping):
        return f"{WITHHELD} ({len(value)} names and values)"
    if isinstance(value, list | tuple | set | frozenset):
        kinds = sorted({type(each).__name__ for each in value})
        return f"{WITHHELD} ({type(value).__name__} of {len(value)} {' or '.join(kinds)})".replace(" )", ")")
    return f"{WITHHELD} ({type(value).__name__})"


def withheld_secret(name: str, value: Any) -> str:
    """The placeholder of a secret: a hash, slow to guess, that distinguishes it from other secrets."""
    return f"{WITHHELD} (secret {_digest(name, repr(value))})"


def is_withheld(value: Any) -> bool:
    """Whether a recorded value is a placeholder."""
    if isinstance(value, Mapping):
        return any(map(is_withheld, value.values()))
    return isinstance(value, str) and value.startswith(f"{WITHHELD} (")


@lru_cache(maxsize=256)
def _digest(name: str, value: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", value.encode(), name.encode(), _ROUNDS).hex()[:16]
