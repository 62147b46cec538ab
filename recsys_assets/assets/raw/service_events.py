"""ServiceEvents: the events received by the service that join `raw_events`, with their behaviour there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from recsys_assets.shop.source import EARLIEST_DAY
from recsys_assets.shop.source_settings import SourceSettings
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion
from recsys_lineage.sql.names import literal, quote

TABLE = "feedback"
DAYS = "feedback_days"
"""The table of the days of `TABLE`, which raw_events follows."""
_LOCAL_TIME = "timezone($time_zone, timezone('UTC', time))"
_VALUES = {
    "user_id": "user_id",
    "item_id": "item_id",
    "_file": "_file",
    "_line": "_line",
    "_day": "day",
    "_event_id": "event_id",
}
"""Columns of raw_events that an event of the service has, besides its time and behaviour."""
READ = ("time", "action", "simulated", *_VALUES.values())
"""The columns of `feedback` that are read."""


@dataclass(frozen=True)
class ServiceEvents:
    """The events received by the service that join raw_events, with their behaviour there.

    Events of anonymous visitors belong to no customer and never join.

    Attributes:
        behaviours: action of an event → behaviour of the shop; other actions do not join.
        simulated: whether events that were only played join too.
        time_zone: the shop's clock.
        first_day, last_day: of the events that the shop can have.
    """

    behaviours: Mapping[str, str]
    simulated: bool
    time_zone: str
    first_day: date
    last_day: date | None

    @classmethod
    def of(cls, settings: SourceSettings, *, simulated: bool) -> ServiceEvents:
        """The service's events that join those of a source.

        Args:
            settings: of the source.
            simulated: whether events that were only played join too.
        """
        return cls(
            settings.joined_events(),
            simulated,
            settings.time_zone,
            settings.first_day or EARLIEST_DAY,
            settings.last_day,
        )

    def days(self, stored: TableVersion | None, tomorrow: date) -> dict[str, str]:
        """Day of events that may join → hash of the events that the service has received.

        Args:
            stored: a version of `feedback`; None if there is none.
            tomorrow: no event can be later.
        """
        if stored is None or stored.partition_column is None or not self.behaviours:
            return {}
        last = self.last_day or tomorrow
        return {
            day: held.fingerprint
            for day, held in stored.partitions.items()
            if str(self.first_day) <= day <= str(last)
        }

    def stored_days(self, lake: Lake, tomorrow: date) -> dict[str, str]:
        """The same for the newest `feedback` of a lake."""
        return self.days(lake.latest(TABLE), tomorrow)

    def query(self, columns: Sequence[Column]) -> str:
        """The SELECT of the events of the days `$service_days`, over `feedback`, with the columns of a source's query.

        Ids stay text, so that a customer or an item is not lost if its id is not a number.
        """
        chosen = ", ".join(f"{self._value(column)} AS {quote(column.name)}" for column in columns)
        actions = ", ".join(literal(action) for action in self.behaviours)
        played = "" if self.simulated else " AND NOT simulated"
        return (
            f"SELECT {chosen} FROM {TABLE} WHERE CAST(day AS VARCHAR) IN (SELECT unnest($service_days)) "
            f"AND user_id IS NOT NULL AND action IN ({actions}){played}"
        )

    def parameters(self, days: Collection[str]) -> dict[str, Any]:
        """The values of the parameters of `query`."""
        return {"service_days": sorted(days), "time_zone": self.time_zone}

    def as_parameters(self) -> dict[str, Any]:
        """Parameters for the record, which the code version covers."""
        return {"behaviours": dict(self.behaviours), "simulated": self.simulated}

    def _value(self, column: Column) -> str:
        """Value of an event for a column of raw_events, in the type that the source's files have there."""
        if column.name == "event_time":
            if column.type == "TIMESTAMP WITH TIME ZONE":
                return "timezone('UTC', time)"
            is_time = column.type.startswith("TIMESTAMP") or column.type == "DATE"
            return _LOCAL_TIME if is_time else f"CAST({_LOCAL_TIME} AS VARCHAR)"
        if column.name == "behaviour":
            cases = " ".join(
                f"WHEN {literal(act)} THEN {literal(name)}" for act, name in self.behaviours.items()
            )
            return f"CASE action {cases} END"
        return _VALUES.get(column.name, f"CAST(NULL AS {column.type})")
