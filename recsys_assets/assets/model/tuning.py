"""`tuning_<family>`: a study of the family's parameters; its trials are the table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import family_look
from recsys_assets.assets.model.competing import tuning_name
from recsys_assets.assets.model.resumable_fit import ResumableFits
from recsys_assets.assets.model.side_information import TRAIN, fitted_from, side_information, side_tables
from recsys_assets.assets.model.training import split_data, target_parameters
from recsys_assets.assets.run_options import setting_options
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.plots import trial_history
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.code.parameters import Named
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.progress import Progress, tell
from recsys_models.families import families as registry
from recsys_models.recommender import Recommender

if TYPE_CHECKING:
    from recsys_models.training.tuning import Trial

TUNING = "tuning"
"""Name of the group and of its job."""
TRIALS = "trials.jsonl"
_OFTEN_ENOUGH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=365), warn_window=timedelta(days=180)
)


DECIDING = ("trial", "params", "ndcg", "state")
"""The columns by which the best trial is chosen."""


class TrialsColumns:
    """Columns of `tuning_<family>`, one row a trial."""

    trial = pl.Int64
    """Number of the trial; 0 has the family's own parameters."""
    params = pl.String
    """The parameters tried, as JSON."""
    ndcg = pl.Float64
    """NDCG@20 on validation; null where the fit failed."""
    seconds = pl.Float64
    """Duration of the fit."""
    state = pl.String
    """State of the trial: complete or failed."""
    error = pl.String
    """Error of a fit that failed; null otherwise."""


def tune_family(
    inputs: Inputs,
    request: Request,
    family: type[Recommender],
    seed: int,
    device: str,
    trials: int,
    tuning_minutes: int,
) -> Output:
    """Trials of a family: parameters as JSON, NDCG@20 on validation, seconds, and whether the fit was complete.

    Trial 0 has the defaults; an Optuna study proposes the others. No trial starts after `tuning_minutes`. A killed run
    continues after its completed trials.
    """
    from recsys_models.training.tuning import SPACES, best, tune

    data = split_data(inputs)
    side = side_information(inputs, family, TRAIN)
    fits = ResumableFits(request, inputs)
    folder = fits.folder("trials")
    before = _stored_trials(folder)

    def report(trial: Trial) -> None:
        if folder is not None:
            with (folder / TRIALS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(trial)) + "\n")
        reached = "failed" if trial.ndcg is None else f"NDCG@20 {trial.ndcg:.4f}"
        text = f"trial {trial.number + 1} of {trials}: {reached} with {json.dumps(dict(trial.params))}"
        tell(Progress(tuning_name(family.family), "step", text, fraction=(trial.number + 1) / trials))

    done = tune(
        lambda params: side.attached_to(family(**{**target_parameters(family, data), **params})),
        SPACES[family.family],
        data.train,
        data.validation,
        trials=trials,
        minutes=tuning_minutes or None,
        seed=seed,
        device=device,
        known=before,
        on_trial=report,
    )
    fits.close()
    table = _trials_table(done)
    winner = best(done)
    return Output(
        table,
        statistics={
            "family": family.family,
            "seed": seed,
            "device": device,
            "trials": len(done),
            "resumed": bool(before),
            "best trial": winner.number,
            "best ndcg@20": round(winner.ndcg or 0.0, 6),
            "default ndcg@20": None if done[0].ndcg is None else round(done[0].ndcg, 6),
            "best params": dict(winner.params),
        },
        metadata={"trials plotted": Plot(table.select("trial", "ndcg"), trial_history)},
        warnings=[f"trial {t.number} failed: {t.error}" for t in done if t.state == "failed"],
    )


def _trials_table(trials: Sequence[Trial]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (t.number, json.dumps(dict(t.params), sort_keys=True), t.ndcg, t.seconds, t.state, t.error)
            for t in trials
        ],
        schema=types_of(TrialsColumns),
        orient="row",
    )


def _stored_trials(folder: Path | None) -> list[Trial]:
    """Trials of an interrupted run; a truncated line ends the list."""
    from recsys_models.training.tuning import Trial

    trials: list[Trial] = []
    if folder is not None and (folder / TRIALS).exists():
        complete, end, _ = (folder / TRIALS).read_text(encoding="utf-8").rpartition("\n")
        trials = [Trial(**json.loads(line)) for line in complete.splitlines()]
        (folder / TRIALS).write_text(complete + end, encoding="utf-8")
    return trials


def best_parameters(inputs: Inputs, family: str) -> dict[str, Any]:
    """The parameters of the family's best trial, those that differ from the defaults.

    Raises:
        LineageError: the family was not tuned, or no trial was complete.
    """
    name = tuning_name(family)
    if not inputs.exists(name):
        raise LineageError(
            f"The {family} family was not tuned.",
            expected=f"a table {name}, for RECSYS_TUNED is true",
            found="none in the lake",
            advice=f"recsys materialize {name}, or unset RECSYS_TUNED",
        )
    complete = inputs.frame(name, DECIDING).filter(pl.col("state") == "complete")
    if complete.is_empty():
        raise LineageError(
            f"No trial of {name} is complete.",
            found=f"{inputs.version(name).rows} failed trials",
            advice=f"look at the column error of {name}, or unset RECSYS_TUNED",
        )
    return json.loads(complete.sort("ndcg", "trial", descending=[True, False])["params"][0])


def tunable(families: Iterable[str]) -> list[str]:
    """The families that have parameters to search."""
    from recsys_models.training.tuning import SPACES

    return [family for family in families if family in SPACES]


def assets(families: Iterable[str], settings: Settings) -> list[dg.AssetsDefinition]:
    """The study of each family that has parameters to search; made on request only."""
    return [_asset(family, settings) for family in tunable(families)]


def _asset(family: str, settings: Settings) -> dg.AssetsDefinition:
    parameters = {
        "family": Named(family, registry[family]),
        "seed": settings.seed,
        "device": settings.device,
        "trials": settings.trials,
        "tuning_minutes": settings.tuning_minutes,
    }
    made_of = fitted_from([registry[family]])
    return frame_asset(
        tune_family,
        name=tuning_name(family),
        parameters=parameters,
        options=setting_options(parameters),
        reads=("split", "interaction_graph", *side_tables(registry[family])),
        columns=texts_of(TrialsColumns),
        columns_from={"trial": {}, "seconds": {}}
        | dict.fromkeys(("params", "ndcg", "state", "error"), made_of),
        on_request=True,
        look=family_look(
            family,
            "a study of its parameters on validation; made on request only.",
            TUNING,
            personal="averages over all customers; none is named",
            freshness_policy=_OFTEN_ENOUGH,
        ),
    )
