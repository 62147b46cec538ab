"""Withheld values: values given to the engine that a record must not contain, and their placeholders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

WITHHELD = "…"
_SECRET = f"{WITHHELD} (secret "
_ROUNDS = 100_000


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
    return f"{_SECRET}{_digest(name, _stable(value))})"


def is_withheld(value: Any) -> bool:
    """Whether a recorded value is a placeholder, or contains one."""
    if isinstance(value, Mapping):
        return any(map(is_withheld, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_withheld, value))
    return isinstance(value, str) and (value.startswith(f"{WITHHELD} (") or _SECRET in value)


def _stable(value: Any) -> str:
    """A value as a text that is the same in every process."""
    if isinstance(value, set | frozenset):
        return repr(sorted(map(_stable, value)))
    if isinstance(value, list | tuple):
        return repr(
            [_stable(each) if isinstance(each, set | frozenset | list | tuple) else each for each in value]
        )
    return repr(value)


@lru_cache(maxsize=256)
def _digest(name: str, value: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", value.encode(), name.encode(), _ROUNDS).hex()[:16]
