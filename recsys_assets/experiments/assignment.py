"""Assignment: the arm of a customer or a session, computed by a keyed hash without any state."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

_STEPS = 2**53
"""Steps of the unit interval: every whole number below this one is exact as a float."""


def place(key: bytes, experiment: str, unit: str) -> float:
    """A unit's position in an experiment, uniform over [0, 1).

    The same key, experiment and unit always give the same place, in every process. Places in two experiments are
    independent, because the experiment's name is part of the hashed text (HMAC-SHA-256, RFC 2104). Without the key
    nobody can tell a customer's arm or find customers of one arm.

    Args:
        key: the shop's secret.
        experiment: the experiment's name.
        unit: id of a customer or of a session.

    Raises:
        ValueError: the key is empty.
    """
    if not key:
        raise ValueError("customers cannot be assigned to arms with an empty key")
    name = experiment.encode()
    message = len(name).to_bytes(4, "big") + name + unit.encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, message, "sha256")
    return (int.from_bytes(digest[:8], "big") >> 11) / _STEPS


def arm_at(shares: Sequence[float], at: float) -> int:
    """The index of the arm that covers a place; arms lie side by side in the order of `shares`, which sum to 1."""
    end = 0.0
    for index, share in enumerate(shares):
        end += share
        if at < end:
            return index
    return max(index for index, share in enumerate(shares) if share > 0)
