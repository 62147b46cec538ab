"""Announced: the definitions sent to a destination, each once, and again when it changes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from recsys_lineage.openlineage.message import Message


class Announced:
    """Ids of the definitions last sent to a destination, by job.

    It only avoids repetition: if the file is missing or damaged, all definitions are sent again.

    Attributes:
        count: the number of definitions sent, changed ones counted again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "announced.json"
        try:
            stored = json.loads(self._path.read_bytes())
            ids = (
                stored["ids"] if isinstance(stored.get("ids"), dict) else stored
            )  # as it was kept without a count
            self._ids: dict[str, str] = {str(key): str(id_) for key, id_ in ids.items()}
            self.count = int(stored["count"]) if ids is not stored else len(ids)
        except (FileNotFoundError, ValueError, AttributeError, KeyError, TypeError):
            self._ids, self.count = {}, 0
        self._fresh: set[str] = set()

    def new(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The definitions that were not sent yet."""
        for message in messages:
            if self._ids.get(message.key) != message.id:
                self._fresh.add(message.id)
                yield message

    def done(self, message: Message) -> bool:
        """Note that a message is done, if it is one of these; returns whether it is."""
        if message.id not in self._fresh:
            return False
        self._fresh.discard(message.id)
        self._ids[message.key] = message.id
        self.count += 1
        return True

    def save(self) -> None:
        """Store the noted definitions."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({"count": self.count, "ids": self._ids}))
        os.replace(draft, self._path)
