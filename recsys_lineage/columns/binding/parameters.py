"""Parameters: facts about the values of a statement's `$name` parameters in its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from recsys_lineage.columns.relation import folded

_MANY = 2
"""Numbers from this one on are not distinguished."""


@dataclass(frozen=True)
class Parameters:
    """Facts about the values of parameters, which are all that the lineage depends on.

    Args:
        numbers: name → value of each number of at least 1; larger numbers are stored as 2.
        keyless: the names of those that cannot be the key of a hash: NULL, a blank text, true, false and 0.
    """

    numbers: frozenset[tuple[str, int]] = frozenset()
    keyless: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Parameters:
        """The facts about some values."""
        return cls(
            frozenset(
                (folded(name), _MANY if value >= _MANY else 1)
                for name, value in values.items()
                if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value >= 1
            ),
            frozenset(folded(name) for name, value in values.items() if not _is_key(value)),
        )

    def is_at_least(self, name: str, least: int) -> bool:
        """Whether a parameter is known to be at least a number, which is 1 or 2."""
        return any(known == folded(name) and value >= least for known, value in self.numbers)


def _is_key(value: object) -> bool:
    if isinstance(value, int | float | Decimal):
        return not isinstance(value, bool) and bool(value)
    return value is not None and (not isinstance(value, str | bytes) or bool(value.strip()))


NOTHING_KNOWN = Parameters()
