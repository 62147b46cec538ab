"""How one fit is to run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

OnEpoch = Callable[[int, dict[str, float]], None]
"""Called after each epoch with its number from 1 and its metrics (`loss`, and `ndcg` where there is validation)."""


@dataclasses.dataclass(frozen=True)
class FitRun:
    """What a fit is told beside its data.

    Attributes:
        seed: of everything drawn.
        device: `auto` until a family needs one, `cpu`, `cuda` or `cuda:N`.
        on_epoch: progress of iterative families.
        checkpoint: the folder where iterative families keep the last epoch, or None.
        identity: tells the checkpoints of this fit from those of any other: a hash of parameters, data and seed.
    """

    seed: int = 0
    device: str = "auto"
    on_epoch: OnEpoch | None = None
    checkpoint: Path | None = None
    identity: str = ""
