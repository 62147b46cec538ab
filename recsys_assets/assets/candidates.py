"""`candidate_<family>`: each family fitted on train, chosen by validation, fitted again on both."""

from __future__ import annotations

import time

import dagster as dg

from recsys_assets.assets.training import EpochProgress, split_data
from recsys_assets.plots import loss_curve
from recsys_lineage.asset_code import Output
from recsys_lineage.blobs import blob_table
from recsys_lineage.errors import LineageError
from recsys_lineage.frame_asset import frame_asset
from recsys_lineage.inputs import Inputs
from recsys_lineage.lineage_asset import AssetLook

FAMILIES = {
    "popularity": ("recsys_models.popularity",),
    "item_neighbours": ("recsys_models.item_neighbours", "recsys_models.neighbours"),
    "user_neighbours": ("recsys_models.user_neighbours", "recsys_models.neighbours"),
    "lightgcn": ("recsys_models.lightgcn", "recsys_models.propagation", "recsys_models.spectrum"),
    "spectral": ("recsys_models.spectral", "recsys_models.spectrum"),
    "matrix_factorization": ("recsys_models.matrix_factorization",),
    "ease": ("recsys_models.ease",),
    "ials": ("recsys_models.ials",),
    "ranker": ("recsys_models.ranker", "recsys_models.first_stage", "recsys_models.spectrum"),
}
"""The families that can compete, and the modules that each one's code version covers."""
TORCH_FAMILIES = ("lightgcn", "matrix_factorization")
"""Families trained with PyTorch: they take turns on the device."""
BASELINES = ("popularity", "item_neighbours")
_SHARED = ("recsys_models.recommender", "recsys_models.validation", "recsys_assets.assets.training")


def competing(names: str) -> list[str]:
    """The families of a comma-separated list, in the order of `FAMILIES`; the baselines always take part.

    Raises:
        LineageError: when a name is no family.
    """
    asked = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := sorted(asked - set(FAMILIES)):
        raise LineageError(
            f"There is no model family {', '.join(unknown)}.",
            expected=", ".join(FAMILIES),
            where="RECSYS_FAMILIES",
        )
    return [family for family in FAMILIES if family in asked or family in BASELINES]


def candidate_name(family: str) -> str:
    """The asset of a family."""
    return f"candidate_{family}"


def fit_candidate(inputs: Inputs, family: str, seed: int, device: str) -> Output:
    """A model of this family: parameters and epochs chosen on validation, then fitted on train and validation."""
    from recsys_models import families

    name = candidate_name(family)
    data = split_data(inputs)
    model = families[family]()
    progress = EpochProgress(name, getattr(model, "epochs", None))
    began = time.perf_counter()
    model.fit(data.train, validation=data.valid, seed=seed, device=device, on_epoch=progress)
    final = model.retrained(data.before_test, seed=seed, device=device)
    seconds = time.perf_counter() - began
    plot = loss_curve(model.history)
    return Output(
        blob_table(final.to_files()),
        statistics={
            "family": family,
            "seed": seed,
            "device": device,
            "params": model.params(),
            "chosen": model.chosen,
            "training seconds": round(seconds, 2),
        },
        metadata={"fit": plot} if plot is not None else {},
    )


def candidate_asset(family: str, *, seed: int, device: str, look: AssetLook) -> dg.AssetsDefinition:
    """The Dagster asset of one family."""
    return frame_asset(
        fit_candidate,
        name=candidate_name(family),
        parameters={"family": family, "seed": seed, "device": device},
        reads=("split", "interaction_graph"),
        uses=(*FAMILIES[family], *_SHARED),
        look=look,
    )
