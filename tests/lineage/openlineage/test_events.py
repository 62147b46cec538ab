"""Events are a pure function of records, and every one of them is valid."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.openlineage.facets.facet import Json
from recsys_lineage.openlineage.translation.event import body_of, id_of
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.run_record import RunRecord
from tests.examples import examples
from tests.lineage.openlineage.laws import broken_laws
from tests.lineage.openlineage.made_events import (
    any_events,
    as_client_object,
    described,
    orderly_materializations,
)
from tests.lineage.openlineage.official_schemas import faults, needs_specification
from tests.lineage.records.made_records import materializations, run_records


def sent(event: Json) -> Json:
    """An event as it arrives."""
    return json.loads(body_of(event))


@settings(deadline=None, max_examples=examples(30))
@given(materializations | run_records)
def test_equal_records_give_equal_bytes(record: Materialization | RunRecord) -> None:
    again = type(record).from_json(json.loads(json.dumps(record.to_json())))
    assert [body_of(event) for event in events(record)] == [body_of(event) for event in events(again)]
    assert [id_of(event) for event in events(record)] == [id_of(event) for event in events(again)]


@needs_specification
@settings(deadline=None, max_examples=examples(30))
@given(materializations | run_records)
def test_whatever_a_record_holds_its_events_are_valid(record: Materialization | RunRecord) -> None:
    for event in events(record):
        assert faults(sent(event)) == []


@needs_specification
@settings(deadline=None, max_examples=examples(30))
@given(orderly_materializations)
def test_events_of_records_as_assets_leave_them_are_valid(record: Materialization) -> None:
    for event in events(record, described):
        assert faults(sent(event)) == []


@settings(deadline=None, max_examples=examples(50))
@given(orderly_materializations)
def test_inputs_cover_the_sources_of_columns_and_their_schemas_have_them(record: Materialization) -> None:
    if record.run.run_id is None:
        assert broken_laws(sent(event) for event in events(record, described)) == []


@settings(deadline=None, max_examples=examples(30))
@given(orderly_materializations)
def test_no_edge_between_columns_is_lost(record: Materialization) -> None:
    for event in events(record):
        for output in event.get("outputs", ()):
            fields = output["facets"].get("columnLineage", {"fields": {}})["fields"]
            told = {
                column: sorted(
                    (source["field"], step["type"], step["subtype"], step["masking"])
                    for source in origin["inputFields"]
                    for step in source["transformations"]
                )
                for column, origin in fields.items()
            }
            assert told == {
                column: sorted((edge.column, edge.kind, edge.subtype, edge.masking) for edge in edges)
                for column, edges in record.column_lineage.items()
            }


@settings(deadline=None, max_examples=examples(30))
@given(st.one_of(any_events))
def test_an_event_says_what_the_clients_own_classes_would_say(event: Json) -> None:
    from openlineage.client.serde import Serde

    assert json.loads(Serde.to_json(as_client_object(event))) == sent(event)
