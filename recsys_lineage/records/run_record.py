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
        id: the orchestrator's id of the run, so that it is recorded once.
        state: how it ended; lost where its process was killed.
        started, ended: UTC; for a lost run, `ended` is when that was noticed.
        run: the job, and what asked for it.
        tags: the run's tags.
        assets: what it was to materialize.
        steps: each step and how it ended: `skipped` where an earlier failure kept it from starting, `killed` where it
            started and nobody told of its end.
        kept: for the asset of each step that was skipped, the id of the record of the version that it stayed at; None
            where it had none.
        lake: URL of the lake.
        format: of the record.
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
        """Runs belong to no single asset."""
        return ""

    @property
    def status(self) -> str:
        """The state, under the name that other records have for it."""
        return self.state

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal record."""
        return {**super().to_json(), "kind": self.kind}
