"""Training in the graph: refits by night, fits that survive a kill, versions made again, studies of parameters."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from recsys_assets.jobs import NIGHTLY
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records
from recsys_models.training.validation import validation_ndcg
from tests.platform.conftest import Shop, opened
from tests.platform.shop import DAYS, day_file, day_rows, write_day

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
CANDIDATE = "candidate_lightgcn"


def night(shop: Shop, day: int, **variables: str) -> None:
    """Another day's file arrives, and the nightly job runs."""
    write_day(shop.data / day_file(day), day_rows(day))
    with opened(shop, **variables) as platform:
        result = platform.definitions.resolve_job_def(NIGHTLY).execute_in_process(
            instance=platform.instance, run_config=QUIET
        )
        assert result.success


def record(shop: Shop, asset: str, version: int | None = None) -> Materialization:
    return Records(shop.lake).get(asset, version)


@pytest.mark.slow
def test_a_night_starts_from_the_models_before_and_the_records_say_so(shop: Shop) -> None:
    first = record(shop, CANDIDATE)
    assert first.statistics["how"] == "full fit"
    assert "l2" in first.statistics["params"], "a name, however short"

    night(shop, DAYS)
    first = record(shop, CANDIDATE)
    assert first.version == 1
    assert first.statistics["how"].startswith("refit") and first.statistics["refits"] == 1
    own = first.read(CANDIDATE, "previous")
    assert own is not None and own.version == 0, "the model that it started from is one of its inputs"
    popular = record(shop, "candidate_popularity")
    assert popular.statistics["how"] == "full fit", "there is nothing to start from in a closed form"
    assert popular.read("candidate_popularity", "previous") is None

    night(shop, DAYS + 1)
    assert record(shop, CANDIDATE).statistics["refits"] == 2
    for version in (0, 1, 2):
        assert shop.answer("reproduce", f"{CANDIDATE}@{version}")["identical"]
    champion = shop.answer("reproduce")
    assert champion["identical"] and champion["version"] == record(shop, "champion").version


@pytest.mark.slow
def test_the_champion_of_a_refitted_candidate_goes_on_from_it(shop: Shop) -> None:
    night(shop, DAYS)
    lake = shop.lake
    gate = pl.DataFrame(lake.arrow(lake.version("gate")))
    promoted = gate.with_columns(promoted=pl.col("challenger") == "lightgcn")
    lake.write_arrow("gate", promoted, record=lake.commit("gate")["record"])

    assert shop.recsys("materialize", "champion").exit_code == 0

    champion = record(shop, "champion")
    assert champion.statistics["family"] == "lightgcn"
    assert champion.statistics["how"] == "refit of the candidate"
    assert shop.answer("reproduce")["identical"]


def test_a_model_says_which_rows_of_which_version_it_was_fitted_on(shop: Shop) -> None:
    split = pl.DataFrame(shop.lake.arrow(shop.lake.version("split")))
    for asset, subsets in ((CANDIDATE, ["train", "valid"]), ("champion", ["train", "valid", "test"])):
        (data,) = record(shop, asset).trained_on
        assert (data.table, data.version) == ("split", shop.lake.version("split").version)
        assert data.rows == split.filter(pl.col("subset").is_in(subsets)).height
        assert split.sql(f"SELECT * FROM self WHERE {data.predicate}").height == data.rows


def test_a_run_by_hand_fits_in_full(shop: Shop) -> None:
    assert shop.recsys("materialize", CANDIDATE).exit_code == 0
    again = record(shop, CANDIDATE)
    assert (again.version, again.statistics["how"]) == (1, "full fit")
    assert again.read(CANDIDATE) is None
    assert again.fingerprint == record(shop, CANDIDATE, 0).fingerprint


def test_only_families_that_ask_for_features_read_them(shop: Shop) -> None:
    families = {"RECSYS_FAMILIES": "content,lightgcn"}
    assert shop.recsys("materialize", "candidate_content", **families).exit_code == 0
    read = {each.name for each in record(shop, "candidate_content").reads}
    assert read == {"split", "interaction_graph", "item_profiles"}
    assert {each.name for each in record(shop, CANDIDATE).reads} == {"split", "interaction_graph"}


FIT = """
import os, signal, sys
from recsys_assets.instance import open_instance
from recsys_assets.runs.platform import Platform
from recsys_assets.settings import load_settings
import recsys_models.training.trainer as trainer

epochs, one_epoch = [], trainer._one_epoch
def counted(*arguments):
    epochs.append(arguments[-1])
    if len(epochs) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return one_epoch(*arguments)
trainer._one_epoch = counted
settings = load_settings()
with open_instance(settings) as instance:
    platform = Platform(settings, instance)
    platform.recover()
    outcome = platform.run(["candidate_matrix_factorization"])
print(outcome.errors, len(epochs), file=sys.stderr)
os._exit(0 if outcome.success else 1)
"""


def fit(shop: Shop, kill_at: int) -> tuple[int, int]:
    """Fit the candidate in a process that is killed at an epoch; its exit code, and how many epochs it did."""
    done = subprocess.run(
        [sys.executable, "-c", FIT, str(kill_at)],
        env=shop.environment | {"RECSYS_FAMILIES": "matrix_factorization"},
        cwd=shop.home.parent,
        capture_output=True,
        text=True,
        timeout=100,
    )
    told = done.stderr.strip().splitlines()[-1:] or ["0"]
    return done.returncode, int(told[0].split()[-1]) if done.returncode == 0 else kill_at - 1


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", [3, -1], ids=["while choosing", "while fitting on both"])
def test_a_killed_fit_goes_on_where_it_was_and_ends_with_the_same_bits(shop: Shop, kill_at: int) -> None:
    name = "candidate_matrix_factorization"
    code, epochs = fit(shop, 10_000)
    assert code == 0 and epochs > 3
    whole = record(shop, name)
    assert not whole.statistics["resumed"]
    left = list((shop.home / "checkpoints" / name).iterdir())
    assert left == [], "nothing is kept of a fit that has ended"

    code, before = fit(shop, kill_at % (epochs + 1))
    assert code == -signal.SIGKILL
    code, after = fit(shop, 10_000)

    again = record(shop, name)
    assert code == 0 and again.version == 1
    assert before + after == epochs, "no epoch is done twice"
    assert again.statistics["resumed"]
    assert again.fingerprint == whole.fingerprint


def test_what_goes_wrong_in_training_is_on_record_and_in_the_log(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recsys_models.training import trainer

    whole, failures = trainer._one_epoch, iter([MemoryError()])

    def tight(*arguments):
        for failure in failures:
            raise failure
        return whole(*arguments)

    monkeypatch.setattr(trainer, "_one_epoch", tight)
    with opened(shop) as platform:
        outcome = platform.run([CANDIDATE])
        logged = [
            entry.user_message
            for entry in platform.instance.all_logs(outcome.run_id)
            if entry.level == logging.WARNING
        ]
    (incident,) = record(shop, CANDIDATE).statistics["incidents"]
    assert "out of memory" in incident
    assert f"{CANDIDATE}: {incident}" in logged


def test_a_version_is_made_again_bit_by_bit(shop: Shop) -> None:
    shown = shop.recsys("reproduce", f"{CANDIDATE}@0", RECSYS_SEED="8")
    assert shown.exit_code == 0, shown.output
    for word in (
        "split",
        "version 0",
        "seed",
        "7",
        "torch",
        "sha256 of model.safetensors",
        "every bit is the same",
    ):
        assert word in shown.stdout
    assert shop.lake.version(CANDIDATE).version == 0, "nothing is committed"
    answer = shop.answer("reproduce", "split")
    assert answer["identical"] and answer["inputs"].keys() == {"events"}


def test_other_weights_are_told_of_and_the_exit_code_is_1(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recsys_models.training import validation

    monkeypatch.setattr(validation, "validation_ndcg", lambda *_, **__: 0.5)
    shown = shop.recsys("reproduce", "candidate_popularity")
    assert shown.exit_code == 1
    assert "not identical" in shown.stdout


def test_a_version_of_other_code_is_refused_unless_told_to_go_on(shop: Shop) -> None:
    lake = shop.lake
    carried = lake.commit("candidate_popularity")["record"]
    rows = lake.arrow(lake.version("candidate_popularity"))
    lake.write_arrow(
        "candidate_popularity", rows, record=carried | {"code_version": "of long ago", "version": 1}
    )

    refused = shop.recsys("reproduce", "candidate_popularity")
    assert refused.exit_code == 1
    assert "of long ago" in refused.stderr and carried["code_version"] in refused.stderr
    assert shop.recsys("reproduce", "candidate_popularity", "--anyway").exit_code == 0


def test_an_input_that_is_gone_is_named(shop: Shop) -> None:
    for path in Path(shop.lake.table_uri("split")).glob("*.parquet"):
        path.unlink()
    done = shop.recsys("reproduce", CANDIDATE)
    assert done.exit_code == 1
    assert "split" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["nothing", "champion@last", "champion@99"])
def test_a_version_that_is_none_is_answered_in_words(shop: Shop, name: str) -> None:
    done = shop.recsys("reproduce", name)
    assert done.exit_code == 1
    assert "Expected" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_study_is_made_on_request_and_its_best_parameters_are_taken_when_told_to(shop: Shop) -> None:
    tuned = {"RECSYS_TUNED": "true", "RECSYS_TRIALS": "4"}
    missing = shop.recsys("materialize", "candidate_popularity", **tuned)
    assert missing.exit_code == 1
    assert "recsys materialize tuning_popularity" in missing.stderr
    assert "tuning_popularity" not in shop.tables()

    assert shop.recsys("materialize", "tuning_popularity", **tuned).exit_code == 0
    rows = shop.rows("SELECT trial, params, ndcg, state FROM {tuning_popularity} ORDER BY trial")
    assert [row[0] for row in rows] == [0, 1, 2, 3]
    assert rows[0][1] == "{}" and {row[3] for row in rows} == {"complete"}
    best = max(rows, key=lambda row: (row[2], -row[0]))
    assert record(shop, "tuning_popularity").statistics["best trial"] == best[0]

    assert shop.recsys("materialize", "candidate_popularity", **tuned).exit_code == 0
    taken = record(shop, "candidate_popularity")
    assert taken.read("tuning_popularity") is not None
    assert json.loads(best[1]).items() <= taken.statistics["params"].items()


@pytest.mark.slow
def test_a_study_that_stopped_goes_on_with_the_trials_it_had(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[float] = []

    def stops(*arguments: Any) -> float:
        if len(judged) == 2:
            raise RuntimeError("the power went off")
        judged.append(validation_ndcg(*arguments))
        return judged[-1]

    tuned = {"RECSYS_TRIALS": "4"}
    with monkeypatch.context() as patched:
        patched.setattr("recsys_models.training.tuning.validation_ndcg", stops)
        assert shop.recsys("materialize", "tuning_popularity", **tuned).exit_code == 1
    assert "tuning_popularity" not in shop.tables()
    (kept,) = shop.home.glob("**/trials.jsonl")
    kept.write_text(kept.read_text() + '{"number": 2, "par')

    assert shop.recsys("materialize", "tuning_popularity", **tuned).exit_code == 0
    rows = shop.rows("SELECT trial, ndcg FROM {tuning_popularity} ORDER BY trial")
    assert [row[0] for row in rows] == [0, 1, 2, 3] and [row[1] for row in rows[:2]] == judged
    assert record(shop, "tuning_popularity").statistics["resumed"]
    assert not kept.exists()


def test_a_study_shows_its_history(shop: Shop) -> None:
    with opened(shop, RECSYS_TRIALS="2") as platform:
        assert platform.run(["tuning_popularity"]).success
        event = platform.instance.get_latest_materialization_event(dg.AssetKey("tuning_popularity"))
        assert "data:image/png" in str(event.asset_materialization.metadata["trials plotted"].value)


def test_the_jobs_of_every_day_leave_studies_alone(original: Shop) -> None:
    with opened(original) as platform:
        for job in (NIGHTLY, "everything"):
            names = platform.definitions.resolve_job_def(job).asset_layer.selected_asset_keys
            assert not [key for key in names if key.to_user_string().startswith("tuning_")]
        assert not [name for name in platform.names() if name.startswith("tuning_")]


@pytest.mark.slow
def test_the_definitions_load_without_what_trains(original: Shop) -> None:
    """Every step and every page loads them; torch alone takes seconds."""
    heavy = ("torch", "dgl", "lightgbm", "optuna")
    code = (
        "import sys; from recsys_assets.definitions import build_definitions\n"
        "from recsys_assets.settings import load_settings\n"
        f"build_definitions(load_settings()); print([name for name in {heavy!r} if name in sys.modules])"
    )
    from recsys_models import families

    shown = subprocess.run(
        [sys.executable, "-c", code],
        env=original.environment | {"RECSYS_FAMILIES": ",".join(families)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "[]"
