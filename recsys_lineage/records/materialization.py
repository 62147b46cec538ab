"""Materialization: the record of what one run of one asset really read and wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from recsys_lineage.lake.table_version import Column


@dataclass(frozen=True)
class Read:
    """A table version, or a file, that code actually read.

    For a table: `version` and `fingerprint`, `schema` as it was, and `partitions` when not all were read.
    For a file: `path`, `bytes` and `fingerprint` (its sha256).
    """

    kind: Literal["table", "file"]
    name: str
    fingerprint: str
    version: int | None = None
    schema: tuple[Column, ...] = ()
    partitions: tuple[str, ...] | None = None
    bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return {
            "kind": self.kind,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "version": self.version,
            "schema": [[column.name, column.type] for column in self.schema],
            "partitions": None if self.partitions is None else list(self.partitions),
            "bytes": self.bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Read:
        """The Read that `to_json` described."""
        partitions = data["partitions"]
        return cls(
            kind=data["kind"],
            name=data["name"],
            fingerprint=data["fingerprint"],
            version=data["version"],
            schema=tuple(Column(name, type_) for name, type_ in data["schema"]),
            partitions=None if partitions is None else tuple(partitions),
            bytes=data["bytes"],
        )


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found.

    `found` is in words for a person; `metadata` holds counts and samples.
    """

    name: str
    passed: bool
    found: str
    blocking: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Code:
    """The code that ran: the exact SQL text, or a Python function's source, and where it stands."""

    kind: Literal["sql", "python"]
    text: str
    origin: str


@dataclass(frozen=True)
class Materialization:
    """The record of one asset's run, successful or failed.

    Every other view of lineage (the graph, catalog events, staleness) is a pure function of these records.
    `version` is the TableVersion written, None when the run failed. `partitions` is empty for an asset without
    partitions. Times are UTC. `run` holds what the orchestrator knows: run id, step, job, tick, backfill.
    """

    id: str
    asset: str
    partitions: tuple[str, ...]
    status: Literal["success", "failed"]
    started: datetime
    ended: datetime
    code_version: str
    code: Code
    reads: tuple[Read, ...]
    version: int | None = None
    fingerprint: str | None = None
    rows: int | None = None
    schema: tuple[Column, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[CheckOutcome, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    git_commit: str | None = None
    error: str | None = None

    @property
    def seconds(self) -> float:
        """How long the asset ran."""
        return (self.ended - self.started).total_seconds()

    def read(self, table: str) -> Read | None:
        """What was read of a table, None when it was not read."""
        return next((read for read in self.reads if read.kind == "table" and read.name == table), None)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal record."""
        return {
            "id": self.id,
            "asset": self.asset,
            "partitions": list(self.partitions),
            "status": self.status,
            "started": self.started.isoformat(),
            "ended": self.ended.isoformat(),
            "code_version": self.code_version,
            "code": {"kind": self.code.kind, "text": self.code.text, "origin": self.code.origin},
            "reads": [read.to_json() for read in self.reads],
            "version": self.version,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "schema": [[column.name, column.type] for column in self.schema],
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "statistics": dict(self.statistics),
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "found": check.found,
                    "blocking": check.blocking,
                    "metadata": dict(check.metadata),
                }
                for check in self.checks
            ],
            "run": dict(self.run),
            "git_commit": self.git_commit,
            "error": self.error,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Materialization:
        """The record that `to_json` described."""
        return cls(
            id=data["id"],
            asset=data["asset"],
            partitions=tuple(data["partitions"]),
            status=data["status"],
            started=datetime.fromisoformat(data["started"]),
            ended=datetime.fromisoformat(data["ended"]),
            code_version=data["code_version"],
            code=Code(**data["code"]),
            reads=tuple(Read.from_json(read) for read in data["reads"]),
            version=data["version"],
            fingerprint=data["fingerprint"],
            rows=data["rows"],
            schema=tuple(Column(name, type_) for name, type_ in data["schema"]),
            parameters={name: _typed(value) for name, value in data["parameters"].items()},
            statistics=data["statistics"],
            checks=tuple(CheckOutcome(**check) for check in data["checks"]),
            run=data["run"],
            git_commit=data["git_commit"],
            error=data["error"],
        )


def _plain(value: Any) -> Any:
    """A parameter as JSON; dates keep their type, so that a query can be run again exactly as it was."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple):
        return list(value)
    return value


def _typed(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        if "datetime" in value:
            return datetime.fromisoformat(value["datetime"])
        if "date" in value:
            return date.fromisoformat(value["date"])
    return value
