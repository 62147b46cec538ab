"""Rotation: watches for a new champion, rules and experiments, and switches to them without a pause."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from recsys_assets.experiments.experiment import ExperimentError
from recsys_assets.experiments.report_summary import REPORT, ExperimentSummary, experiment_summaries
from recsys_assets.service.answers.prepared import TABLE as PREPARED
from recsys_assets.service.answers.rules import RulesError
from recsys_assets.service.answers.served_model import CHAMPION
from recsys_assets.service.answers.served_search import TABLE as SEARCH
from recsys_assets.service.answers.serving import Serving, load_serving
from recsys_assets.service.champion_decisions import chosen_model, decides_what_serves
from recsys_assets.service.processes.running import RunningFile, RunningProcess
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.decision import Decision
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_table import TABLE as RECORDS
from recsys_models import ModelFileError

TRY_AGAIN_SECONDS = 30.0
"""Interval after which a failed load is tried again, even without a change."""


class NoChampion(LineageError):
    """There is no model yet that can serve."""


@dataclass(frozen=True)
class Place:
    """The lake, files and settings that the service loads from.

    Attributes:
        lake: with the champion.
        rules: the file of rules.
        experiments: the file of experiments.
        key: secret key that assigns customers to arms.
        running_file: publishes the serving model to other processes; None: not published.
    """

    lake: Lake
    rules: Path
    experiments: Path
    key: bytes
    running_file: RunningFile | None = None


class Rotation:
    """The current Serving, and the switch to the next one.

    A request takes `now` once and is answered by it, whatever changes meanwhile. After a failed load the previous
    Serving stays, and `fault` gives the error.

    Attributes:
        now: the current Serving; None while there is none.
        error: the reason why the newest cannot serve; None if it does.
        failures: number of failed loads.
        swaps: number of successful switches.
        reports: the newest `ab_report` of each experiment.
        since: time since which this version of the champion serves here, UTC.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.now: Serving | None = None
        self.error: Exception | None = None
        self.failures = self.swaps = 0
        self.reports: list[ExperimentSummary] = []
        self.since: datetime | None = None
        self._seen: tuple[object, ...] | None = None
        self._tried = 0.0
        self._records = Records(place.lake)
        self._records_at: int | None = None
        self._decision: Decision | None = None
        self._canary: Decision | None = None
        self._reported: int | None = None

    @property
    def decision(self) -> Decision | None:
        """The last decision of a person; None while there is none."""
        return self._decision

    @property
    def fault(self) -> str | None:
        """The reason why the newest cannot serve, in words; None if it does."""
        if self.error is None:
            return None
        made_for_people = isinstance(self.error, LineageError | ModelFileError)
        return str(self.error) if made_for_people else type(self.error).__name__

    def serving(self) -> Serving:
        """The current Serving.

        Raises:
            NoChampion: nothing does yet.
        """
        if self.now is None:
            raise NoChampion(
                "There is no champion yet that could answer.",
                expected="a version of the table champion",
                found=self.fault,
                advice="run `recsys demo`, or `recsys nightly`; the service then uses it by itself",
            )
        return self.now

    def refresh(self) -> bool:
        """Load what changed since the last check; returns whether anything did. It reads files, so call it in a
        thread."""
        try:
            return self._taken_over()
        except Exception as error:  # whatever is wrong with the new, the service goes on with what it has
            self._failed(error)
            return False
        finally:
            self._read_reports()
            if self.place.running_file is not None:
                self.place.running_file.publish(self._process())

    def _read_reports(self) -> None:
        """Read new reports on experiments; if they cannot be read, requests for them report the error."""
        with suppress(Exception):
            newest = self.place.lake.log(REPORT).latest()
            if newest is not None and newest != self._reported:
                self._reported = newest
                self.reports = experiment_summaries(self.place.lake)

    def _process(self) -> RunningProcess:
        if self.now is None:
            return RunningProcess(fault=self.fault)
        served = self.now.champion.served
        return RunningProcess(served.table, served.version, self.fault)

    def _failed(self, error: Exception) -> None:
        self.failures += self.error is None or str(error) != str(self.error)
        self.error = error

    async def watch(self, seconds: float, looked: Callable[[], None] = lambda: None) -> None:
        """Check repeatedly until cancelled; `looked` is called after each check."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)
            looked()

    def _taken_over(self) -> bool:
        chosen = self._chosen()
        state = (
            chosen,
            *map(_state_of, self._files()),
            self._stock_version(),
            self.place.lake.log(PREPARED).latest(),
            self.place.lake.log(SEARCH).latest(),
            self._canary and (self._canary.id, self.place.lake.log(self._canary.asset).latest()),
        )
        if state == self._seen and (self.error is None or time.monotonic() - self._tried < TRY_AGAIN_SECONDS):
            return False
        seen, self._seen, self._tried = self._seen, state, time.monotonic()
        if chosen is None:
            self.error = None
            return False
        before = self.now
        loaded, error = self._loaded(*chosen)
        if error is None:
            self.error = None
        else:
            self._failed(error)
            if before is not None and seen is not None and state[1:] == seen[1:]:
                return False  # nothing is new but a model that cannot serve
        self.now = loaded
        if before is None or before.champion.served is not self.now.champion.served:
            self.since = datetime.now(timezone.utc)
        self.swaps += 1
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # a model is for long; collections need not look at it again
        return True

    def _loaded(self, table: str, version: int) -> tuple[Serving, Exception | None]:
        """Serving for a version of the champion, or of a candidate in its place.

        If it cannot be loaded, the current model stays, with all other changes, or at the start an older champion
        replaces it; the error gives the reason.
        """
        try:
            return self._load(table, version), None
        except (RulesError, ExperimentError):
            raise
        except Exception as error:
            if self.now is not None:
                served = self.now.champion.served
                if (served.table, served.version) != (table, version):
                    return self._load(served.table, served.version), error
                raise
            first = version - 1 if table == CHAMPION else self.place.lake.version(CHAMPION).version
            for older in range(first, -1, -1):
                with suppress(Exception):
                    return self._load(CHAMPION, older), error
            raise

    def _load(self, table: str, version: int) -> Serving:
        place = self.place
        return load_serving(
            place.lake,
            table,
            version,
            rules_file=place.rules,
            experiments_file=place.experiments,
            key=place.key,
            before=self.now,
            canary=self._canary,
        )

    def _chosen(self) -> tuple[str, int] | None:
        """Table and version to serve: the newest champion, or the one decided for."""
        lake = self.place.lake
        latest = lake.log(CHAMPION).latest()
        if latest is None:
            return None
        records_at = lake.log(RECORDS).latest()
        if records_at != self._records_at:
            for each in self._records.decisions(since=self._records_at):
                if decides_what_serves(each):
                    self._decision = each
                elif each.action == "canary":
                    self._canary = each
            self._records_at = records_at
        return chosen_model(latest, self._decision)

    def _files(self) -> list[Path]:
        toml_files = sorted(self.place.experiments.parent.glob("*.toml"))
        return sorted({self.place.rules, self.place.experiments, *toml_files})

    def _stock_version(self) -> int | None:
        """The version of the table of items in stock, if the rules name one."""
        table = None if self.now is None else self.now.champion.rules.rules.stock.table
        return None if table is None else self.place.lake.log(table).latest()


def _state_of(path: Path) -> tuple[str, int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return str(path), state.st_mtime_ns, state.st_size
