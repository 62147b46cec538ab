"""RunPlan: the assets that a run would make, with reasons; computed without writing anything."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from recsys_assets.assets.raw.day_plan import DayPlan, EventScans, day_plan
from recsys_assets.assets.raw.found_files import newest_files
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from recsys_lineage.records.staleness import CODE_CHANGED, why_stale

Action = Literal["make", "keep", "decide"]
AGAIN = "it is up to date, and made again"
FILES, EVENTS = "source_files", "raw_events"


@dataclass(frozen=True)
class PlannedAsset:
    """Plan of a run for one asset.

    Attributes:
        asset: its name.
        action: make it; keep it; or decide once its inputs are made, because it is kept if they come out equal.
        why: the reason.
        days: for raw_events, each day that would be written, with the reason.
        refused: for raw_events, each day that cannot be loaded, with the reason.
    """

    asset: str
    action: Action
    why: str
    days: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The planned asset as a JSON object; only raw_events has days."""
        plan: dict[str, Any] = {"action": self.action, "why": self.why}
        if self.asset == EVENTS:
            plan |= {
                "days": dict(self.days),
                "refused": {day: list(why) for day, why in self.refused.items()},
            }
        return plan


def run_plan(
    codes: Mapping[str, AssetCode],
    lake: Lake,
    folder: SourceFolder,
    names: Collection[str],
    *,
    reuse: bool,
    days: Sequence[str] | None = None,
    other_content: Mapping[str, str] | None = None,
) -> list[PlannedAsset]:
    """Plan of a run of some assets, upstream first.

    If `source_files` would be made, the files are inspected as it would, so that their days are known.

    Args:
        codes: all assets by name, upstream first.
        lake: with the tables.
        folder: the source.
        names: the assets of the run.
        reuse: whether the run keeps assets that would come out unchanged.
        days: the requested days of raw_events; None without a request.
        other_content: other content of raw_events besides files; see `day_plan`.
    """
    records = Records(lake)
    planned: dict[str, PlannedAsset] = {}
    for name in [*(name for name in codes if name in names), *(name for name in names if name not in codes)]:
        code = codes.get(name)
        stale = None if code is None else _why_stale(records, code)
        before = [up for up in (code.upstream if code else ()) if planned.get(up, _KEPT).action != "keep"]
        planned[name] = _decided(name, stale, before, reuse=reuse, coded=code is not None)
    if EVENTS in planned:
        looks = planned.get(FILES, _KEPT).action != "keep"
        with _files_as_found(codes[FILES], lake, look=looks) as (found, known):
            version = codes[EVENTS].code_version
            plan = day_plan(newest_files(found), EventScans.of(folder), version, known, other_content)
        planned[EVENTS] = _by_day(planned[EVENTS], plan, reuse=reuse, days=days)
    return list(planned.values())


_KEPT = PlannedAsset("", "keep", "")


def _decided(
    name: str, stale: str | None, before: Sequence[str], *, reuse: bool, coded: bool
) -> PlannedAsset:
    """Decision for an asset: its own reason first, then those of its inputs that are made before it."""
    if stale is not None:
        return PlannedAsset(name, "make", stale)
    if not coded:
        return PlannedAsset(name, "make", "it is written anew by each run")
    if not reuse:
        return PlannedAsset(name, "make", AGAIN)
    if before:
        return PlannedAsset(
            name, "decide", f"{before[0]} is made before it; kept where that comes out as it was"
        )
    return PlannedAsset(name, "keep", "it is up to date")


def _by_day(planned: PlannedAsset, plan: DayPlan, *, reuse: bool, days: Sequence[str] | None) -> PlannedAsset:
    """The plan of raw_events, which is written by day."""
    requested = set(plan.days if days is None else days)
    chosen: dict[str, str] = {}
    for day in plan.days:
        if day not in requested or (reuse and plan.is_up_to_date(day)):
            continue
        if plan.is_up_to_date(day):
            chosen[day] = AGAIN
        elif day not in plan.digests:
            chosen[day] = "no file has it any more"
        elif day not in plan.known:
            chosen[day] = "it is new"
        else:
            chosen[day] = planned.why if planned.why.startswith(CODE_CHANGED) else "its files changed"
    refused = {day: why for day, why in plan.refused.items() if days is None or day in days}
    counts = Counter(chosen.values())
    reasons = [f"{many} days: {why}" for why, many in counts.items()]
    reasons += [f"{len(refused)} days: they cannot be loaded"] if refused else []
    action: Action = "make" if chosen or (refused and not plan.known) else "keep"
    return PlannedAsset(
        planned.asset, action, "; ".join(reasons) or "its days are up to date", chosen, refused
    )


@contextmanager
def _files_as_found(code: AssetCode, lake: Lake, *, look: bool) -> Iterator[tuple[Lake, Mapping[str, str]]]:
    """A lake with the current `source_files`, or the one that a new listing would make; and the content of
    raw_events."""
    records = Records(lake)
    before = records.latest(EVENTS)
    known = before.takes if before is not None else {}
    if not look:
        yield lake, known
        return
    with tempfile.TemporaryDirectory(prefix="recsys-plan-") as place:
        found = Lake(place, lake.engine)
        outcome = attempt(code, lake, Request(reuse=False), into=found, previous=records.latest(FILES))
        if outcome.error is not None:
            raise outcome.error
        yield found, known


def _why_stale(records: Records, code: AssetCode) -> str | None:
    return why_stale(
        records,
        code.name,
        code_version=code.code_version,
        upstream=code.upstream,
        observed=code.observe() if code.observe else None,
        takes=code.takes,
        parameters=code.parameters,
        due=code.due,
        checks=code.check_versions,
    )
