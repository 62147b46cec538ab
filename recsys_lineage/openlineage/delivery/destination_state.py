"""The state of destinations, and the result of sending to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["delivered", "more", "waiting", "closed", "busy"]


@dataclass(frozen=True)
class Delivered:
    """Result of sending to one destination.

    Attributes:
        destination: its name.
        target: its URL, topic or path.
        state: `delivered`: it has everything; `more`: the time was up; `waiting`: it accepts nothing for now; `closed`:
            it accepts nothing until the settings are corrected; `busy`: another process sends there.
        taken: the number of accepted messages.
        set_aside: the number of refused messages.
        text: the reason for waiting.
        retry_at: the time of the next try, in seconds of the epoch.
    """

    destination: str
    target: str
    state: State
    taken: int = 0
    set_aside: int = 0
    text: str = ""
    retry_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class DestinationState:
    """The state of one destination.

    Attributes:
        destination: its name.
        target: its URL, topic or path.
        done: the number of accepted and refused messages so far, of records and of definitions.
        pending: the number of records that it does not have completely.
        dead_letters: the number of its open dead letters.
        taken: the time of the last accepted message, in seconds of the epoch.
        trouble: the reason for waiting; empty where there is none.
        closed: whether it accepts nothing until the settings are corrected.
        since: the start of the trouble, in seconds of the epoch.
        retry_at: the time of the next try.
    """

    destination: str
    target: str
    done: int
    pending: int
    dead_letters: int
    taken: float | None = None
    trouble: str = ""
    closed: bool = False
    since: float | None = None
    retry_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)
