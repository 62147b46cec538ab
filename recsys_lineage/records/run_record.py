"""RunRecord: one whole run of an orchestrator, from its start to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from recsys_lineage.records.parts.record_part import RecordPart
from recsys_lineage.records.parts.run import Run

State = Literal["success", "failed", "canceled", "lost"]


@dataclass(frozen=True)
class RunRecord(RecordPart):
    """One run of an orchestrator; it is written once, when the run has ended.

    Attributes:
        id: the orchestrator's id of the run, so that each run has one record.
        state: its final state; lost if its process was killed.
        started, ended: UTC; for a lost run, `ended` is the time of the discovery.
        run: the job, and its trigger.
        tags: the run's tags.
        assets: the assets to materialize.
        steps: step → its final state: `skipped` if an earlier failure kept it from starting, `killed` if it started and
            has no end, `canceled` if it was stopped.
        kept: asset of a skipped step → the id of the record of its unchanged version; None where it had none.
        lake: the URL of the lake.
        format: the format of the record.
    """

    id: str
    state: State
    started: datetime
    ended: datetime
    run: Run
    tags: Mapping[str, str] = field(default_factory=dict)
    assets: tuple[str, ...] = ()
    steps: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str | None] = field(default_factory=dict)
    lake: str | None = None
    kind: Literal["run"] = "run"
    format: int = 1

    @property
    def asset(self) -> str:
        """None: a run has no single asset."""
        return ""

    @property
    def status(self) -> str:
        """The state, under the name used in other records."""
        return self.state

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` restores an equal record."""
        return {**super().to_json(), "kind": self.kind}
