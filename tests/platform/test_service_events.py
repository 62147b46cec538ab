"""Events that the service took are events of the shop: each once, with file and line, loaded day by day."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recsys_assets.assets.feedback import feedback_days, feedback_files
from recsys_assets.assets.feedback import feedback_tables as feedback
from recsys_assets.assets.raw import raw_tables as raw
from recsys_assets.assets.raw import source_files
from recsys_assets.assets.raw.service_events import ServiceEvents
from recsys_assets.runs.load_report import load_report
from recsys_assets.service.service_files import ServiceFiles
from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import Outcome, materialize
from recsys_lineage.files.source_file import hashed_file
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.rows.back import trace_back
from recsys_lineage.rows.forward import trace_forward
from tests.platform.nights import Nights

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
NUMBERED = "SELECT moment AS event_time, who AS user_id, what AS item_id, _file, _line FROM read_parquet('*.parquet')"
SEEN = ("_day", "event_time", "user_id", "item_id", "behaviour", "_file", "_line", "_event_id")


def shop(folder: Path, source: str = "", **sql: str) -> Nights:
    """A shop that sold one thing on the first day."""
    made = Nights.of(folder / "shop", source=source, **sql)
    made.deliver("sales-1.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    ServiceFiles(made.folder).feedback.mkdir()
    return made


def event(name: str, day: int = 0, action: str = "view", **more: Any) -> dict[str, Any]:
    """An event as the service writes it down; its time is noon of a day."""
    time = int((NOON + timedelta(days=day)).timestamp()) * 1_000_000
    line = {
        "event_id": name,
        "action_name": action,
        "object_id": "i1",
        "user": "u1",
        "time": time,
        "received": time,
    }
    return {**line, **more}


def write(made: Nights, name: str, events: Sequence[Mapping[str, Any]], rest: bytes = b"") -> None:
    """A file that the service has closed."""
    lines = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in events)
    (ServiceFiles(made.folder).feedback / f"events-{name}.jsonl").write_bytes(lines + rest)


def codes(made: Nights, *, simulated: bool = False) -> Mapping[str, AssetCode]:
    """From files to raw_events, in their order."""
    files, source = ServiceFiles(made.folder), made.source
    rules = source.source.settings
    events, *_ = raw.assets(source, ServiceEvents.of(rules, simulated=simulated))
    return asset_codes(
        [
            source_files.asset(source),
            feedback_files.asset(files, rules.time_zone),
            *feedback.assets(files, rules.time_zone)[1:],
            feedback_days.asset(),
            events,
        ]
    )


def night(made: Nights, *, reuse: bool = True, simulated: bool = False) -> Outcome:
    """Load what is new; what came of raw_events."""
    *_, last = [
        materialize(code, made.lake, Request(reuse=reuse))
        for code in codes(made, simulated=simulated).values()
    ]
    return last


EVENTS = st.builds(
    event,
    st.sampled_from("abcdef"),
    st.integers(0, 3),
    st.sampled_from(["view", "purchase", "exposure"]),
    user=st.sampled_from(["u1", "u2", None]),
    object_id=st.sampled_from(["i1", "nobody knows it"]),
)


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
@given(files=st.lists(st.lists(EVENTS, max_size=4), min_size=2, max_size=2))
def test_night_by_night_is_as_all_at_once_and_no_event_stands_twice(
    files: list[list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("nights")
    by_night, at_once = shop(folder / "a"), shop(folder / "b")
    first: dict[str, dict[str, Any]] = {}
    for number, events in enumerate(files):
        write(by_night, str(number), events)
        write(at_once, str(number), events)
        night(by_night)
        for each in events:
            first.setdefault(each["event_id"], each)
    night(at_once)
    assert by_night.rows("feedback", "event_id", "_file", "_line") == at_once.rows(
        "feedback", "event_id", "_file", "_line"
    )
    assert by_night.events(*SEEN) == at_once.events(*SEEN)
    joined = {
        each["event_id"] for each in first.values() if each["user"] and each["action_name"] != "exposure"
    }
    assert sorted(name for (name,) in by_night.events("_event_id") if name) == sorted(joined)


def test_only_days_with_new_events_are_written(tmp_path: Path) -> None:
    made = shop(tmp_path)
    write(made, "1", [event("a"), event("b", 3)])
    assert (night(made).output or pytest.fail("nothing was written")).partitions == [
        "2024-01-01",
        "2024-01-04",
    ]
    before = made.events(*SEEN)
    assert night(made).output is None
    write(made, "2", [event("c", 3), event("a", 3)], rest=b'{"event_id": "torn \xc3')
    outcome = night(made)
    assert outcome.output is not None and outcome.output.partitions == ["2024-01-04"]
    assert set(made.events(*SEEN)) - set(before) == {
        ("2024-01-04", "2024-01-04 12:00:00", "u1", "i1", "view", "feedback/events-2.jsonl", "1", "c")
    }
    version = codes(made)["raw_events"].code_version
    days = ServiceEvents.of(made.source.source.settings, simulated=False).stored_days(made.lake, date.max)
    assert load_report(made.lake, made.source, version, loaded=True, other_content=days).complete
    (ServiceFiles(made.folder).feedback / "events-1.jsonl").unlink()
    write(made, "3", [event("d", 3)])
    night(made)
    assert len(made.events(*SEEN)) == 5, "the rows of a file that is gone stay"


def test_a_row_leads_to_its_line_and_the_line_to_its_rows(tmp_path: Path) -> None:
    made = shop(tmp_path)
    write(made, "1", [event("a"), event("b", 1, user="only here")])
    night(made)
    place = ServiceFiles(made.folder).feedback / "events-1.jsonl"
    trace = trace_back(made.lake, "raw_events", {"user_id": "only here"})
    (lines,) = trace.files
    assert (lines.file, lines.lines) == ("feedback/events-1.jsonl", (2,))
    assert lines.sha256 == hashed_file(place, "", made.folder).sha256
    assert [each.table for each in trace.tables] == ["raw_events", "feedback"] and trace.stopped == ()
    found = trace_forward(made.lake, file="feedback/events-1.jsonl", lines=2)
    assert {each.table: each.count for each in found.tables} == {
        "feedback": 1, "raw_events": 1, "feedback_days": 1,
    }  # fmt: skip


def test_what_does_not_join_is_kept_in_feedback_alone(tmp_path: Path) -> None:
    made = shop(tmp_path, 'last_day = 2024-01-03\ntime_zone = "America/New_York"')
    told = [
        event("view"), event("visitor", user=None, client_id="tab"), event("shown", action="exposure"),
        event("rated", action="rating", value=5), event("played", simulated=True), event("late", 4),
    ]  # fmt: skip
    write(made, "1", told)
    night(made)
    assert [row[1:] for row in made.events(*SEEN) if row[-1]] == [
        ("2024-01-01 07:00:00", "u1", "i1", "view", "feedback/events-1.jsonl", "1", "view")
    ]
    assert len(made.rows("feedback", "event_id")) == len(told)
    night(made, simulated=True)
    assert {name for (name,) in made.events("_event_id")} == {None, "view", "played"}
    made.mend(source='service_events = {rating = "liked"}')
    night(made)
    assert {row[4] for row in made.events(*SEEN) if row[-1]} == {"liked"}
    made.mend(source="service_events = {}")
    night(made)
    assert {name for (name,) in made.events("_event_id")} == {None}


def test_ids_that_are_no_numbers_join_a_shop_of_numbers(tmp_path: Path) -> None:
    made = shop(tmp_path, raw_events=NUMBERED)
    header = ("moment", "who", "what")
    made.deliver(
        "sales.parquet", (datetime(2024, 1, 1, 10), 17, 5), (datetime(2024, 1, 2, 10), 18, 5), header=header
    )
    night(made)
    write(made, "1", [event("a", 1, user="somebody", object_id='Grüße\t"5"'), event("b", 5, user="17")])
    night(made)
    ids = {(user, item, name) for user, item, name in made.events("user_id", "item_id", "_event_id")}
    assert ids == {("17", "5", None), ("18", "5", None), ("somebody", 'Grüße\t"5"', "a"), ("17", "i1", "b")}
    made.deliver("more.parquet", (datetime(2024, 1, 7, 10), 19, 5), header=header)
    outcome = night(made)
    assert outcome.output is not None and outcome.output.partitions == ["2024-01-07"]


def test_a_table_that_comes_later_makes_raw_events_stale(tmp_path: Path) -> None:
    made = shop(tmp_path)
    write(made, "1", [event("a", 1)])
    every = codes(made)
    for name in ("source_files", "raw_events", "feedback_files", "feedback", "feedback_days"):
        materialize(every[name], made.lake, Request(reuse=True))
    assert (
        materialize(every["raw_events"], made.lake, Request(reuse=True)).reason
        == "feedback_days was not there"
    )
    assert {name for (name,) in made.events("_event_id")} == {None, "a"}
