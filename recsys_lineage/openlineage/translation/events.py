"""The events of any record: of a materialization, a check or a whole run."""

from __future__ import annotations

from recsys_lineage.openlineage.facets.facet import Json
from recsys_lineage.openlineage.translation.asset_events import materialization_events
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.run_events import run_events
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.run_record import RunRecord


def events(record: Materialization | RunRecord, options: EventOptions | None = None) -> list[Json]:
    """The OpenLineage events of a record; equal records give equal events.

    Each run has one START and one of COMPLETE, FAIL and ABORT. In a stream of records, `Stream` puts a run's START
    before its assets' events, and adds steps without a record.
    """
    if isinstance(record, RunRecord):
        return run_events(record, options)
    return materialization_events(record, options)
