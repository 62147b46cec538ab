"""Comparison: the differences between the records and a catalog's content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.openlineage.catalog.picture import DatasetPicture, Key, Picture, RunPicture

State = Literal["missing", "extra", "stale", "different"]
What = Literal[
    "dataset", "fields", "version", "edge", "columns", "run", "state", "duration", "datasets of run", "checks"
]
_SAME_MOMENT = timedelta(milliseconds=1)
"""Tolerance for times: a catalog keeps them to the microsecond, and durations to the millisecond."""
_FEW = 3


@dataclass(frozen=True)
class Difference(Answer):
    """One item in which the catalog differs from the records.

    Attributes:
        state: missing there, extra there, stale (it was true before), or different.
        what: the kind of item.
        name: its name.
        expected: the value in the records.
        found: the value in the catalog.
        runs: ids of the runs whose events, sent again, would repair it.
    """

    state: State
    what: What
    name: str
    expected: str = ""
    found: str = ""
    runs: tuple[str, ...] = ()


def differences(records: Picture, catalog: Picture) -> Iterator[Difference]:
    """All differences between the records and the catalog; none if the catalog has everything right.

    Args:
        records: the picture from the records.
        catalog: the catalog's picture.
    """
    wrote = _writers(records)
    yield from _datasets(records, catalog, wrote)
    yield from _edges(records, catalog, wrote)
    yield from _runs(records, catalog)


def _writers(records: Picture) -> dict[Key, tuple[str, ...]]:
    """The runs of each job in order, by job; and the runs of the writers of each dataset, by dataset."""
    found: dict[Key, list[str]] = {}
    for run_id, run in sorted(records.runs.items(), key=lambda item: item[1].order):
        for key in (run.job, *run.outputs):
            found.setdefault(key, []).append(run_id)
    return {key: tuple(runs) for key, runs in found.items()}


def _datasets(
    records: Picture, catalog: Picture, wrote: Mapping[Key, tuple[str, ...]]
) -> Iterator[Difference]:
    for key, ours in sorted(records.datasets.items()):
        theirs, newest = catalog.datasets.get(key), wrote.get(key, ())[-1:]
        if theirs is None:
            yield Difference("missing", "dataset", str(key), runs=newest)
            continue
        if theirs.version != ours.version:
            state: State = "stale" if _is_before(theirs.version, ours.version) else "different"
            yield Difference(
                state, "version", str(key), ours.version or "none", theirs.version or "none", newest
            )
            continue
        if not ours.fields <= theirs.fields <= ours.fields | ours.before:
            yield Difference("different", "fields", str(key), _fields(ours), _fields(theirs), newest)
        yield from _columns(key, ours, theirs, newest)
    tables = records.datasets.keys() | records.others
    for key in sorted(filter(records.is_within, catalog.datasets.keys() - tables)):
        yield Difference("extra", "dataset", str(key), "no record names it")


def _columns(
    key: Key, ours: DatasetPicture, theirs: DatasetPicture, runs: tuple[str, ...]
) -> Iterator[Difference]:
    if ours.origins is None:
        if theirs.origins:
            yield Difference(
                "extra", "columns", str(key), "no column lineage", f"{len(theirs.origins):,} edges"
            )
        return
    have = theirs.origins or frozenset()
    if missing := ours.origins - have:
        yield Difference("missing", "columns", str(key), _few(missing), runs=runs)
    if extra := have - ours.origins:
        yield Difference("extra", "columns", str(key), found=_few(extra), runs=runs)
    if missing or extra or theirs.shown is None:
        return
    expected = {(each.column, each.dataset, each.field) for each in ours.origins}
    if hidden := expected - theirs.shown:
        words = {f"{column} ← {source}.{name}" for column, source, name in hidden}
        yield Difference("missing", "columns", str(key), f"drawn: {_few(words)}", "in the facet alone", runs)


def _edges(records: Picture, catalog: Picture, wrote: Mapping[Key, tuple[str, ...]]) -> Iterator[Difference]:
    for edge in sorted(records.edges - catalog.edges):
        yield Difference("missing", "edge", str(edge), runs=wrote.get(edge.job, ())[-1:])
    for edge in sorted(catalog.edges - records.edges - records.bearable):
        yield Difference("extra", "edge", str(edge), runs=wrote.get(edge.job, ())[-1:])


def _runs(records: Picture, catalog: Picture) -> Iterator[Difference]:
    for run_id, ours in records.runs.items():
        theirs, name = catalog.runs.get(run_id), f"{ours.job.name} {run_id}"
        if theirs is None:
            yield Difference("missing", "run", name, runs=(run_id,))
            continue
        if theirs.job != ours.job:
            yield Difference("different", "run", name, str(ours.job), str(theirs.job), (run_id,))
        if theirs.state != ours.state:
            state: State = "stale" if theirs.state in ("NEW", "RUNNING", None) else "different"
            yield Difference(state, "state", name, str(ours.state), str(theirs.state), (run_id,))
        elif not (_is_same(ours.started, theirs.started) and _is_same(ours.ended, theirs.ended)):
            yield Difference("different", "duration", name, _times(ours), _times(theirs), (run_id,))
        for side in ("inputs", "outputs"):
            mine, its = getattr(ours, side), getattr(theirs, side)
            if mine != its:
                sides = f"{side}: {_few(mine) or 'none'}", f"{side}: {_few(its) or 'none'}"
                yield Difference("different", "datasets of run", name, *sides, (run_id,))
        if theirs.assertions != ours.assertions:
            yield Difference(
                "missing" if ours.assertions - theirs.assertions else "extra", "checks", name,
                _checks(ours.assertions - theirs.assertions), _checks(theirs.assertions - ours.assertions), (run_id,),
            )  # fmt: skip
    for run_id in sorted(catalog.runs.keys() - records.runs.keys() - records.silent):
        yield Difference("extra", "run", f"{catalog.runs[run_id].job.name} {run_id}", "no record tells of it")


def _is_before(theirs: str | None, ours: str | None) -> bool:
    return bool(theirs and ours and theirs.isdecimal() and ours.isdecimal() and int(theirs) < int(ours))


def _is_same(ours: datetime | None, theirs: datetime | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) <= _SAME_MOMENT


def _times(run: RunPicture) -> str:
    return f"{run.started} to {run.ended}"


def _fields(dataset: DatasetPicture) -> str:
    return ", ".join(sorted(f"{name} {type_ or '?'}" for name, type_ in dataset.fields)) or "none"


def _checks(assertions: Set[tuple[str, str, bool]]) -> str:
    return _few(
        {f"{name}{f' of {column}' if column else ''}: {passed}" for name, column, passed in assertions}
    )


def _few(things: Set[object] | frozenset[object]) -> str:
    shown = sorted(map(str, things))
    more = f", … {len(shown):,} in all" if len(shown) > _FEW else ""
    return ", ".join(shown[:_FEW]) + more
