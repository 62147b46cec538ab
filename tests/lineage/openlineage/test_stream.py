"""The stream of a lake's records: in order, whole runs, and the same from wherever it is taken up."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.lake import Lake
from recsys_lineage.openlineage.message import Message
from recsys_lineage.openlineage.translation import stream as stream_module
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import AnyRecord, Records
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples
from tests.lineage.openlineage.laws import broken_laws, told
from tests.lineage.openlineage.made_events import BEGAN, NAMES, orderly_materializations
from tests.lineage.openlineage.official_schemas import faults, needs_specification
from tests.lineage.records.made_records import record

_NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each example writes a lake, which takes too long to look for the smallest one."""
_STEPS = ("success", "failed", "skipped", "canceled", "killed")


@st.composite
def commits_of_records(draw: st.DrawFn) -> list[list[AnyRecord]]:
    """Records of Dagster runs that overlap, and of notebooks, as commits of the table of records."""
    lanes: list[list[AnyRecord]] = [[*draw(st.lists(_of_notebooks, max_size=2))]]
    for number in range(draw(st.integers(1, 3))):
        run = Run(f"run-{number}", "nightly", started=BEGAN + timedelta(minutes=number), schedule="night")
        steps = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
        lane: list[AnyRecord] = [
            replace(
                draw(orderly_materializations),
                id=f"{number}-{step}",
                asset=step,
                kind="asset",
                column_lineage={},
                run=replace(run, step=step),
            )
            for step in steps
        ]
        states = {name: draw(st.sampled_from(_STEPS)) for name in NAMES if draw(st.booleans())}
        end = RunRecord(
            f"run-{number}",
            draw(st.sampled_from(["success", "failed", "canceled", "lost"])),
            BEGAN,
            BEGAN + timedelta(hours=1),
            run,
            assets=NAMES,
            steps=states,
        )
        lanes.append([*lane, end])
    commits: list[list[AnyRecord]] = []
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        if not commits or draw(st.booleans()):
            commits.append([])
        commits[-1].append(lane.pop(0))
    return commits


_of_notebooks = orderly_materializations.map(lambda made: replace(made, run=Run()))


def lake_of(folder: Path, commits: list[list[AnyRecord]]) -> Lake:
    lake = Lake(str(folder / "lake"))
    for commit in commits:
        Records(lake).append(commit)
    return lake


@settings(deadline=None, max_examples=examples(6), phases=_NO_SHRINKING)
@given(commits_of_records(), st.sampled_from([1, 2, 500]))
def test_whatever_ran_the_stream_obeys_the_laws_and_goes_on_behind_any_cursor(
    commits: list[list[AnyRecord]], at_once: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_module, "_AT_ONCE", at_once)
        lake = lake_of(Path(folder), commits)
        messages = list(Stream(lake, code_location="recsys").after(None))
        assert broken_laws(told(messages)) == []
        assert [m.cursor for m in messages] == sorted(m.cursor for m in messages)
        assert len({m.id for m in messages}) == len(messages)
        for number in {0, len(messages) // 2, len(messages) - 1}:
            if messages:
                assert (
                    behind(
                        list(Stream(lake, code_location="recsys").after(messages[number].cursor)),
                        messages[number],
                    )
                    == messages[number + 1 :]
                )


def behind(messages: list[Message], message: Message) -> list[Message]:
    """The messages behind one, all where it is not among them."""
    ids = [each.id for each in messages]
    return messages[ids.index(message.id) + 1 :] if message.id in ids else messages


@needs_specification
@settings(deadline=None, max_examples=3, phases=_NO_SHRINKING)
@given(commits_of_records())
def test_every_event_of_a_stream_is_valid(commits: list[list[AnyRecord]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for event in told(Stream(lake_of(Path(folder), commits), code_location="recsys").after(None)):
            assert faults(event) == []


def plain(asset: str, version: int, run: str | None = None) -> Materialization:
    """A record that wrote a version."""
    made = record(asset, version, status="success", version=version, rows=1, lake="/lake")
    return replace(made, run=Run(run, "nightly", asset, started=BEGAN) if run else Run())


def kinds(messages: list[Message]) -> list[str]:
    return [f"{message.key.rpartition('/')[2]} {message.id.rpartition('/')[2]}" for message in messages]


def test_versions_of_runs_that_overlap_stay_in_order(tmp_path: Path) -> None:
    end = RunRecord("b", "success", BEGAN, BEGAN, Run("b", "nightly", started=BEGAN))
    commits: list[list[AnyRecord]] = [[plain("orders", 1, "a")], [plain("orders", 2, "b")], [end]]
    messages = list(Stream(lake_of(tmp_path, commits), code_location="recsys").after(None))
    assert kinds(messages) == [
        "recsys START", "recsys.orders START", "recsys.orders COMPLETE",
        "recsys START", "recsys.orders START", "recsys.orders COMPLETE", "recsys COMPLETE",
    ]  # fmt: skip
    written = [event["outputs"] for event in told(messages) if event["outputs"]]
    assert [each[0]["facets"]["version"]["datasetVersion"] for each in written] == ["1", "2"]


def test_versions_of_one_commit_come_in_their_order_whenever_they_ended(tmp_path: Path) -> None:
    later = replace(plain("orders", 2), ended=BEGAN)
    messages = list(
        Stream(lake_of(tmp_path, [[later, plain("orders", 1)]]), code_location="recsys").after(None)
    )
    assert [m.record for m in messages][-1] == later.id


def test_a_record_that_comes_behind_its_runs_end_is_told_all_the_same(tmp_path: Path) -> None:
    end = RunRecord(
        "a", "lost", BEGAN, BEGAN, Run("a", started=BEGAN), assets=("orders",), steps={"orders": "killed"}
    )
    commits: list[list[AnyRecord]] = [[end], [plain("orders", 1, "a")]]
    messages = list(Stream(lake_of(tmp_path, commits), code_location="recsys").after(None))
    assert kinds(messages) == [
        "recsys START", "recsys.orders START", "recsys.orders ABORT", "recsys ABORT",
        "recsys.orders START", "recsys.orders COMPLETE",
    ]  # fmt: skip
    assert broken_laws(told(messages)) == []


def test_a_record_that_cannot_be_told_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = plain("orders", 1), plain("spend", 1)

    def refuses(made: Materialization, *rest: object, **more: object) -> object:
        if made.id == bad.id:
            raise ValueError("it is too odd")
        return told_of(made, *rest, **more)  # pyright: ignore[reportArgumentType]

    told_of = stream_module.materialization_events
    monkeypatch.setattr(stream_module, "materialization_events", refuses)
    messages = list(Stream(lake_of(tmp_path, [[bad], [good]]), code_location="recsys").after(None))
    assert [m.id for m in messages if m.fault] == [f"{bad.id}/UNTRANSLATED"]
    assert kinds(messages)[1:] == ["recsys.orders START", "recsys.orders COMPLETE"]
    assert messages[0].cursor == 0 and messages[-1].cursor == 1


def test_what_was_kept_or_skipped_is_named_at_the_runs_end_and_has_no_run(tmp_path: Path) -> None:
    run = Run("a", "nightly", started=BEGAN)
    kept = replace(plain("orders", 1, "a"), status="kept", kept="0" * 32, reads=())
    steps = {"orders": "success", "spend": "skipped"}
    end = RunRecord("a", "failed", BEGAN, BEGAN, run, assets=("orders", "spend"), steps=steps)
    messages = list(Stream(lake_of(tmp_path, [[kept], [end]]), code_location="recsys").after(None))
    assert kinds(messages) == ["recsys START", "recsys FAIL"]
    tags = {tag["key"]: tag["value"] for tag in told(messages)[-1]["run"]["facets"]["tags"]["tags"]}
    assert (tags["lineage/kept"], tags["lineage/skipped"]) == ("orders", "spend")


def test_commits_without_events_are_in_the_cursor_of_the_message_before(tmp_path: Path) -> None:
    kept = [replace(plain("spend", number), status="kept", kept="0", reads=()) for number in (1, 2)]
    commits: list[list[AnyRecord]] = [[plain("orders", 1)], [kept[0]], [kept[1]]]
    messages = list(Stream(lake_of(tmp_path, commits), code_location="recsys").after(None))
    assert [m.cursor for m in messages] == [-1, 2]
    assert list(Stream(lake_of(tmp_path, []), code_location="recsys").after(2)) == []


def test_an_empty_lake_has_no_messages(tmp_path: Path) -> None:
    assert list(Stream(Lake(str(tmp_path))).after(None)) == []


def test_all_runs_of_a_backfill_and_all_tries_have_run_ids_of_their_own(tmp_path: Path) -> None:
    tries = [
        replace(plain("orders", 1, "a"), id=str(retry), run=Run("a", "j", "orders", retry))
        for retry in (0, 1)
    ]
    messages = list(Stream(lake_of(tmp_path, [list(tries)]), code_location="recsys").after(None))
    runs = {message.run for message in messages if "orders" in message.key}
    assert len(runs) == 2 and all(run and run[14] == "7" for run in runs)
    assert json.loads(messages[-1].body)["run"]["facets"]["tags"]["tags"][-1]["value"] == "1"


def test_what_was_committed_before_an_interruption_ended_well_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, appended = Lake(str(tmp_path / "lake")), Records.append

    def interrupted(records: Records, *given: Any) -> int:
        monkeypatch.setattr(Records, "append", appended)
        raise KeyboardInterrupt

    monkeypatch.setattr(Records, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        materialize(sql_code(SqlText("SELECT 1 AS a"), name="orders"), lake)
    Records(lake).sync()
    messages = list(Stream(lake, code_location="recsys").after(None))
    assert kinds(messages) == ["recsys.orders START", "recsys.orders COMPLETE"]
