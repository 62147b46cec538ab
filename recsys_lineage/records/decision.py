"""Decision: a person's decision about a version of a table, such as a rollback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from recsys_lineage.records.parts.record_part import RecordPart


@dataclass(frozen=True)
class Decision(RecordPart):
    """One decision; it is never changed, a later one takes its place.

    Attributes:
        id: unique.
        asset: the table that it is about.
        version: the version that was decided for.
        action: what was decided; `rollback` and `promote` have this version serve instead of the one before,
            `canary` has it serve a share of the customers beside what serves. A candidate, too, can be promoted: it
            serves in the champion's place.
        who: the person, as the machine knows them.
        reason: why, for those who find it in years.
        started, ended: when it was made, UTC.
        before: the version that served before.
        before_asset: its table, where that is another one.
        latest: the newest version when it was made, of the champion where a candidate is promoted. A newer one ends the
            decision, unless it is `held`.
        held: whether it stands until somebody decides anew.
        share: of the customers, for a canary; 0 ends it.
        lake: URL of the lake.
        format: of the record.
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

    def stands(self, latest: int) -> bool:
        """Whether it is in force where `latest` is the newest version."""
        return self.held or latest <= self.latest

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal record."""
        return {**super().to_json(), "kind": self.kind}
