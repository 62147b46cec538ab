"""Events are a pure function of records, and every one of them is valid."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.openlineage.facets.facet import Json
from recsys_lineage.openlineage.facets.run_facets import parameters_facet
from recsys_lineage.openlineage.translation.event_json import body_of, id_of
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.run_record import RunRecord
from tests.examples import examples
from tests.lineage.openlineage.laws import broken_laws
from tests.lineage.openlineage.made_events import (
    LAKE,
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


@settings(deadline=None, max_examples=examples(50))
@given(orderly_materializations)
def test_inputs_are_the_tables_that_were_read_for_what_ran_and_none_that_is_only_declared(
    record: Materialization,
) -> None:
    wanted = "check" if record.kind == "check" else "input"
    sources = {edge.table for edges in record.column_lineage.values() for edge in edges}
    read = {
        f"{LAKE}/{read.name}"
        for read in record.reads
        if read.kind == "table" and (read.purpose == wanted or read.name in sources)
    }
    for event in events(record):
        if "run" in event:
            assert {each["name"] for each in event["inputs"] if each["name"].startswith(f"{LAKE}/")} == read


_by_day = orderly_materializations.filter(lambda made: made.written is not None and bool(made.partitions))


@settings(deadline=None, max_examples=examples(20), suppress_health_check=[HealthCheck.filter_too_much])
@given(_by_day)
def test_partitions_that_are_tagged_data_are_told_as_no_time_and_no_part(record: Materialization) -> None:
    assert record.written is not None
    for is_tagged in (True, False):
        tags = {str(record.written.partition_column): ("pii",)} if is_tagged else {}
        *_, end = events(replace(record, column_tags=tags))
        assert ("nominalTime" in end["run"]["facets"]) is not is_tagged
        assert ("subset" in end["outputs"][0]["outputFacets"]) is not is_tagged


@settings(deadline=None, max_examples=examples(50))
@given(orderly_materializations)
def test_what_several_events_hold_is_serialised_as_if_it_stood_in_one(record: Materialization) -> None:
    for event in events(record, described):
        assert body_of(event) == orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


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


@pytest.mark.parametrize(
    "value", [2**70, [2**64], {"n": -(2**64)}, {2**70: 1}, "\ud800", ["\udfff"]], ids=lambda v: ascii(v)
)
def test_parameters_that_few_systems_can_write_are_told_all_the_same(value: object) -> None:
    told = parameters_facet({"value": value})
    assert told is not None
    text = told["parameters"][0]["value"]
    assert text == value if isinstance(value, str) else json.loads(text) == json.loads(json.dumps(value))
