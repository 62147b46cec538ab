"""What runs of Dagster did, from their records to a catalog: by the sensor, and by the command line of a lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from recsys_lineage.cli.commands import app
from recsys_lineage.errors import LineageError
from recsys_lineage.openlineage.emission import Emission
from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.orchestration.metadata.described_assets import asset_descriptions
from recsys_lineage.orchestration.recorded_runs import record_runs
from recsys_lineage.orchestration.sensors.openlineage_sensor import (
    CHECK,
    openlineage_check,
    openlineage_sensor,
)
from recsys_lineage.records.records import Records
from tests.lineage.delivery.sink import TAKE, Sink, refuse
from tests.lineage.project import Project, table

SPEND = table("spend", "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer")
ORDERS = table("orders")


def made(project: Project, times: int = 1) -> None:
    """Run two assets, as often as that."""
    for _ in range(times):
        project.run(ORDERS, SPEND)
        record_runs(project.instance, project.lake, "shop")


def events_of(project: Project, emission: Emission) -> list[str]:
    """The ids of all events of the records."""
    return [message.id for message in emission.stream(project.lake).after(None)]


def emission_to(folder: Path, url: str, **beside: Any) -> Emission:
    environment = {"OPENLINEAGE_URL": url, "HOME": str(folder)}
    return Emission(folder / "openlineage", environment=environment, code_location="shop", **beside)


def tick(project: Project, emission: Emission, cursor: str | None = None) -> dg.SensorResult:
    """One tick of the sensor."""
    sensor = openlineage_sensor(lambda: emission, checked="spend")
    context = dg.build_sensor_context(
        instance=project.instance, cursor=cursor, resources={"lake": project.resource}
    )
    found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_behind_any_message_the_stream_goes_on_with_the_next(project: Project, tmp_path: Path) -> None:
    """The law by which a sender that was killed goes on; see `Position`."""
    made(project, 3)
    stream = Emission(tmp_path).stream(project.lake)
    messages = list(stream.after(None))
    assert len({message.id for message in messages}) == len(messages) == 3 * 6
    completes: dict[int, int] = {}
    for place, message in enumerate(messages):
        completes.setdefault(message.cursor, place)
        behind = list(stream.after(message.cursor))
        expected = messages if message.cursor < 0 else messages[completes[message.cursor] + 1 :]
        assert behind == expected


def test_the_sensor_delivers_in_its_own_process_what_ran(project: Project, tmp_path: Path) -> None:
    made(project)
    with Sink() as sink:
        emission = emission_to(tmp_path, sink.url)
        first = tick(project, emission)
        assert sink.stored == events_of(project, emission)
        made(project)
        tick(project, emission, first.cursor)
        assert sink.stored == events_of(project, emission)
    assert first.skip_reason is not None and "delivered" in str(first.skip_reason.skip_message)


def test_what_a_run_committed_and_did_not_come_to_record_is_delivered(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_records: Records, _added: Any) -> None:
        raise LineageError("the process died")

    with monkeypatch.context() as context:
        context.setattr(Records, "append", dies)
        project.run(ORDERS)
    assert project.lake.version("orders").version == 0
    emission = emission_to(tmp_path, Sink().url)
    assert events_of(project, emission) == []
    with Sink() as sink:
        tick(project, emission_to(tmp_path, sink.url))
        assert len(sink.stored) == 3, "the start of the run, and both events of the asset's"
        assert sink.stored == events_of(project, emission)


def test_definitions_are_told_once_and_before_what_ran(project: Project, tmp_path: Path) -> None:
    made(project)
    definitions = dg.Definitions(assets=[ORDERS, SPEND], resources={"lake": project.resource})
    with Sink() as sink:
        emission = emission_to(tmp_path, sink.url, describe=lambda: asset_descriptions(definitions))
        tick(project, emission)
        tick(project, emission)
        assert len(sink.asked) == 2 + 6 and [id_.split("/")[0] for id_ in sink.asked[:2]] == ["job", "job"]


def test_the_status_counts_what_sending_told(project: Project, tmp_path: Path) -> None:
    made(project)
    with Sink() as sink:
        for text, told_again in (("the orders", 2), ("all orders", 1)):
            described = {"orders": AssetDescription(text), "spend": AssetDescription("what was spent")}
            delivery = emission_to(tmp_path, sink.url, describe=lambda found=described: found).delivery(
                project.lake
            )
            before = delivery.status()[0].done
            (sent,) = delivery.send()
            assert delivery.status()[0].done == before + sent.taken
            assert sent.taken == told_again + (6 if not before else 0)


def test_a_dead_catalog_costs_a_run_nothing_and_a_tick_little(project: Project, tmp_path: Path) -> None:
    made(project)
    emission = emission_to(tmp_path, Sink().url)
    waiting = tick(project, emission)
    assert waiting.skip_reason is not None and "waiting" in str(waiting.skip_reason.skip_message)


def test_settings_that_cannot_be_used_are_told_by_the_tick(project: Project, tmp_path: Path) -> None:
    made(project)
    told = tick(project, emission_to(tmp_path, "htp://nowhere"))
    assert told.skip_reason is not None and "cannot be used" in str(told.skip_reason.skip_message)


def test_the_check_is_red_while_events_are_refused(project: Project, tmp_path: Path) -> None:
    made(project)
    poison = events_of(project, Emission(tmp_path, code_location="shop"))[2]
    check = openlineage_check("spend")

    def checked() -> bool:
        result = dg.materialize(
            [ORDERS, SPEND, check], instance=project.instance, resources={"lake": project.resource},
            selection=dg.AssetSelection.checks(check),
        )  # fmt: skip
        (evaluation,) = result.get_asset_check_evaluations()
        (record,) = project.records.of_run(result.run_id)
        (outcome,) = record.checks
        assert (record.kind, outcome.name, outcome.passed) == ("check", CHECK, evaluation.passed)
        assert [(read.name, read.purpose) for read in record.reads] == [("openlineage_dead_letters", "check")]
        return evaluation.passed

    with Sink(lambda _number, id_: refuse(422, "no such job") if id_ == poison else TAKE) as sink:
        emission = emission_to(tmp_path, sink.url)
        red = tick(project, emission)
        assert [(each.check_name, each.passed) for each in evaluations(red)] == [(CHECK, False)]
        assert evaluations(red)[0].metadata["refused"].value == 1
        assert not checked()
        assert evaluations(tick(project, emission, red.cursor)) == [], "told once"
        sink.script = lambda _number, _id: TAKE
        emission.delivery(project.lake).replay(None)
        green = tick(project, emission, red.cursor)
        assert [each.passed for each in evaluations(green)] == [True]
        assert checked()


def evaluations(result: dg.SensorResult) -> list[dg.AssetCheckEvaluation]:
    return [each for each in result.asset_events if isinstance(each, dg.AssetCheckEvaluation)]


class Lake:
    """The command line on a lake."""

    def __init__(self, project: Project, environment: Mapping[str, str]) -> None:
        self._project, self._environment = project, environment

    def __call__(self, *words: str) -> Result:
        arguments = ["--lake", self._project.lake.uri, "openlineage", *words]
        return CliRunner().invoke(app, arguments, env=dict(self._environment))

    def json(self, *words: str) -> dict[str, Any]:
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"HOME": str(tmp_path)}


def test_without_settings_events_go_to_a_file_beside_the_lake(
    project: Project, tmp_path: Path, environment: dict[str, str]
) -> None:
    made(project)
    lake = Lake(project, environment)
    assert lake("status").exit_code == 0
    sent = lake("send")
    assert sent.exit_code == 0 and "it has everything" in sent.stdout
    written = (tmp_path / "openlineage/events.jsonl").read_bytes()
    assert written.count(b"\n") == 6
    exported = lake("export", str(tmp_path / "all.jsonl"))
    assert exported.exit_code == 0 and (tmp_path / "all.jsonl").read_bytes() == written
    assert lake.json("status")["destinations"][0]["pending"] == 0


def test_a_catalog_that_is_down_or_closed_is_told_and_exits_with_1(
    project: Project, environment: dict[str, str]
) -> None:
    made(project)
    sink = Sink(lambda _number, _id: refuse(401, "who are you"))
    environment |= {"OPENLINEAGE_URL": sink.url, "OPENLINEAGE_API_KEY": "sk-geheim"}
    lake = Lake(project, environment)
    down = lake("send", "--patience", "0")
    assert down.exit_code == 1 and "accepts nothing for now" in down.stdout and sink.url in down.stdout
    assert lake("status").exit_code == 1
    with sink:
        closed = lake.json("send")["destinations"][0]
        assert closed["state"] == "closed" and "401" in closed["text"]
        assert lake.json("status")["dead_letters"] == []
        sink.script = lambda _number, _id: TAKE
        assert lake("send").exit_code == 0
    assert set(sink.tokens) == {"Bearer sk-geheim"}
    assert "geheim" not in down.output


def test_a_run_is_sent_once_more_with_all_later_ones_of_its_jobs(
    project: Project, environment: dict[str, str]
) -> None:
    made(project, 2)
    second = project.instance.get_runs(limit=1)[0].run_id
    with Sink() as sink:
        lake = Lake(project, environment | {"OPENLINEAGE_URL": sink.url})
        lake("send")
        everything = list(sink.stored)
        sink.stored.clear()
        assert lake("replay", "--run", second).exit_code == 0
        assert sink.stored == everything[6:]
        sink.stored.clear()
        assert lake("replay", "--since", "2020-01-01").exit_code == 0
        assert sink.stored == everything
    assert lake("replay", "--run", "nosuch").exit_code == 2
    assert lake("replay", "--since", "2999-01-01").exit_code == 2
    assert lake("replay", "--since", "yesterday").exit_code == 2
    assert lake("replay").exit_code == 2
    assert lake("replay", "--dead-letters").exit_code == 2


def test_a_destination_that_is_not_there_is_named(project: Project, environment: dict[str, str]) -> None:
    made(project)
    wrong = Lake(project, environment)("send", "--to", "fil")
    assert wrong.exit_code == 2 and "Did you mean 'file'?" in wrong.output


def test_disabled_means_that_nothing_is_sent(
    project: Project, tmp_path: Path, environment: dict[str, str]
) -> None:
    made(project)
    lake = Lake(project, environment | {"OPENLINEAGE_DISABLED": "true"})
    assert lake("send").exit_code == 0
    assert not (tmp_path / "openlineage").exists()


def test_a_folder_that_cannot_be_written_is_named(
    project: Project, tmp_path: Path, environment: dict[str, str]
) -> None:
    made(project)
    (tmp_path / "openlineage").write_text("a file in its place")
    wrong = Lake(project, environment)("send")
    assert wrong.exit_code == 1 and "cannot be kept" in wrong.output and str(tmp_path) in wrong.output
