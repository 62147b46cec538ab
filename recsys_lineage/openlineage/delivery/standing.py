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
        state: `delivered`: it has everything; `more`: the time was up; `waiting`: it takes nothing for now;
            `closed`: it takes nothing until the settings are mended; `busy`: another process sends there.
        taken: messages that it took.
        set_aside: messages that it refused.
        text: what it waits for, in words.
        retry_at: seconds of the epoch before which it is not asked again.
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
class Standing:
    """The state of one destination.

    Attributes:
        destination: its name.
        target: its URL, topic or path.
        done: messages that it has taken or refused so far, of records and of definitions.
        pending: records of which it does not have everything.
        dead_letters: events that it refused, still set aside.
        taken: when it took something last, seconds of the epoch.
        trouble: what it waits for, in words; empty where nothing stands in the way.
        closed: whether it takes nothing until the settings are mended.
        since: since when, seconds of the epoch.
        retry_at: when it is asked again.
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
