"""Seen: digests of an asset's observations and input parts, comparable without revealing a value.

Such a text is only ever compared, so its content is not needed: the record keeps a digest of a text that could be a
cell of a table. Names of tables, days and digests stay unchanged.
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
    """The digest of a text in a record: `sha256:` and 16 to 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:length]}"


def is_day(text: str) -> bool:
    """Whether a text is a day, as in names of partitions, and so no personal data."""
    return _DAY.fullmatch(text) is not None


def days_in(text: str) -> list[str]:
    """The days that a text names."""
    return _DAY.findall(text)


def as_seen(value: Any, names: Collection[str] = ()) -> Any:
    """A JSON value with digests in place of texts that could be cells of a table; applying it twice changes nothing.

    Args:
        value: its texts, keys of objects included, become digests; numbers, which are counts, stay. What JSON does not
            know, such as a date, is taken for its text.
        names: texts that are known to be harmless, such as names of tables.
    """
    if isinstance(value, str):
        known = value in names or _DIGEST.fullmatch(value) or is_day(value)
        return value if known else digest_of(value)
    if isinstance(value, Mapping):
        return {as_seen(str(key), names): as_seen(held, names) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [as_seen(held, names) for held in value]
    if isinstance(value, set | frozenset):
        return sorted((as_seen(held, names) for held in value), key=str)
    return value if value is None or isinstance(value, bool | int | float) else as_seen(str(value), names)


def is_as_seen(kept: Any, now: Any, names: Collection[str] = ()) -> bool:
    """Whether a record's digest matches the current observation; older records keep the observation itself."""
    return kept == now or kept == as_seen(now, names)
