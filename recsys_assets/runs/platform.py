"""The platform in this process, which commands run and query, on the same instance as Dagster's interface."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg

from recsys_assets.assets.catalogue import groups_of
from recsys_assets.assets.raw.file_contributions import tomorrow
from recsys_assets.assets.raw.found_files import newest_files
from recsys_assets.assets.raw.service_events import ServiceEvents
from recsys_assets.assets.raw.source_folder import SourceFolder, source_folder
from recsys_assets.assets.retention import INSTANCE, upkeep_of
from recsys_assets.assets.retention import NAME as RETENTION
from recsys_assets.definitions import build_definitions, lake_resource
from recsys_assets.instance import close_abandoned_runs
from recsys_assets.jobs import NIGHTLY, job_of
from recsys_assets.openlineage import emission
from recsys_assets.runs.event_days import EventDays, require_divided
from recsys_assets.runs.foreground_run import RunOutcome, run_here
from recsys_assets.runs.load_report import LoadReport, load_report
from recsys_assets.runs.queries import CustomerAnswer, customer
from recsys_assets.runs.run_plan import PlannedAsset, run_plan
from recsys_assets.runs.selection import UnknownAsset, selected_assets
from recsys_assets.runs.writers import Writers
from recsys_assets.settings import Settings
from recsys_assets.shop.home_source import require_own_source
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.upkeep import Upkeep, keep_up
from recsys_lineage.assets.asset_code import CONTINUE_TAG, REUSE_TAG
from recsys_lineage.assets.asset_status import AssetStatus, asset_statuses
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reproduction import Reproduction, reproduce
from recsys_lineage.errors import InsufficientSpace, LineageError, did_you_mean
from recsys_lineage.openlineage.delivery.destination_state import Delivered
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.recorded_runs import record_runs
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_table import rows_together
from recsys_lineage.retention.needs import versions_of_run

REPORTS = {"recommendations_report": "recommendations", "metrics_report": "evaluation"}
MOST_FAULTY_DAYS = 10
_IN_LOAD_REPORT = {"every_file_can_be_read", "no_file_twice", "no_file_gone"}


class UnknownFile(LineageError):
    """A file that is not in `source_files`."""


class Platform:
    """The platform of some settings, opened for runs and questions in this process.

    Args:
        settings: of the home.
        instance: the home's Dagster instance.
    """

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self.definitions = build_definitions(settings)
        self.lake_resource = lake_resource(settings)
        self.lake = self.lake_resource.lake()
        self.records = Records(self.lake)
        self.codes = asset_codes(self.definitions.assets or ())
        self.writers = Writers(instance.root_directory)

    def recover(self) -> None:
        """Clean up after killed processes: fail their runs, and add the records that are missing in their table.

        Raises:
            OtherSource: the home's tables are of another source.
        """
        require_own_source(self.settings)
        close_abandoned_runs(self.instance)
        self.records.sync()
        self._record_runs()

    def _record_runs(self) -> None:
        record_runs(self.instance, self.lake, self.lake_resource.code_location)

    def statuses(self) -> dict[str, AssetStatus]:
        """The status of every asset, upstream first."""
        return asset_statuses(self.codes, self.records)

    def customer(self, user_id: str, k: int) -> CustomerAnswer:
        """A customer's purchases and their best `k` recommendations; see `answers.customer`."""
        dated = not load_source(self.settings.source).settings.undated
        return customer(self.lake, user_id, k, dated=dated)

    def names(self, selection: str | None = None) -> list[str]:
        """The assets that a selection in Dagster's syntax names (`group:clean`, `+champion`).

        None: all except those that are made on request only.

        Raises:
            UnknownAsset: it names none.
        """
        if selection is not None:
            return selected_assets(selection, self.definitions)
        graph = self.definitions.resolve_asset_graph()
        names = [key.to_user_string() for key in graph.toposorted_asset_keys]
        return [name for name in names if not self.is_on_request(name)]

    def outdated(self) -> list[str]:
        """Assets to materialize now: the stale ones, and those without an event in Dagster."""
        names = [
            name
            for name, status in self.statuses().items()
            if (status.stale or not self._is_known_to_dagster(name)) and not self.is_on_request(name)
        ]
        reports = [
            report
            for report, source in REPORTS.items()
            if source in names or not self._is_known_to_dagster(report)
        ]
        return names + reports

    def plan(
        self, names: Collection[str], *, reuse: bool, days: Sequence[str] | None = None
    ) -> list[PlannedAsset]:
        """Plan of a run of some assets, upstream first; nothing is written. See `run_plan`.

        Raises:
            OtherSource: the home's tables are of another source.
            NoPartitions: days are given, and an asset is not partitioned by day.
        """
        require_own_source(self.settings, mark_it=False)
        if days is not None:
            require_divided(list(names), self.definitions)
        folder = source_folder(self.settings)
        other_content = self._service_days(folder)
        return run_plan(
            self.codes, self.lake, folder, names, reuse=reuse, days=days, other_content=other_content
        )

    def nightly_names(self) -> list[str]:
        """The assets of the nightly job, upstream first."""
        chosen = self.definitions.resolve_job_def(NIGHTLY).asset_layer.selected_asset_keys
        order = self.definitions.resolve_asset_graph().toposorted_asset_keys
        return [key.to_user_string() for key in order if key in chosen]

    def version_named(self, text: str) -> tuple[str, int | None]:
        """The asset and version of `ASSET` or `ASSET@VERSION`; None means the newest.

        Raises:
            UnknownAsset: it names no known asset, or the version is not a number.
        """
        asset, _, number = text.partition("@")
        if asset not in self.codes or (number and not number.isdecimal()):
            raise UnknownAsset(
                f"{text!r} names no version of an asset.",
                expected="ASSET or ASSET@VERSION, such as champion@3",
                advice=did_you_mean(asset, self.codes) or "recsys status lists all assets",
            )
        return asset, int(number) if number else None

    def reproduce(self, asset: str, version: int | None, *, anyway: bool = False) -> Reproduction:
        """Reproduce a version from its inputs, in a temporary place; `anyway` if the code has changed.

        Raises:
            LineageError: there is no such version, an input is gone, or the code changed.
        """
        return reproduce(self.lake, self.codes[asset], version, other_code=anyway)

    def versions_named(self, text: str) -> list[tuple[str, int]]:
        """The version that `ASSET` or `ASSET@VERSION` names, or all that the run of `run:ID` wrote
        or kept.

        Raises:
            UnknownAsset: it names no known asset and no run, or the version is not a number.
        """
        kind, colon, run_id = text.partition(":")
        if kind == "run" and colon:
            written = versions_of_run(self.lake, self.records.of_run(run_id))
            if not written:
                raise UnknownAsset(
                    f"The run {run_id!r} wrote and kept no version.",
                    expected="the whole id of a run that ended well",
                )
            return sorted(written.items())
        asset, version = self.version_named(text)
        return [(asset, self.lake.version(asset, version).version)]

    def keep_up(self, *, dry_run: bool = False) -> tuple[Upkeep, LineageError | None]:
        """Prune the lake and delete old runs by the settings, and record it like the nightly asset that does so.

        Returns:
            what was done, or would be; and why there is no record of it, as on a disk that is full all the same.
        """
        groups = groups_of(a for a in self.definitions.assets or () if isinstance(a, dg.AssetsDefinition))
        if dry_run:
            return keep_up(self.lake, self.settings, groups, self.instance, dry_run=True), None
        done: list[Upkeep] = []
        upkeep = upkeep_of(self.settings, groups, done.append)
        given = INSTANCE.set(self.instance)
        try:
            materialize(replace(self.codes[RETENTION], compute=lambda *_: upkeep()), self.lake)
        except LineageError as error:
            if done:
                return done[0], error
            if not isinstance(error, InsufficientSpace):
                raise
            return keep_up(self.lake, self.settings, groups, self.instance), error
        finally:
            INSTANCE.reset(given)
        return done[0], None

    def is_on_request(self, name: str) -> bool:
        return name in self.codes and self.codes[name].on_request

    def _is_known_to_dagster(self, name: str) -> bool:
        """Whether Dagster has an event for the table; if it is partitioned by day, for each of its days."""
        if self.instance.get_latest_materialization_event(dg.AssetKey(name)) is not None:
            return True
        stored = self.lake.latest(name)
        return stored is not None and stored.partition_column is not None and not stored.partitions

    def run(
        self,
        names: Iterable[str],
        *,
        reuse: bool = False,
        continues: bool = False,
        partition: str | None = None,
        forget: Collection[str] = (),
    ) -> RunOutcome:
        """Materialize assets in one run of this process; Dagster's pages show it like any other.

        Args:
            names: the assets.
            reuse: keep assets that would come out unchanged.
            continues: start models from the previous ones, as the nightly job does.
            partition: one event day, for partitioned assets.
            forget: files that `source_files` leaves out from now on.

        Raises:
            UnknownDay: no file has events of that day.
            NoPartitions: a day is given, and an asset is not partitioned by day.
        """
        names = list(names)
        tags = {tag: "true" for tag, given in ((REUSE_TAG, reuse), (CONTINUE_TAG, continues)) if given}
        if partition is not None:
            require_divided(names, self.definitions)
            (day,) = self.event_days().tags(self.event_days().one(partition))
            tags |= day
        definitions = build_definitions(self.settings, forget) if forget else self.definitions
        return self._run(job_of(names, definitions), names, tags)

    def run_days(self, names: Sequence[str], days: Sequence[str]) -> list[RunOutcome]:
        """Materialize days of assets that are partitioned by day, in as few runs as Dagster allows.

        Raises:
            NoPartitions: an asset is not partitioned by day.
        """
        require_divided(names, self.definitions)
        job = job_of(names, self.definitions)
        return [self._run(job, names, tags) for tags in self.event_days().tags(days)]

    def run_nightly(self) -> RunOutcome:
        """Run the nightly job like its schedule does: all of its assets, with its tags.

        The upkeep waits for all served tables. If one failed, it runs afterwards by itself, so that failing nights do
        not fill the disk.
        """
        outcome = self._run(self.definitions.resolve_job_def(NIGHTLY), None, {})
        made = {record.asset for record in self.records.of_run(outcome.run_id) if record.kind == "asset"}
        if outcome.success or RETENTION in made:
            return outcome
        return replace(outcome, errors={**outcome.errors, **self.run([RETENTION]).errors})

    def event_days(self) -> EventDays:
        """The days of the events in files."""
        return EventDays(self.instance, self.settings)

    def _run(self, job: dg.JobDefinition, names: Sequence[str] | None, tags: Mapping[str, str]) -> RunOutcome:
        with rows_together(self.lake):
            return run_here(job, self.instance, self.writers, self._record_runs, assets=names, tags=tags)

    def warnings(self, run_id: str) -> dict[str, str]:
        """Findings of non-blocking checks of a run, by asset, without what `load_report` covers."""
        return {
            record.asset: "; ".join(check.found for check in wrong)
            for record in self.records.of_run(run_id)
            if (wrong := [each for each in record.checks if _is_warning(each)])
        }

    def forget(self, files: Sequence[str]) -> RunOutcome:
        """Leave files out from now on: rows of deleted files are removed, existing files are not loaded.

        An existing file is loaded again once its content changes.

        Args:
            files: as named in `source_files`, or their paths.

        Raises:
            UnknownFile: the table has no such file.
        """
        known = sorted(set(newest_files(self.lake)["path"]))
        root = source_folder(self.settings).root
        wanted = set()
        for file in files:
            place = Path(file).absolute()
            below = (
                place.relative_to(root.absolute()).as_posix() if place.is_relative_to(root.absolute()) else ""
            )
            if (path := next((each for each in (file, below) if each in known), None)) is None:
                raise UnknownFile(
                    f"There is no file {file!r} in source_files.",
                    expected="a file's path below the data folder",
                    found=repr(file),
                    where=str(root),
                    advice=did_you_mean(file, known)
                    or "recsys status names the files that are gone or faulty",
                )
            wanted.add(path)
        done = self.run(["source_files"], forget=wanted)
        return self.run(self.names("key:raw_*"), reuse=True) if done.success else done

    def deliver(self, seconds: float, patience: float) -> list[Delivered]:
        """Send the records' events to their destinations, within a time limit.

        Args:
            seconds: time limit, even if more events are waiting.
            patience: seconds after which a destination that accepts nothing is given up for now.

        Raises:
            BadClientSettings: the settings do not define a valid destination.
        """
        sending = emission(self.settings, lambda: self.definitions)
        delivery = sending.delivery(self.lake, patience=patience, longest_answer=seconds)
        return delivery.send(until=time.time() + seconds)

    def load_report(self, *, loaded: bool = False) -> LoadReport:
        """The load report of the source's files; `loaded` if raw_events was materialized since they were listed."""
        version = self.codes["raw_events"].code_version
        folder = source_folder(self.settings)
        return load_report(
            self.lake, folder, version, loaded=loaded, other_content=self._service_days(folder)
        )

    def _service_days(self, folder: SourceFolder) -> dict[str, str]:
        """Day → hash of the events of the service that may join."""
        service = ServiceEvents.of(folder.source.settings, simulated=self.settings.join_simulated)
        return service.stored_days(self.lake, tomorrow())

    def show_faulty_days(self) -> dict[str, str]:
        """Let the days whose files cannot be read fail on Dagster's pages too, once; returns day → error."""
        days = list(self.load_report().days)[:MOST_FAULTY_DAYS]
        if not days:
            return {}
        seen = self.records.get("source_files").ended
        errors = {
            record.partitions[0]: record.failure.message if record.failure else ""
            for record in self.records.runs("raw_events", after=seen)
            if record.status == "failed" and len(record.partitions) == 1
        }
        for day in days:
            if day not in errors:
                outcome = self.run(["raw_events"], partition=day)
                errors[day] = next(iter(outcome.errors.values()), "")
        return {day: errors[day] for day in days}


def _is_warning(check: CheckOutcome) -> bool:
    return not check.passed and not check.blocking and check.name not in _IN_LOAD_REPORT
