"""EventOptions: the content of events that is not in records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.openlineage.translation.naming import (
    DatasetName,
    JobName,
    as_namespace,
    below,
    dataset_at,
)
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run

_NOTHING = AssetDescription()


@dataclass(frozen=True)
class EventOptions:
    """Content of events that is not in records.

    Attributes:
        code_location: the code location of records without one: those of notebooks, and of runs not launched from one.
            All jobs of a code location are named below it.
        namespace: the namespace of jobs and of the tables' logical names; when None the code location, in characters
            that catalogs accept.
        lake: the URL of the lake of records without one.
        repository: the URL of the code's git repository, as in `https://github.com/owner/name`.
        checkout: the repository's folder where the code runs.
        assets: the description of each asset.
    """

    code_location: str = "lineage"
    namespace: str | None = None
    lake: str = ""
    repository: str | None = None
    checkout: str | None = None
    assets: Mapping[str, AssetDescription] = field(default_factory=dict)

    @property
    def jobs(self) -> str:
        """The namespace of all jobs."""
        return self.namespace or as_namespace(self.code_location)

    def described(self, asset: str) -> AssetDescription:
        """Description of an asset."""
        return self.assets.get(asset, _NOTHING)

    def location(self, run: Run) -> str:
        """The code location of a run."""
        return run.code_location or self.code_location

    def run_job(self, run: Run) -> JobName:
        """The job of all runs of the orchestrator: the code location, for any of its jobs."""
        return JobName(self.jobs, self.location(run))

    def root_job(self, run: Run) -> JobName:
        """Root job of a run: a backfill, a schedule or sensor, or the orchestrator's job itself."""
        if run.backfill is not None:
            return JobName(self.jobs, "backfill")
        return JobName(self.jobs, run.schedule or run.sensor or run.job or self.location(run))

    def asset_job(self, asset: str, run: Run) -> JobName:
        """The job that makes an asset."""
        return JobName(self.jobs, f"{self.location(run)}.{asset}")

    def job_of(self, record: Materialization) -> JobName:
        """The job of a record: its asset's job, or a separate one for a check that ran by itself."""
        job = self.asset_job(record.asset, record.run)
        if record.kind != "check":
            return job
        name = record.run.step or next((check.name for check in record.checks), "check")
        return JobName(job.namespace, f"{job.name}.{name}")

    def lake_of(self, record: Materialization) -> str:
        """URL of the lake with a record's tables."""
        return record.lake or self.lake

    def table(self, lake: str, name: str) -> DatasetName:
        """The dataset of a table."""
        return dataset_at(below(lake, name))
