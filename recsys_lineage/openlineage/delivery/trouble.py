"""Trouble: the reason why a destination accepts no events, shared by senders so that none hammers it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Trouble:
    """The reason why a destination's queue is blocked.

    Attributes:
        text: the last answer, as text.
        since: its start, in seconds of the epoch.
        tries: the number of tries of the first message.
        message: the id of that message.
        next_try: the earliest time of the next try, in seconds of the epoch.
        closed: whether the destination accepts nothing until the settings are corrected.
        alone: the number of times that the message failed while another one, sent directly after it, was accepted.
    """

    text: str
    since: float
    tries: int
    message: str
    next_try: float
    closed: bool = False
    alone: int = 0

    def again(self, message: str, text: str, now: float, *, closed: bool) -> Trouble:
        """The trouble after one more failed try."""
        if message != self.message:
            return Trouble(text, self.since, 1, message, now, closed)
        return replace(self, text=text, tries=self.tries + 1, closed=closed)


@dataclass(frozen=True)
class Memory:
    """State that a destination's next sender takes over from the previous one.

    Attributes:
        trouble: the reason why the queue is blocked; None where it is not.
        refused_in_a_row: the number of messages set aside since the last accepted one.
        taken: the time of the last accepted message, in seconds of the epoch.
    """

    trouble: Trouble | None = None
    refused_in_a_row: int = 0
    taken: float | None = None

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """The stored trouble of a folder; none if it is missing or damaged, because it only avoids needless tries."""
        try:
            stored = json.loads((folder / "memory.json").read_bytes())
            trouble = stored.pop("trouble")
            return cls(trouble=Trouble(**trouble) if trouble else None, **stored)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def save(self, folder: Path) -> None:
        """Store the memory in a folder."""
        draft = folder / "memory.draft"
        draft.write_text(json.dumps(asdict(self)))
        os.replace(draft, folder / "memory.json")
