"""Stream: the events of a lake's records, in the order in which a catalog should receive them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.facets.facet import Json
from recsys_lineage.openlineage.facets.run_facets import iso_time
from recsys_lineage.openlineage.message import Message
from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.openlineage.translation.asset_events import materialization_events
from recsys_lineage.openlineage.translation.event_json import body_of, id_of, key_of
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.run_events import run_events, run_start
from recsys_lineage.openlineage.translation.shared_values import shared, shared_materialization
from recsys_lineage.openlineage.translation.tagged_partitions import TaggedPartitions
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import MATERIALIZATIONS, Records
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.records.table.record_table import ADDED, RecordTable

_AT_ONCE = 500
"""Records read at a time, which bounds the memory of a stream."""
_RUN = "run"
_KINDS_SENT = (*MATERIALIZATIONS, _RUN)
_PLACES = (ADDED, "id", "kind", "status", "asset", "version", "ended", "run_id", "step")
_STEPS = (ADDED, "step", "asset", "status")
_NO_CURSOR = -1


@dataclass(frozen=True)
class _Place:
    """Position of a record in the table, without its content."""

    added: int
    id: str
    kind: str
    asset: str | None
    version: int | None
    run_id: str | None


class Stream:
    """The events of a lake's records, in the order in which a catalog should receive them.

    Records come in the order of their commits; within a commit by the time they ended, and those of one asset in the
    order of its versions. The START of an orchestrator's run comes before the first record of that run, and its end at
    the run's own record, with the steps that left no record. So nothing waits: a run in progress is shown as running,
    and a killed one ends once its record is `lost`.

    The order depends only on the table of records, so a reader can continue after any cursor.

    Args:
        lake: the lake with the records.
        code_location: the code location of records without one.
        namespace: the namespace of jobs and logical names of tables; the code location when None.
        repository: the URL of the code's git repository.
        checkout: the repository's folder where the code runs.
        assets: the description of each asset.
    """

    def __init__(
        self,
        lake: Lake,
        *,
        code_location: str = "lineage",
        namespace: str | None = None,
        repository: str | None = None,
        checkout: str | None = None,
        assets: Mapping[str, AssetDescription] | None = None,
    ) -> None:
        self._records, self._table = Records(lake), RecordTable(lake)
        self._partitions = TaggedPartitions(lake)
        self.options = EventOptions(code_location, namespace, lake.uri, repository, checkout, assets or {})

    def after(self, cursor: int | None) -> Iterator[Message]:
        """The messages added after a cursor; from the beginning if None.

        A message's cursor marks the commits that are complete with it: all messages of a commit except the last have
        the cursor of the previous commit.

        Raises:
            LineageError: the table of records cannot be read.
        """
        done = _NO_CURSOR if cursor is None else cursor
        counts = self._records.commits(cursor)
        block: list[int] = []
        size = 0
        waiting: Message | None = None  # until it is known whether more of its commit follows
        for commit, count in [*counts.iter_rows(), (None, 0)]:
            if commit is not None:
                block.append(commit)
                size += count
            if block and (commit is None or size >= _AT_ONCE):
                for message, whole in self._messages(block, done):
                    done = whole
                    if message is None:
                        waiting = waiting and replace(waiting, cursor=whole)
                        continue
                    if waiting is not None:
                        yield waiting
                    waiting = message
                block, size = [], 0
        if waiting is not None:
            yield waiting

    def _messages(self, commits: Sequence[int], done: int) -> Iterator[tuple[Message | None, int]]:
        """The messages of some commits, and None after each commit; each with the last complete commit."""
        frame, _ = self._table.frame(
            where=pl.col("kind").is_in(_KINDS_SENT), columns=list(_PLACES), commits=(commits[0], commits[-1])
        )
        places = _in_order(frame)
        runs = _Runs(self._table, frame, commits[0])
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            found = self._json(some)
            for place in some:
                if place.added > done + 1:
                    done = place.added - 1
                    yield None, done
                for made in self._made(place, found[place.id], runs):
                    yield made.message(place.id, done), done
        yield None, commits[-1]

    def _json(self, places: Sequence[_Place]) -> dict[str, dict[str, Any]]:
        first, last = min(place.added for place in places), max(place.added for place in places)
        ids = [place.id for place in places]
        frame, _ = self._table.frame(where=pl.col("id").is_in(ids), commits=(first, last))
        return {data["id"]: data for data in self._table.json(frame, shared)}

    def _made(self, place: _Place, data: dict[str, Any], runs: _Runs) -> list[_Made]:
        """Events of a record; if it cannot be translated, one message with the reason."""
        try:
            if place.kind == _RUN:
                return self._of_run(RunRecord.from_json(data), place, runs)
            self._partitions.leave_out(data)
            return self._of_asset(shared_materialization(data), runs)
        except Exception as error:  # the records after it are sent anyway
            failure = Failure.of(error)
            key = self.options.asset_job(place.asset or "", Run()).key
            return [_Made(None, f"{place.id}/UNTRANSLATED", key, f"{failure.type}: {failure.message}")]

    def _of_asset(self, record: Materialization, runs: _Runs) -> list[_Made]:
        found: list[Json] = []
        known = record.run
        if (run_id := record.run.run_id) is not None:
            opened = runs.known(run_id)
            known = opened or record.run
            if opened is None:
                runs.open(run_id, record.run)
                found.append(run_start(run_id, record.run, iso_time(record.started), self.options))
        found += materialization_events(record, self.options, parent=known)
        return [_Made(event) for event in found]

    def _of_run(self, record: RunRecord, place: _Place, runs: _Runs) -> list[_Made]:
        opened = runs.known(record.id)
        found = run_events(
            record,
            self.options,
            known=opened,
            recorded=runs.steps_before(record.id, place.added),
            kept=runs.kept_before(record.id, place.added),
        )
        if opened is None:
            runs.open(record.id, record.run)
        return [_Made(event) for event in (found if opened is None else found[1:])]


class _Step(NamedTuple):
    """A step of an orchestrator's run, from a record."""

    added: int
    step: str | None
    asset: str
    status: str


@dataclass(frozen=True)
class _Made:
    """An event, or the reason why there is none."""

    event: Json | None
    id: str = ""
    key: str = ""
    fault: str | None = None

    def message(self, record: str, cursor: int) -> Message:
        event = self.event
        if event is None:
            return Message(self.id, None, self.key, record, cursor, b"", self.fault)
        run = event["run"]["runId"] if "run" in event else None
        return Message(id_of(event), run, key_of(event), record, cursor, body_of(event))


class _Runs:
    """The orchestrator's runs with records in a block: their starts and their steps.

    Args:
        table: the table of records.
        block: the positions of the block's records.
        first: the block's first commit.
    """

    def __init__(self, table: RecordTable, block: pl.DataFrame, first: int) -> None:
        ids = block["run_id"].drop_nulls().unique().to_list()
        ids += block.filter(pl.col("kind") == _RUN)["id"].to_list()
        self._known: dict[str, Run] = {}
        self._steps: dict[str, list[_Step]] = {}
        self._note(block.filter(pl.col("kind") != _RUN))
        if not ids:
            return
        of_runs = pl.coalesce("run_id", "id").is_in(list(set(ids)))
        before, _ = table.frame(where=(pl.col(ADDED) < first) & of_runs, columns=list(_PLACES))
        if before.is_empty():
            return
        self._note(before.filter(pl.col("kind").is_in(MATERIALIZATIONS)))
        openers: dict[str, str] = {}
        for place in _in_order(before):
            openers.setdefault(place.run_id or place.id, place.id)
        rows, _ = table.frame(where=(pl.col(ADDED) < first) & pl.col("id").is_in([*openers.values()]))
        runs = {data["id"]: Run.from_json(data.get("run") or {}) for data in table.json(rows)}
        self._known = {run_id: runs[id_] for run_id, id_ in openers.items()}

    def known(self, run_id: str) -> Run | None:
        """Facts about a run from its first record; None before that."""
        return self._known.get(run_id)

    def open(self, run_id: str, run: Run) -> None:
        """Note the facts about a run from its first record."""
        self._known[run_id] = run

    def steps_before(self, run_id: str, commit: int) -> set[str]:
        """The steps of a run that left records up to a commit."""
        return {each.step for each in self._before(run_id, commit) if each.step is not None}

    def kept_before(self, run_id: str, commit: int) -> set[str]:
        """The assets that a run kept, by its records up to a commit."""
        return {each.asset for each in self._before(run_id, commit) if each.status == "kept"}

    def _note(self, records: pl.DataFrame) -> None:
        for run_id, *step in records.select("run_id", *_STEPS).iter_rows():
            self._steps.setdefault(run_id, []).append(_Step(*step))

    def _before(self, run_id: str, commit: int) -> Iterator[_Step]:
        return (each for each in self._steps.get(run_id, ()) if each.added <= commit)


def _in_order(frame: pl.DataFrame) -> list[_Place]:
    """Records by their commits; within a commit runs after their assets, and an asset's versions in order."""
    ordered = frame.with_columns((pl.col("kind") == _RUN).alias("is_run")).sort(
        ADDED, "is_run", "ended", "id"
    )
    places = [
        _Place(row[ADDED], row["id"], row["kind"], row["asset"], row["version"], row["run_id"])
        for row in ordered.iter_rows(named=True)
    ]
    numbers: dict[tuple[int, str], list[int]] = {}
    for number, place in enumerate(places):
        if place.version is not None and place.asset:
            numbers.setdefault((place.added, place.asset), []).append(number)
    for where in numbers.values():
        by_version = sorted((places[number] for number in where), key=lambda place: place.version or 0)
        for number, place in zip(where, by_version, strict=True):
            places[number] = place
    return places
