"""Settings of one run of a fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

OnEpoch = Callable[[int, dict[str, float]], None]
"""Called after each epoch with its number from 1 and its metrics (`loss`, and `ndcg` where there is validation)."""


@dataclasses.dataclass(frozen=True)
class FitRun:
    """Settings of one run of a fit, besides its data.

    Attributes:
        seed: seed of everything that is drawn.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        on_epoch: called after each epoch of iterative families.
        checkpoint: folder where iterative families keep the last epoch, or None.
        threads: number of threads that PyTorch and BLAS compute with; 0: as many as they are set to.
        identity: name of this fit's checkpoints, a hash of parameters, data and seed.
    """

    seed: int = 0
    device: str = "auto"
    on_epoch: OnEpoch | None = None
    checkpoint: Path | None = None
    identity: str = ""
    threads: int = 0
