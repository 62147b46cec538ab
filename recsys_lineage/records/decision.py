"""Decision: a person's decision about a version of a table, such as a rollback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from recsys_lineage.records.parts.record_part import RecordPart


@dataclass(frozen=True)
class Decision(RecordPart):
    """One decision; it never changes, a later one replaces it.

    Attributes:
        id: unique.
        asset: its table.
        version: the chosen version.
        action: `rollback` and `promote` make this version serve instead of the previous one, `canary` makes it serve a
            share of the customers in parallel. A candidate can be promoted too: it serves in the champion's place.
        who: the person's user name.
        reason: the reason, for later readers.
        started, ended: the time of the decision, UTC.
        before: the version that served before.
        before_asset: the table of that version, if it is another one.
        latest: the newest version at that time, of the champion if a candidate is promoted. A newer one ends the
            decision, unless it is `held`.
        held: whether it is in force until the next decision.
        share: the share of the customers, for a canary; 0 ends it.
        lake: the URL of the lake.
        format: the format of the record.
    """

    id: str
    asset: str
    version: int
    action: Literal["rollback", "promote", "canary"]
    who: str
    reason: str
    started: datetime
    ended: datetime
    before: int
    latest: int
    held: bool = False
    share: float | None = None
    before_asset: str | None = None
    lake: str | None = None
    kind: Literal["decision"] = "decision"
    format: int = 1

    def is_in_force(self, latest: int) -> bool:
        """Whether it is in force while `latest` is the newest version."""
        return self.held or latest <= self.latest

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` restores an equal record."""
        return {**super().to_json(), "kind": self.kind}
