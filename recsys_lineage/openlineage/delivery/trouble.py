"""Trouble: why a destination accepts no events, kept between senders so that none hammers it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Trouble:
    """The reason why a destination's queue is blocked.

    Attributes:
        text: the last answer, in words.
        since: when it began, seconds of the epoch.
        tries: how often the message at the head was tried.
        message: its id.
        next_try: not before, seconds of the epoch.
        closed: whether it takes nothing until the settings are mended.
        alone: how often that message was not taken while another one, sent at once behind it, was.
    """

    text: str
    since: float
    tries: int
    message: str
    next_try: float
    closed: bool = False
    alone: int = 0

    def again(self, message: str, text: str, now: float, *, closed: bool) -> Trouble:
        """After one more try that failed."""
        if message != self.message:
            return Trouble(text, self.since, 1, message, now, closed)
        return replace(self, text=text, tries=self.tries + 1, closed=closed)


@dataclass(frozen=True)
class Memory:
    """State that a destination's next sender takes over from the previous one.

    Attributes:
        trouble: what the queue stands still for; None when it does not.
        refused_in_a_row: messages that were set aside since one was taken.
        taken: when one was taken last, seconds of the epoch.
    """

    trouble: Trouble | None = None
    refused_in_a_row: int = 0
    taken: float | None = None

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """The stored trouble of a folder; none if it is missing or damaged, because it only saves attempts."""
        try:
            kept = json.loads((folder / "memory.json").read_bytes())
            trouble = kept.pop("trouble")
            return cls(trouble=Trouble(**trouble) if trouble else None, **kept)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def save(self, folder: Path) -> None:
        """Keep it."""
        draft = folder / "memory.draft"
        draft.write_text(json.dumps(asdict(self)))
        os.replace(draft, folder / "memory.json")
