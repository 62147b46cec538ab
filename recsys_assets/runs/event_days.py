"""The event days of a run: the existing days, and their partitions in Dagster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg

from recsys_assets.assets.raw.found_files import EVENT_DAYS_NAME
from recsys_assets.settings import Settings
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.dagster_internals import partition_tags


class UnknownDay(LineageError):
    """A day on which no file has events."""


class NoPartitions(LineageError):
    """A day was given for tables that are not partitioned by day."""


class EventDays:
    """The days of the events in files.

    Args:
        instance: of Dagster, which keeps them as partitions.
        settings: where the files are, for errors.
    """

    def __init__(self, instance: dg.DagsterInstance, settings: Settings) -> None:
        self._known = instance.get_dynamic_partitions(EVENT_DAYS_NAME)
        self._where = str(settings.data or settings.source)

    def one(self, day: str) -> list[str]:
        """The only day.

        Raises:
            UnknownDay: no file has events of it.
        """
        if day not in self._known:
            raise self._unknown(f"There are no events of the day {day!r}.", "no file with events of that day")
        return [day]

    def between(self, first: str | None, last: str | None) -> list[str]:
        """The days from the first to the last, inclusive; None: open.

        Raises:
            UnknownDay: there is none, or the text is not a day.
        """
        for text in (first, last):
            if text is not None and not _is_day(text):
                raise UnknownDay(
                    f"{text!r} is no day.",
                    expected="a day as 2017-03-01",
                    found=repr(text),
                    where=self._where,
                )
        found = [day for day in sorted(self._known) if (first or day) <= day <= (last or day)]
        if not found:
            raise self._unknown(
                f"There are no events from {first or 'the first day'} to {last or 'the last day'}.",
                "the first is after the last"
                if first and last and first > last
                else "no file with events between",
            )
        return found

    def tags(self, days: Sequence[str]) -> list[dict[str, str]]:
        """Tags of the fewest runs that make exactly these days.

        A run takes one day, or a range in the order in which Dagster learned of the days: a day whose file came late
        follows younger ones.
        """
        wanted = set(days)
        tags: list[dict[str, str]] = []
        stretch: list[str] = []
        for day in [*self._known, None]:
            if day in wanted:
                stretch.append(day or "")
            elif stretch:
                tags.append(partition_tags(stretch[0], stretch[-1]))
                stretch = []
        return tags

    def _unknown(self, message: str, found: str) -> UnknownDay:
        days = sorted(self._known)
        return UnknownDay(
            message,
            expected=f"one of {len(days)} days from {days[0]} to {days[-1]}" if days else "a known day",
            found=found,
            where=self._where,
            advice="recsys materialize source_files looks for new files and finds their days",
        )


def require_divided(names: Sequence[str], definitions: dg.Definitions) -> None:
    """Require that assets are partitioned by day.

    Raises:
        NoPartitions: one of them is not.
    """
    graph = definitions.resolve_asset_graph()
    unpartitioned = [name for name in names if graph.get(dg.AssetKey(name)).partitions_def is None]
    if unpartitioned:
        raise NoPartitions(
            "A day was given for tables that are not partitioned by day.",
            expected="raw_events alone, when days are named",
            found=", ".join(unpartitioned[:5])
            + (f" and {len(unpartitioned) - 5} more" if len(unpartitioned) > 5 else ""),
            advice="leave the days out, or materialize raw_events with them and the others after it",
        )


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
