"""`champion`: the model version that serves."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.model.competing import candidate_name
from recsys_assets.assets.model.refit import FULL, REFIT, continued, was_refitted
from recsys_assets.assets.model.resumable_fit import ResumableFits
from recsys_assets.assets.model.side_information import EVERYTHING, fitted_from, side_information, side_tables
from recsys_assets.assets.model.training import SPLIT_FROM, EpochProgress, split_data, trained_on
from recsys_assets.assets.run_options import setting_options
from recsys_assets.plots import loss_curve
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom
from recsys_lineage.lake.blobs import COLUMNS, CONTENT, blob_table, files_from, files_of
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_models.families import families as registry

if TYPE_CHECKING:
    from recsys_models import Recommender


_CHOICE = ("champion_before", "challenger", "promoted")
_EVIDENCE = ("champion_value", "challenger_value", "difference", "low", "high", "users")
"""Columns of the gate that decide the champion, and those with the reason."""


def champion(inputs: Inputs, request: Request, seed: int, device: str) -> Output:
    """The family that the gate promoted, with the parameters its candidate chose, fitted on all interactions.

    If the candidate was started from its previous version, the champion is started from the candidate.
    """
    from recsys_models import load_model

    gate = inputs.frame("gate", (*_CHOICE, *_EVIDENCE))
    promoted = gate.filter("promoted")
    family = promoted["challenger"][0] if len(promoted) else gate["champion_before"][0]
    began = time.perf_counter()
    data = split_data(inputs).everything
    files = files_of(inputs.arrow(candidate_name(family)))
    stored = load_model(files)
    candidate = side_information(inputs, type(stored), EVERYTHING).attached_to(stored)
    again = partial(continued, candidate) if was_refitted(files) else candidate.retrained
    progress = EpochProgress("champion", candidate)

    def fit(folder: Path | None) -> Recommender:
        return again(data, seed=seed, device=device, on_epoch=progress, checkpoint=folder)

    fits = ResumableFits(request, inputs)
    model = fits.model("final", fit, load_model)
    fits.close()
    inputs.vouch_for(model.params())  # names of parameters, as short as l2
    plot = loss_curve(model.history)
    return Output(
        blob_table(model.to_files()),
        statistics={
            "family": family,
            "seed": seed,
            "device": device,
            "params": model.params(),
            "how": f"{REFIT} of the candidate" if was_refitted(files) else FULL,
            "gate": _evidence(gate, promoted),
            "incidents": model.incidents,
            "resumed": fits.resumed,
            "training seconds": round(time.perf_counter() - began, 2),
        },
        trained_on=[trained_on(inputs, EVERYTHING)],
        metadata={"fit": plot} if plot is not None else {},
        warnings=model.incidents,
        columns_from=partial(_columns_from, [family]),
    )


def _columns_from(families: Sequence[str]) -> ColumnsFrom:
    """Column lineage of the files of a champion of one of these families."""
    return files_from(_made_of(families))


def _made_of(families: Sequence[str]) -> dict[str, Collection[str]]:
    """Columns behind a champion of one of these families: its training data, its candidate, the choice."""
    return {
        **fitted_from(registry[family] for family in families),
        **dict.fromkeys(map(candidate_name, families), CONTENT),
        "gate": dict.fromkeys(_CHOICE, "CONDITIONAL"),
    }


def _evidence(gate: pl.DataFrame, promoted: pl.DataFrame) -> dict[str, float | int]:
    """Evidence for the gate's decision: the champion's NDCG@20 on the held-out weeks, and its gain.

    A champion that stays has no difference; a promoted one has the difference to its predecessor.
    """
    if len(promoted):
        row = promoted.row(0, named=True)
        names = {"ndcg@20": "challenger_value", "difference": "difference", "low": "low", "high": "high"}
    else:
        row, names = gate.row(0, named=True), {"ndcg@20": "champion_value"}
    known = {name: row[column] for name, column in {**names, "users": "users"}.items()}
    return {name: round(value, 6) for name, value in known.items() if value is not None}


def asset(families: Sequence[str], settings: Settings) -> dg.AssetsDefinition:
    """`champion` of the candidates of these families, with the side information of each."""
    tables = sorted({table for family in families for table in side_tables(registry[family])})
    parameters = {"seed": settings.seed, "device": settings.device}
    return frame_asset(
        champion,
        parameters=parameters,
        options=setting_options(parameters),
        reads=("gate", "split", "interaction_graph", *map(candidate_name, families), *tables),
        columns=COLUMNS,
        columns_from=_columns_from(families),
        rows_from={**_made_of(families), **SPLIT_FROM},  # of `split` what every family reads
        look=look(
            "model",
            kinds={"pytorch"},
            pool="gpu",
            personal="a model knows the customers that it recommends to",
        ),
    )
