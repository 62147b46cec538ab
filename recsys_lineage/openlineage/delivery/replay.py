"""Replay: the runs to send again, and the progress so far.

Whole runs are sent, in the stream's order, and with each all later runs of the same job. Otherwise a catalog that gets
an older event last would show the older state as the newest, and a run whose START comes last as running.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from recsys_lineage.openlineage.message import Message

_FILE = "replay.json"


@dataclass(frozen=True)
class Replay:
    """Selection of runs to send again.

    Attributes:
        since: runs that began then or later, as ISO 8601 with a zone.
        runs: OpenLineage runs, by their ids.
        records: runs of these records, by their ids.
        behind: the last message sent; only later ones follow.
    """

    since: str | None = None
    runs: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    behind: str | None = None

    def chosen(self, messages: Iterable[Message], before: str | None = None) -> Iterator[Message]:
        """The messages to send, in order.

        Args:
            messages: all messages of the stream.
            before: id of the first message that was never sent, at which the replay ends.
        """
        keys: set[str] = set()
        passed = self.behind is None
        for message in messages:
            if message.id == before:
                return
            if message.key not in keys:
                if not self._begins_with(message):
                    continue
                keys.add(message.key)
            if passed:
                yield message
            passed = passed or message.id == self.behind

    def _begins_with(self, message: Message) -> bool:
        if message.run in self.runs or message.record in self.records:
            return True
        if self.since is None or not message.body:
            return False
        # Only the START of a run has the time when it began.
        if message.run is not None and not message.id.endswith("/START"):
            return False
        return moment(json.loads(message.body)["eventTime"]) >= moment(self.since)

    def rest_after(self, message: Message) -> Replay:
        """The rest of the replay after a message was sent."""
        return replace(self, behind=message.id)

    def save(self, folder: Path) -> None:
        """Store the replay, so that the next sender can finish it."""
        draft = folder / f"{_FILE}.draft"
        draft.write_text(json.dumps(asdict(self)))
        os.replace(draft, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> Replay | None:
        """The stored replay that is not finished."""
        try:
            stored = json.loads((folder / _FILE).read_bytes())
        except FileNotFoundError:
            return None
        return cls(**stored | {"runs": tuple(stored["runs"]), "records": tuple(stored["records"])})

    @staticmethod
    def forget(folder: Path) -> None:
        """Delete the stored replay, which is finished."""
        (folder / _FILE).unlink(missing_ok=True)


def moment(text: str) -> datetime:
    """A moment from ISO 8601; UTC where it has no zone.

    Raises:
        ValueError: the text is no moment.
    """
    # Python 3.10 knows no Z.
    found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
