"""DeadLetters: events that a destination refused for good, kept in the lake with its answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

import polars as pl

from recsys_lineage.errors import VersionMoved, WriteConflict
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.destinations.destination import Answer
from recsys_lineage.openlineage.message import Message

TABLE = "openlineage_dead_letters"
_ATTEMPTS = 30
_SCHEMA = {
    "destination": pl.String,
    "message": pl.String,
    "run": pl.String,
    "key": pl.String,
    "record": pl.String,
    "status": pl.Int64,
    "answer": pl.String,
    "set_aside": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class DeadLetter:
    """One refused event.

    Attributes:
        destination: the name of the destination.
        message: the event's id.
        run: its OpenLineage run, if it has one.
        key: its job or dataset.
        record: id of its record.
        status: the HTTP status, if there was an answer.
        answer: the text of the answer, or the error.
        set_aside: the time when it was set aside, UTC.
    """

    destination: str
    message: str
    run: str | None
    key: str
    record: str
    status: int | None
    answer: str
    set_aside: datetime

    @classmethod
    def of(cls, destination: str, message: Message, answer: Answer) -> DeadLetter:
        """The dead letter for a message and its answer, now."""
        return cls(
            destination=destination,
            message=message.id,
            run=message.run,
            key=message.key,
            record=message.record,
            status=answer.status,
            answer=answer.text,
            set_aside=datetime.now(timezone.utc),
        )

    def is_repeated_by(self, message: Message) -> bool:
        """Whether a message is this event again, or an event of a record that could not be translated before."""
        was_untranslated = self.status is None and self.message.startswith(f"{self.record}/")
        return message.id == self.message or (was_untranslated and message.record == self.record)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self) | {"set_aside": self.set_aside.isoformat()}


def letters_in(frame: pl.DataFrame) -> list[DeadLetter]:
    """The dead letters in rows of the table, oldest first."""
    rows = _typed(frame).sort("set_aside", maintain_order=True).to_dicts()
    return [DeadLetter(**row) for row in rows]


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(*_SCHEMA).cast(_SCHEMA)  # pyright: ignore[reportArgumentType]


class DeadLetters:
    """The lake table of refused events; an event that is accepted later is removed.

    Its newest version has the open ones; older versions have former ones, as long as the retention policy keeps them.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def open(self, destination: str | None = None) -> list[DeadLetter]:
        """Open dead letters of one destination or of all, oldest first."""
        frame = self._frame()[0]
        if destination is not None:
            frame = frame.filter(pl.col("destination") == destination)
        return letters_in(frame)

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Add dead letters; an existing one gets the newer answer.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        new = pl.DataFrame([asdict(letter) for letter in letters], schema=_SCHEMA)
        keys = ["destination", "message"]

        def added(frame: pl.DataFrame) -> pl.DataFrame:
            return pl.concat([frame.join(new.select(keys), on=keys, how="anti", maintain_order="left"), new])

        self._change(added)

    def settle(self, destination: str, messages: Collection[str]) -> int:
        """Remove events that were accepted after all; returns their number.

        Raises:
            WriteConflict: other writers kept winning.
            InsufficientSpace: the disk is full or not writable.
        """
        of_them = (pl.col("destination") == destination) & pl.col("message").is_in(list(messages))
        count = self._frame()[0].filter(of_them).height
        if count:
            self._change(lambda frame: frame.filter(~of_them))
        return count

    def _frame(self) -> tuple[pl.DataFrame, int | None]:
        latest = self._lake.latest(TABLE)
        if latest is None:
            return pl.DataFrame(schema=_SCHEMA), None
        return _typed(pl.DataFrame(self._lake.arrow(latest))), latest.version

    def _change(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        for attempt in range(_ATTEMPTS):
            frame, version = self._frame()
            try:
                self._lake.write_arrow(TABLE, change(frame), follows=-1 if version is None else version)
            except VersionMoved:
                time.sleep(random.uniform(0.005, min(0.02 * 2**attempt, 1.0)))
                continue
            return
        raise WriteConflict(
            "An event could not be set aside.",
            expected=f"one of {_ATTEMPTS} attempts to succeed",
            found="another writer committing each time",
            where=self._lake.table_uri(TABLE),
            advice="send again; the event is still in the queue",
        )
