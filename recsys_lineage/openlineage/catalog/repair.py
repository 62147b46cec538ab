"""Repair: the events to send to a catalog again, and the items to delete there, so that it agrees with the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recsys_lineage.graph.questions.answers import Answer
from recsys_lineage.openlineage.catalog.comparison import Difference, State
from recsys_lineage.openlineage.catalog.picture import Picture


@dataclass(frozen=True)
class Comparison(Answer):
    """The result of comparing a catalog with the records.

    Attributes:
        catalog: its URL.
        datasets, edges, columns, runs: their numbers in the records, all of which were compared.
        differences: all differences.
        replay_since: the time from which all runs must be sent again to repair missing, stale or different items; None
            if there are none.
        delete: names of items without a record, which only a deletion in the catalog repairs.
    """

    catalog: str
    datasets: int
    edges: int
    columns: int
    runs: int
    differences: tuple[Difference, ...]
    replay_since: datetime | None
    delete: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether the catalog agrees with the records."""
        return not self.differences

    def count(self, state: State) -> int:
        """Number of differences of a state."""
        return sum(each.state == state for each in self.differences)


def compared(url: str, records: Picture, found: Sequence[Difference]) -> Comparison:
    """The comparison with its differences and their repair.

    Args:
        url: the catalog's URL.
        records: the picture from the records.
        found: the differences.
    """
    origins = sum(len(dataset.origins or ()) for dataset in records.datasets.values())
    return Comparison(
        url,
        len(records.datasets),
        len(records.edges),
        origins,
        len(records.runs),
        tuple(found),
        # A catalog takes what comes last for the newest, so everything since is sent again, up to now.
        _begun({run for each in found for run in each.runs}, records),
        tuple(each.name for each in found if each.state == "extra" and not each.runs),
    )


def _begun(wanted: set[str], records: Picture) -> datetime | None:
    """The start of the earliest of some runs."""
    runs: Mapping[str, datetime] = {
        run_id: run.started for run_id, run in records.runs.items() if run.started is not None
    }
    return min((runs[run_id] for run_id in wanted if run_id in runs), default=None)
