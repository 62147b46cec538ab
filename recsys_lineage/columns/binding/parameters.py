"""Parameters: what is known of the values that a statement's `$name` parameters had when it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from recsys_lineage.columns.relation import folded

_MANY = 2
"""No difference is made between numbers from here on."""


@dataclass(frozen=True)
class Parameters:
    """What is known of the values of parameters, which is all that the lineage depends on.

    Args:
        numbers: names of those that are numbers of at least 1, each with its value, 2 at most.
        empty: names of those that are NULL or a text without a letter, which is no key of a hash.
    """

    numbers: frozenset[tuple[str, int]] = frozenset()
    empty: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Parameters:
        """What is known of some values."""
        return cls(
            frozenset(
                (folded(name), _MANY if value >= _MANY else 1)
                for name, value in values.items()
                if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value >= 1
            ),
            frozenset(folded(name) for name, value in values.items() if value is None or value in ("", b"")),
        )

    def is_at_least(self, name: str, least: int) -> bool:
        """Whether a parameter is known to be at least a number, 2 at most."""
        return any(known == folded(name) and value >= least for known, value in self.numbers)


NOTHING_KNOWN = Parameters()
