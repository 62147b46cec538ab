"""Seen: digests of what an asset saw outside or took of its inputs, comparable without revealing a value.

Such a text is only ever compared, so what it says need not be known: of a text that could be a cell of a table the
record keeps a digest. Names of tables, days and digests stay as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

_DIGEST = re.compile(r"sha256:[0-9a-f]{16,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LENGTH = 32


def digest_of(text: str, length: int = _LENGTH) -> str:
    """The digest of a text, as a record keeps it: `sha256:` and so many hexadecimal digits, 16 to 64."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:length]}"


def is_day(text: str) -> bool:
    """Whether a text is a day, like names of partitions, and so no personal data."""
    return _DAY.fullmatch(text) is not None


def as_seen(value: Any, names: Collection[str] = ()) -> Any:
    """A JSON value without a text that could be a cell of a table; that of such a value is the value itself.

    Args:
        value: texts in it, keys of objects included, become their digest; numbers, which are counts, stay.
        names: texts that are known to be none, such as names of tables.
    """
    if isinstance(value, str):
        known = value in names or _DIGEST.fullmatch(value) or is_day(value)
        return value if known else digest_of(value)
    if isinstance(value, Mapping):
        return {as_seen(str(key), names): as_seen(held, names) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [as_seen(held, names) for held in value]
    return value


def is_as_seen(kept: Any, now: Any, names: Collection[str] = ()) -> bool:
    """Whether a record's digest matches the current observation; older records keep the observation itself."""
    return kept == now or kept == as_seen(now, names)
