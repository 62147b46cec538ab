"""A network that orders a user's candidates by looking at all of them at once (SetRank, Pang et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys_models.fit_run import FitRun
from recsys_models.trainer import Fit, Training

if TYPE_CHECKING:
    import torch

HEADS = 4
DROPOUT = 0.1
WARM_UP = 0.3
"""The share of all steps in which the learning rate rises."""
SCORING_BLOCK = 256
"""Users whose candidates are scored at once."""


@dataclass(frozen=True)
class ListwiseSettings:
    """Args: width: of the hidden layers. epochs, batch: passes, and users a step. learning_rate: the highest."""

    width: int = 96
    epochs: int = 8
    batch: int = 128
    learning_rate: float = 0.003


@dataclass(eq=False)
class Listwise:
    """A network and the scale of its inputs.

    Attributes:
        arrays: the network's parameters by name, and `middle` and `spread` of each feature.
        history, incidents: as of a `Recommender`.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    _network: torch.nn.Module | None = None

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        hit: NDArray[np.bool_],
        settings: ListwiseSettings,
        run: FitRun,
    ) -> Listwise:
        """Learn to put the hits of each user first: cross-entropy over a user's candidates.

        Args:
            features: of users' candidates, shape (users, candidates, features).
            hit: shape (users, candidates); each user has a hit.
        """
        model = cls()
        scale = _scale(features)
        make = lambda device: _ListwiseFit(features, hit, scale, settings, run.seed, device)  # noqa: E731
        Training(epochs=settings.epochs, patience=settings.epochs, batch=settings.batch).run(
            model, make, None, run
        )
        return model

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (users, candidates, features) in, (users, candidates) out."""
        import torch

        network = self._ready()
        middle, spread = self.arrays["middle"], self.arrays["spread"]
        parts = [np.empty((0, features.shape[1]), np.float32)]
        with torch.inference_mode():
            for start in range(0, features.shape[0], SCORING_BLOCK):
                block = _scaled(features[start : start + SCORING_BLOCK], middle, spread)
                parts.append(network(torch.from_numpy(block)).numpy())
        return np.concatenate(parts)

    def _ready(self) -> torch.nn.Module:
        import torch

        if self._network is None:
            weights = {k: torch.from_numpy(np.array(v)) for k, v in self.arrays.items() if "." in k}
            width, inputs = weights["into.weight"].shape
            network = _network(inputs, width)
            network.load_state_dict(weights)
            # several threads score: none may see it before it is whole
            self._network = network.eval()
        return self._network

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.arrays, self._network = dict(state), None


class _ListwiseFit(Fit):
    def __init__(
        self,
        features: NDArray[np.float32],
        hit: NDArray[np.bool_],
        scale: tuple[NDArray[np.float32], NDArray[np.float32]],
        settings: ListwiseSettings,
        seed: int,
        device: str,
    ) -> None:
        import torch

        self._features, self._hit, self._scale = features, hit, scale
        self._settings, self._device = settings, device
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.module = _network(features.shape[2], settings.width).to(device)
        # a buffer, so that a checkpoint knows how far the learning rate is
        self.module.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), settings.learning_rate, weight_decay=0.001
        )

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        import torch

        order = torch.randperm(self._hit.shape[0], generator=generator).numpy()
        total = self._settings.epochs * math.ceil(order.size / batch)
        done = self.module.get_buffer("steps")
        for start in range(0, order.size, batch):
            users = order[start : start + batch]
            for group in self.optimiser.param_groups:
                group["lr"] = self._settings.learning_rate * _rate(min(1.0, int(done) / total))
            inputs = torch.from_numpy(_scaled(self._features[users], *self._scale)).to(self._device)
            wanted = torch.from_numpy(self._hit[users].astype(np.float32)).to(self._device)
            told = torch.log_softmax(self.module(inputs), dim=1)
            # a user of many hits counts more, but not as many times more
            yield -((told * wanted).sum(1) / wanted.sum(1).sqrt()).mean()
            done += 1

    def state(self) -> dict[str, NDArray[Any]]:
        weights = {
            name: value.detach().cpu().numpy().copy() for name, value in self.module.named_parameters()
        }
        return {**weights, "middle": self._scale[0], "spread": self._scale[1]}


def _rate(progress: float) -> float:
    """Share of the highest learning rate: it rises, then falls, both along a cosine."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def _scale(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and distance of the quartiles of each feature, from at most some 200,000 rows."""
    rows = features.reshape(-1, features.shape[2])
    rows = rows[:: max(1, rows.shape[0] // 200_000)].astype(np.float64)
    quartiles = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    spread, deviation = quartiles[2] - quartiles[0], rows.std(0)
    spread = np.where(spread > 1e-6, spread, np.where(deviation > 1e-6, deviation, np.inf))
    return quartiles[1].astype(np.float32), spread.astype(np.float32)


def _scaled(
    features: NDArray[np.float32], middle: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Centred; far values are drawn in as by a logarithm."""
    return np.arcsinh((features - middle) / spread, dtype=np.float32)


def _network(inputs: int, width: int) -> torch.nn.Module:
    from torch import nn

    class Network(nn.Module):
        """Shape (users, candidates, inputs) in, (users, candidates) out; the order of candidates does not matter."""

        def __init__(self) -> None:
            super().__init__()
            self.into = nn.Linear(inputs, width)
            self.among = nn.TransformerEncoderLayer(
                width, HEADS, 2 * width, DROPOUT, batch_first=True, norm_first=True
            )
            self.after = nn.Linear(width, width)
            self.drop = nn.Dropout(DROPOUT)
            self.out = nn.Linear(width, 1)

        def forward(self, candidates: torch.Tensor) -> torch.Tensor:
            hidden = self.among(nn.functional.gelu(self.into(candidates)))
            return self.out(self.drop(nn.functional.gelu(self.after(hidden))))[..., 0]

    return Network()
