"""`champion`: the model version that serves."""

from __future__ import annotations

import time

from recsys_assets.assets.candidates import candidate_name
from recsys_assets.assets.training import split_data, stored_model
from recsys_assets.plots import loss_curve
from recsys_lineage.asset_code import Output
from recsys_lineage.blobs import blob_table
from recsys_lineage.inputs import Inputs


def champion(inputs: Inputs, seed: int, device: str) -> Output:
    """The family that the gate promoted, with the parameters its candidate chose, fitted on all interactions."""
    gate = inputs.frame("gate")
    promoted = gate.filter("promoted")["challenger"]
    family = promoted[0] if len(promoted) else gate["champion_before"][0]
    began = time.perf_counter()
    candidate = stored_model(inputs, candidate_name(family))
    model = candidate.retrained(split_data(inputs).everything, seed=seed, device=device)
    plot = loss_curve(model.history)
    return Output(
        blob_table(model.to_files()),
        statistics={
            "family": family,
            "seed": seed,
            "device": device,
            "params": model.params(),
            "training seconds": round(time.perf_counter() - began, 2),
        },
        metadata={"fit": plot} if plot is not None else {},
    )
