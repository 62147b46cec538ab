"""`candidate_<family>`: each family fitted on train, chosen by validation, fitted again on both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from recsys_assets.assets.looks import family_look
from recsys_assets.assets.model.competing import candidate_name, tuning_name
from recsys_assets.assets.model.refit import (
    FULL,
    REFIT,
    Fitted,
    continued,
    model_before,
    refit_or_fit,
    stored_files,
)
from recsys_assets.assets.model.resumable_fit import ResumableFits
from recsys_assets.assets.model.side_information import (
    BEFORE_TEST,
    TRAIN,
    fitted_from,
    side_information,
    side_tables,
)
from recsys_assets.assets.model.training import EpochProgress, split_data, target_parameters, trained_on
from recsys_assets.assets.model.tuning import DECIDING, best_parameters, tunable
from recsys_assets.assets.run_options import family_options, family_parameters, setting_options
from recsys_assets.nights_plot import validation_over_nights
from recsys_assets.plots import loss_curve
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.code.parameters import Named
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import COLUMNS, CONTENT, blob_table, files_from
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_models.families import families as registry
from recsys_models.recommender import Recommender

if TYPE_CHECKING:
    from recsys_models import Interactions


def fit_candidate(
    inputs: Inputs,
    request: Request,
    family: type[Recommender],
    seed: int,
    device: str,
    refit_tolerance: int,
    full_fit_every: int,
    tuned: bool,
    params: dict[str, Any],
) -> Output:
    """A model of this family: parameters and epochs chosen on validation, then fitted on train and validation.

    A nightly run starts from the previous model. If the result is worse on validation by more than `refit_tolerance`
    percent, and every `full_fit_every` nights, the family is fitted in full. `params` are parameters of the family
    given for this run; they take precedence over those of its tuning.
    """
    family(**params)  # what it cannot have is refused before anything is read
    data = split_data(inputs)
    found = best_parameters(inputs, family.family) if tuned else {}
    unfitted = family(**{**target_parameters(family, data), **found, **params})
    fits = ResumableFits(request, inputs)
    began = time.perf_counter()
    side = side_information(inputs, family, TRAIN)
    unfitted = side.attached_to(unfitted)
    progress = EpochProgress(candidate_name(family.family), unfitted)
    run: dict[str, Any] = {"seed": seed, "device": device, "on_epoch": progress}

    def fitted(how: str, refits: int, fit: Callable[..., Recommender]) -> Fitted:
        def resumable(folder: Path | None) -> Recommender:
            return fit(data.train, validation=data.validation, checkpoint=folder, **run)

        model = side.attached_to(fits.model(how, resumable, family.load))
        return Fitted(model, _ndcg(model, data.validation), how, refits)

    warm = family.starts_from_before
    before = model_before(inputs, request, family, full_fit_every=full_fit_every) if warm else None
    full = partial(fitted, FULL, 0, unfitted.fit)
    if before is None or before.side_information != side.names:
        chosen = full()
    else:
        refit = partial(fitted, REFIT, before.refits + 1, side.attached_to(before.model).refit)
        chosen = refit_or_fit(before, refit, full, tolerance=refit_tolerance / 100)
    model = side_information(inputs, family, BEFORE_TEST).attached_to(chosen.model)
    again = partial(continued, model) if chosen.refits else model.retrained
    final = fits.model("final", lambda folder: again(data.before_test, checkpoint=folder, **run), family.load)
    fits.close()
    inputs.vouch_for(model.params())  # names of parameters, as short as l2
    incidents = [*model.incidents, *final.incidents]
    plot = loss_curve(model.history)
    return Output(
        blob_table(stored_files(final, chosen, side_information=side.names, keep_start=warm)),
        statistics={
            "family": family.family,
            "target behaviour": data.target,
            "seed": seed,
            "device": device,
            **_choice(model, chosen),
            "incidents": incidents,
            "resumed": fits.resumed,
            "training seconds": round(time.perf_counter() - began, 2),
        },
        trained_on=[trained_on(inputs, BEFORE_TEST)],
        metadata={"fit": plot} if plot is not None else {},
        warnings=incidents,
    )


def _choice(model: Recommender, chosen: Fitted) -> dict[str, Any]:
    """The parameters of a model, what validation chose, and how it was fitted, for the record."""
    return {
        "params": model.params(),
        "chosen": model.chosen,
        "how": chosen.how,
        "refits": chosen.refits,
        "validation ndcg@20": round(chosen.ndcg, 6),
    }


def _ndcg(model: Recommender, validation: Interactions) -> float:
    from recsys_models.training.validation import validation_ndcg

    return validation_ndcg(model.score_block, model.seen, validation)


def assets(families: Sequence[str], settings: Settings) -> list[dg.AssetsDefinition]:
    """The candidate of each family.

    They have the parameters of the settings. If the setting `tuned` is on, tunable families take the best parameters of
    their tuning, and so depend on it.
    """
    searched = set(tunable(families)) if settings.tuned else set()
    params = family_parameters(settings.parameters)
    return [_asset(family, settings, params.get(family, {}), tuned=family in searched) for family in families]


def _asset(family: str, settings: Settings, params: Mapping[str, Any], *, tuned: bool) -> dg.AssetsDefinition:
    parameters = {
        "family": Named(family, registry[family]),
        "seed": settings.seed,
        "device": settings.device,
        "refit_tolerance": settings.refit_tolerance,
        "full_fit_every": settings.full_fit_every,
        "tuned": tuned,
        "params": dict(params),
    }
    name = candidate_name(family)
    made_of = {
        **fitted_from([registry[family]]),
        **({tuning_name(family): DECIDING} if tuned else {}),
        name: CONTENT,  # where it was started from the version before
    }
    settable = {name: value for name, value in parameters.items() if name != "tuned"}
    return frame_asset(
        fit_candidate,
        name=name,
        parameters=parameters,
        options={**setting_options(settable), "params": family_options(registry[family], params)},
        reads=(
            "split",
            "interaction_graph",
            *side_tables(registry[family]),
            *((tuning_name(family),) if tuned else ()),
        ),
        columns=COLUMNS,
        columns_from=files_from(made_of),
        rows_from=made_of,
        look=family_look(
            family,
            "chosen on validation, fitted on train and validation.",
            "model",
            personal="a model knows the customers that it recommends to",
            shown=validation_over_nights(name),
        ),
    )
