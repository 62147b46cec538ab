"""Progress: messages from running work to a listener in this process, such as a progress bar."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from recsys_lineage.assets.reading.guarded_threads import unguarded
from recsys_lineage.error_text import class_of


@dataclass(frozen=True)
class Progress:
    """One moment of an asset's run.

    `kind` is start, step (a part of long work, with the completed `fraction` if known), note (a message for people that
    no record may keep), done, kept (unchanged) or failed.
    """

    asset: str
    kind: Literal["start", "step", "note", "done", "kept", "failed"]
    text: str = ""
    fraction: float | None = None
    rows: int | None = None
    seconds: float | None = None


Listener = Callable[[Progress], None]
_listeners: list[Listener] = []
_log = logging.getLogger(__name__)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` for every Progress of this process while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(progress: Progress) -> None:
    """Call every listener with a Progress; one that fails is a warning in the log, because the work goes on."""
    with unguarded():
        for listener in list(_listeners):
            try:
                listener(progress)
            except Exception as error:
                _log.warning("A listener to progress failed: %s", class_of(error))
