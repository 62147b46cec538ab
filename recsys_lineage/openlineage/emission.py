"""Emission: the settings of a lake's events, and their destinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from recsys_lineage.openlineage.translation.asset_description import AssetDescription

if TYPE_CHECKING:
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.delivery.delivery import Delivery
    from recsys_lineage.openlineage.message import Message
    from recsys_lineage.openlineage.translation.event_options import EventOptions
    from recsys_lineage.openlineage.translation.stream import Stream


@dataclass(frozen=True)
class Emission:
    """Settings of a lake's events and their destinations.

    Attributes:
        folder: a folder on this machine's disk for the default file and each destination's progress.
        environment: the variables with the client's settings; those of this process when None.
        code_location: the code location of records without one.
        repository: the URL of the code's git repository.
        checkout: the repository's folder where the code runs.
        commit: the commit of the code.
        describe: returns the description of each deployed asset; None where only the records are known.
        workers: the number of concurrent requests to each catalog.
    """

    folder: Path
    environment: Mapping[str, str] | None = None
    code_location: str = "lineage"
    repository: str | None = None
    checkout: str | None = None
    commit: str | None = None
    describe: Callable[[], Mapping[str, AssetDescription]] | None = None
    workers: int = 1

    @cached_property
    def assets(self) -> Mapping[str, AssetDescription]:
        """Description of each deployed asset."""
        return {} if self.describe is None else self.describe()

    @property
    def options(self) -> EventOptions:
        """The names of jobs and datasets in events, for callers that only need these."""
        from recsys_lineage.openlineage.client_settings import job_namespace
        from recsys_lineage.openlineage.translation.event_options import EventOptions

        return EventOptions(self.code_location, job_namespace(self.environment))

    def stream(self, lake: Lake) -> Stream:
        """All events of a lake's records.

        Raises:
            BadClientSettings: the namespace of jobs cannot be used.
        """
        from recsys_lineage.openlineage.client_settings import job_namespace
        from recsys_lineage.openlineage.translation.stream import Stream

        return Stream(
            lake,
            code_location=self.code_location,
            namespace=job_namespace(self.environment),
            repository=self.repository,
            checkout=self.checkout,
            assets=self.assets,
        )

    def delivery(
        self, lake: Lake, *, patience: float | None = None, longest_answer: float | None = None
    ) -> Delivery:
        """The delivery of the lake's events.

        Args:
            lake: the lake with the records.
            patience: seconds without an accepted event after which a destination is given up for now; never when None.
            longest_answer: the longest wait for an answer in seconds, whatever the settings have.

        Raises:
            BadClientSettings: the namespace of jobs cannot be used.
        """
        from recsys_lineage.openlineage.client_settings import client_settings, job_namespace
        from recsys_lineage.openlineage.delivery.delivery import Delivery
        from recsys_lineage.openlineage.destinations.destination import Destination
        from recsys_lineage.openlineage.destinations.opening import opened
        from recsys_lineage.openlineage.translation.definition_events import definition_messages

        job_namespace(self.environment)  # raises for a wrong namespace before any work
        stream = _LateStream(lambda: self.stream(lake))

        def destinations(again: bool) -> list[Destination]:
            settings = client_settings(self.environment)
            return opened(
                settings, self.folder, workers=self.workers, longest_answer=longest_answer, again=again
            )

        def announcements() -> Iterable[Message]:
            return definition_messages(stream.made().options, datetime.now(timezone.utc), self.commit)

        return Delivery(
            lake, stream, self.folder, destinations, announcements=announcements, patience=patience
        )


class _LateStream:
    """A stream that is created when its first message is requested, because describing assets takes seconds."""

    def __init__(self, make: Callable[[], Stream]) -> None:
        self._make, self._lock = make, Lock()
        self._stream: Stream | None = None

    def made(self) -> Stream:
        """The stream, created once for all threads."""
        with self._lock:
            self._stream = self._stream or self._make()
            return self._stream

    def after(self, cursor: int | None) -> Iterator[Message]:
        """The messages after a cursor."""
        return self.made().after(cursor)
