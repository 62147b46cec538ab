"""`recsys materialize` and `nightly`: days, dry runs, the opposite of --reuse, and the schedule's job by hand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recsys_assets.definitions import CODE_LOCATION
from recsys_assets.instance import deployment_file
from recsys_assets.jobs import EVERYTHING, NIGHTLY
from recsys_assets.service.service_files import ServiceFiles
from recsys_lineage.records.records import Records
from tests.platform.conftest import Shop, opened
from tests.platform.shop import DAYS, day_file, day_name, day_rows, write_day


def runs(shop: Shop) -> list[dg.DagsterRun]:
    """All runs, newest first."""
    with opened(shop) as platform:
        return platform.instance.get_runs()


def written(shop: Shop) -> dict[str, str]:
    """The hash of every file of the home but those that opening it touches: Dagster's own database and folders."""
    return {
        str(path.relative_to(shop.home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(shop.home.rglob("*"))
        if path.is_file() and path.relative_to(shop.home).parts[0] != "dagster"
    }


def run_ids(shop: Shop) -> list[str]:
    """The ids of all runs; of a home that is not there yet, none."""
    folder = shop.home / "dagster"
    if not (folder / "dagster.yaml").exists():
        return []
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        return [run.run_id for run in instance.get_runs()]


def plan(shop: Shop, *arguments: str) -> dict[str, dict[str, Any]]:
    """What a dry run says of each asset; makes sure that it wrote nothing."""
    files, known = written(shop), run_ids(shop)
    answer = shop.answer(*arguments, "--dry-run")
    assert written(shop) == files and run_ids(shop) == known
    assert answer["dry_run"] is True
    return answer["assets"]


# --- dry runs ---------------------------------------------------------------------------------------------


def nothing(shop: Shop) -> None:
    pass


def a_new_day(shop: Shop) -> None:
    write_day(shop.data / day_file(DAYS), day_rows(DAYS))


def a_changed_day(shop: Shop) -> None:
    write_day(shop.data / day_file(3), day_rows(3)[:-20])


def another_customer_file(shop: Shop) -> None:
    with (shop.data / "customers.csv").open("a") as file:
        file.write("u9000,old\n")


def a_broken_day(shop: Shop) -> None:
    (shop.data / day_file(5)).write_bytes(b"\x00\xff" * 400)


def a_row_that_says_nothing(shop: Shop) -> None:
    """The files change, and nothing that is made of them does."""
    with (shop.data / "customers.csv").open("a") as file:
        file.write("u1,old\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([nothing], marks=pytest.mark.slow),
        pytest.param([a_new_day, a_changed_day, a_row_that_says_nothing], marks=pytest.mark.slow),
        [another_customer_file, a_broken_day],
    ],
    ids=lambda changes: " and ".join(change.__name__ for change in changes),
)
def test_a_dry_run_says_what_the_run_then_does(shop: Shop, changes: list[Callable[[Shop], None]]) -> None:
    for change in changes:
        change(shop)
    selection = "group:raw or group:clean or split"
    planned = plan(shop, "materialize", selection, "--reuse")
    done = shop.recsys("materialize", selection, "--reuse", "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == int("error" in answer)
    states = {name: asset["state"] for name, asset in answer["assets"].items()}
    assert set(planned) == set(states)
    for name, asset in planned.items():
        if asset["action"] == "keep":
            assert states[name] == "kept", (name, asset)
        elif asset["action"] == "make":
            assert states[name] == "success", (name, asset)
        assert asset["why"]
    made = Records(shop.lake).get("raw_events")
    days = made.partitions if states["raw_events"] == "success" else ()
    assert set(planned["raw_events"]["days"]) == set(days)
    assert set(planned["raw_events"]["refused"]) == set(answer["files"].get("days", {}))


def test_a_dry_run_of_a_new_home_makes_everything_and_names_the_days(new_shop: Shop) -> None:
    planned = plan(new_shop, "demo")
    assert {asset["action"] for asset in planned.values()} == {"make"}
    assert list(planned["raw_events"]["days"]) == [day_name(day) for day in range(DAYS)]
    assert not (new_shop.home / "lake" / "source_files").exists()
    shown = new_shop.recsys("demo", "--dry-run").stdout
    assert "24 days: it is new" in shown and "Nothing was written." in shown


@pytest.mark.slow
def test_what_is_made_again_is_told_apart_from_what_is_stale(shop: Shop) -> None:
    forced = plan(shop, "materialize", "group:clean", "--force")
    assert {asset["why"] for asset in forced.values()} == {"it is up to date, and made again"}
    assert plan(shop, "materialize", "group:clean") == forced
    night = plan(shop, "nightly")
    assert {asset["action"] for asset in night.values()} <= {"keep", "make"}
    assert {name for name, asset in night.items() if asset["action"] == "make"} == {
        "lake_retention", "recommendations_report", "metrics_report",
    }  # fmt: skip


# --- days -------------------------------------------------------------------------------------------------


def days_written(shop: Shop, version: int) -> set[str]:
    return set(Records(shop.lake).get("raw_events", version).partitions)


@pytest.mark.slow
def test_days_from_one_to_another_are_made_and_no_others(shop: Shop) -> None:
    late = "sales-2023-12-31.csv"  # an older day that Dagster comes to know last
    write_day(
        shop.data / late,
        [(*row[:4], row[4].replace("2024-01-01", "2023-12-31"), row[5]) for row in day_rows(0)],
    )
    assert shop.recsys("materialize", "source_files").exit_code == 0
    before = shop.lake.version("raw_events").version
    asked = ("materialize", "raw_events", "--from", "2023-12-31", "--to", "2024-01-03")
    wanted = {"2023-12-31", "2024-01-01", "2024-01-02", "2024-01-03"}
    assert set(plan(shop, *asked)["raw_events"]["days"]) == wanted
    # The source's SQL knows no day before its first: this one is loaded, as its file says so.
    answer = shop.recsys(*asked, "--json")
    versions = range(before + 1, shop.lake.version("raw_events").version + 1)
    assert set().union(*(days_written(shop, version) for version in versions)) == wanted, answer.output
    assert len(json.loads(answer.stdout)["runs"]) == len(versions) == 2, (
        "one for each stretch of Dagster's order"
    )


@pytest.mark.slow
def test_with_reuse_only_days_whose_files_changed_are_made(shop: Shop) -> None:
    a_changed_day(shop)
    assert shop.recsys("materialize", "source_files").exit_code == 0
    before = shop.lake.version("raw_events").version
    asked = ("materialize", "raw_events", "--from", day_name(2), "--to", day_name(6), "--reuse")
    assert plan(shop, *asked)["raw_events"]["days"] == {day_name(3): "its files changed"}
    assert shop.answer(*asked)["assets"]["raw_events"]["version"] == before + 1
    assert days_written(shop, before + 1) == {day_name(3)}
    again = shop.recsys(*asked)
    assert again.exit_code == 0 and "The days are up to date" in again.output
    assert shop.lake.version("raw_events").version == before + 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("raw_events", "--from", "yesterday"), "'yesterday' is no day"),
        (("raw_events", "--from", "2024-01-05", "--to", "2024-01-02"), "the first is after the last"),
        (("raw_events", "--from", "2031-01-01"), "24 days from 2024-01-01 to 2024-01-24"),
        (("events", "--from", "2024-01-02"), "not partitioned by day"),
        (("--to", "2024-01-02"), "not partitioned by day"),
        (
            ("raw_events", "--partition", "2024-01-02", "--to", "2024-01-02"),
            "choose --partition, or --from and --to",
        ),
        (("events", "--reuse", "--force"), "choose one of --reuse and --force"),
    ],
)
def test_days_that_cannot_be_made_are_told_and_no_run_starts(
    original: Shop, words: tuple[str, ...], said: str
) -> None:
    known = run_ids(original)
    for dry in ((), ("--dry-run",)):
        done = original.recsys("materialize", *words, *dry)
        assert done.exit_code in (1, 2) and "Traceback" not in done.output
        assert said in " ".join(done.output.replace("│", " ").split())
    assert run_ids(original) == known


# --- the schedule's job -----------------------------------------------------------------------------------


def own_tags(run: dg.DagsterRun) -> dict[str, str]:
    """The tags that say how assets are made; Dagster's own say who asked for it."""
    return {name: value for name, value in run.tags.items() if not name.startswith(("dagster/", ".dagster/"))}


@pytest.mark.slow
def test_nightly_is_the_job_of_the_schedule(shop: Shop) -> None:
    a_new_day(shop)
    answer = shop.answer("nightly")
    run = runs(shop)[0]
    assert answer["runs"] == [run.run_id] and run.status == dg.DagsterRunStatus.SUCCESS
    with opened(shop) as platform:
        (schedule,) = list(platform.definitions.schedules or [])
        assert isinstance(schedule, dg.ScheduleDefinition)
        job = platform.definitions.resolve_job_def(schedule.job_name)
        assert run.job_name == job.name == NIGHTLY
        assert run.asset_selection is None, "the whole job, as the schedule launches it"
        assert own_tags(run) == dict(job.run_tags)
        steps = {
            entry.step_key
            for entry in platform.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
        }
        assert steps == {node.name for node in job.graph.nodes}
        assert platform.nightly_names() and {*platform.nightly_names()} >= set(answer["assets"])
    assert answer["assets"]["candidate_popularity"]["state"] == "success"
    assert answer["assets"]["items"]["state"] == "kept", "what would come out unchanged is kept"
    assert Records(shop.lake).get("candidate_lightgcn").continued, "models start from those before"
    assert "lake_retention" in answer["assets"], "old versions are pruned at the end"


@pytest.mark.slow
def test_a_night_that_loads_not_everything_exits_with_1(shop: Shop) -> None:
    a_broken_day(shop)
    done = shop.recsys("nightly", "--json")
    answer = json.loads(done.stdout)
    assert done.exit_code == 1 and answer["error"]["what"] == "Files or days of the source were not loaded."
    assert day_file(5) in answer["error"]["found"] and list(answer["files"]["faulty"]) == [day_file(5)]


@pytest.mark.slow
def test_a_night_whose_asset_fails_exits_with_1_and_names_it(shop: Shop, tmp_path: Path) -> None:
    import shutil

    source = tmp_path / "source"
    shutil.copytree(shop.source, source)
    text = (source / "raw_users.sql").read_text()
    broken = Shop(shop.home, shop.data, source)
    assert broken.recsys("adopt").exit_code == 0
    (source / "raw_users.sql").write_text(text.replace("age AS", "CAST(age AS INTEGER) AS"))
    done = broken.recsys("nightly", "--json")
    error = json.loads(done.stdout)["error"]
    assert done.exit_code == 1 and error["where"].split(", ")[0] == "raw_users"
    assert json.loads(done.stdout)["assets"]["raw_users"]["state"] == "failed"
    assert broken.recsys("nightly").exit_code == 1


# --- the timeline -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_runs_of_the_command_line_stand_under_their_job(shop: Shop) -> None:
    """Dagster's timeline leaves out runs that do not say which code location's job they are of."""
    assert shop.recsys("materialize", "raw_events", "--partition", day_name(4)).exit_code == 0
    assert shop.recsys("materialize", "raw_events", "--from", day_name(4), "--to", day_name(6)).exit_code == 0
    one_day, days = runs(shop)[1], runs(shop)[0]
    assert one_day.tags["dagster/partition"] == day_name(4)
    assert days.tags["dagster/asset_partition_range_start"] == day_name(4)
    assert days.tags["dagster/asset_partition_range_end"] == day_name(6)
    for run in runs(shop):
        assert run.job_name == EVERYTHING
        origin = run.remote_job_origin
        assert origin is not None and origin.job_name == run.job_name
        assert origin.repository_origin.repository_name == "__repository__"
        assert origin.repository_origin.code_location_origin.location_name == CODE_LOCATION
    for name in ("workspace.yaml", "workspace-grpc.yaml"):
        assert f"location_name: {CODE_LOCATION}\n" in deployment_file(name).read_text()


def test_every_asset_has_a_job_to_stand_under(original: Shop) -> None:
    from recsys_assets.jobs import job_of

    with opened(original) as platform:
        definitions = platform.definitions
        named = {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
        for names in (["events"], platform.names(), ["tuning_lightgcn"], platform.names("group:tuning")):
            assert job_of(names, definitions).name in named
        # as a selection that is materialized on Dagster's pages
        mixed = job_of(["events", "tuning_lightgcn"], definitions)
        assert mixed.name == definitions.resolve_implicit_global_asset_job_def().name


# --- the home ---------------------------------------------------------------------------------------------


def test_what_lies_in_the_home_is_told(original: Shop) -> None:
    text = (Path(__file__).parents[2] / "docs" / "running.md").read_text()
    told = set(re.findall(r"^\| `([\w.]+)/?` \|", text.partition("## What is in the home")[2], re.MULTILINE))
    files = ServiceFiles(Path())
    of_service = {path.name for path in (files.feedback, files.own, files.rules, files.experiments)}
    assert {path.name for path in original.home.iterdir()} == told - of_service and of_service <= told
