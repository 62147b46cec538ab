"""Start values: arrays of an earlier model that a training starts from, and those that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def take_over(module: torch.nn.Module, learned: Mapping[str, NDArray[Any]]) -> list[str]:
    """Copy an earlier model's arrays into the module, and report those that do not fit.

    Args:
        learned: arrays by the names of the module's own; empty for a start without an earlier model.

    Returns:
        Incidents: one sentence for each array that is missing, unknown here or of another shape, whose start is that
        of a new model.
    """
    if not learned:
        return []
    state = module.state_dict()
    dropped: list[str] = []
    for name in sorted({*state, *learned}):
        if name not in state:
            dropped.append(f"start: {name} of the model before has no place in this one; left out")
        elif name not in learned:
            dropped.append(f"start: expected {name} in the model before, found none; starts anew")
        elif tuple(state[name].shape) != learned[name].shape:
            dropped.append(
                f"start: {name}: expected shape {tuple(state[name].shape)}, found {learned[name].shape} in the model "
                "before; starts anew"
            )
        else:
            state[name] = torch.from_numpy(np.array(learned[name]))
    module.load_state_dict(state)
    return dropped
