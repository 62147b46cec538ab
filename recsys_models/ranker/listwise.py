"""A network that orders a user's candidates by looking at all of them at once (Deep Sets, Zaheer et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import gelu

from recsys_models.training.fit_run import FitRun
from recsys_models.training.own_draws import OwnDraws
from recsys_models.training.trainer import Fit, Training

DROPOUT = 0.1
"""Share of the last hidden layer that is set to 0 in training."""
WARM_UP = 0.3
"""Share of all steps in which the learning rate rises."""
EFFECT_STEPS = 64
"""Number of points at which integrated gradients are evaluated."""
SCORING_BLOCK = 256
"""Number of users whose candidates are scored at once."""


@dataclass(frozen=True)
class ListwiseSettings:
    """Settings of a network's training.

    Args:
        width: width of the hidden layers.
        epochs: number of passes over the users.
        batch: users per step.
        candidates: candidates per user in a step: the hits, and others drawn anew each time. More passes over half of
            them learn more in the same time than fewer passes over all.
        learning_rate: highest learning rate.
    """

    width: int = 64
    epochs: int = 8
    batch: int = 64
    candidates: int = 60
    learning_rate: float = 0.003


@dataclass(eq=False)
class Listwise:
    """A network that scores a user's candidates, with the scale of its inputs.

    Attributes:
        arrays: the network's parameters by name, and `middle` and `spread` of each feature.
        chosen, history, incidents: as in `Recommender`.
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
        """A network that has learned to put each user's hits first, by cross-entropy over the user's candidates.

        Args:
            features: features of the candidates, shape (users, candidates, features).
            hit: which candidates are hits, shape (users, candidates); each user has one.
        """
        model = cls()
        scale = _scale(features)
        make = lambda device: _ListwiseFit(features, hit, scale, settings, run.seed, device)  # noqa: E731
        Training(epochs=settings.epochs, patience=settings.epochs, batch=settings.batch).run(
            model, make, None, run
        )
        return model

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (users, candidates) of candidates with these features (users, candidates, features)."""
        network = self._ready()
        middle, spread = self._scaling()
        parts = [np.empty((0, features.shape[1]), np.float32)]
        with torch.inference_mode():
            for start in range(0, features.shape[0], SCORING_BLOCK):
                block = torch.from_numpy(np.ascontiguousarray(features[start : start + SCORING_BLOCK]))
                parts.append(network(_scaled(block, middle, spread)).numpy())
        return np.concatenate(parts)

    def effects(self, features: NDArray[np.float32], at: int) -> NDArray[np.float64]:
        """Contribution of each feature of one candidate to its score, shape (features,): integrated gradients
        (Sundararajan et al. 2017) from each feature's median to its value, the other candidates as they are.

        They sum to the score less that of a candidate with median features in the same place.

        Args:
            features: features of one user's candidates, shape (candidates, features).
            at: the candidate's place among them.
        """
        network = self._ready()
        scaled = _scaled(torch.from_numpy(features), *self._scaling())
        along = (torch.arange(EFFECT_STEPS) + 0.5)[:, None] / EFFECT_STEPS
        points = (along * scaled[at]).requires_grad_()
        lists = scaled.expand(EFFECT_STEPS, *scaled.shape).clone()
        lists[:, at] = points
        (gradient,) = torch.autograd.grad(network(lists)[:, at].sum(), points)
        return (gradient.mean(0) * scaled[at]).numpy().astype(np.float64)

    def _scaling(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(self.arrays["middle"]), torch.from_numpy(self.arrays["spread"])

    def _ready(self) -> torch.nn.Module:
        if self._network is None:
            weights = {k: torch.from_numpy(np.array(v)) for k, v in self.arrays.items() if "." in k}
            width, inputs = weights["into.weight"].shape
            network = ListwiseNetwork(inputs, width)
            network.load_state_dict(weights)
            # several threads score: none may see it before it is whole
            self._network = network.eval()
        return self._network

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.arrays, self._network = dict(state), None


class _ListwiseFit(Fit):
    """Training of a `ListwiseNetwork`."""

    uses_dropout = True

    def __init__(
        self,
        features: NDArray[np.float32],
        hit: NDArray[np.bool_],
        scale: tuple[NDArray[np.float32], NDArray[np.float32]],
        settings: ListwiseSettings,
        seed: int,
        device: str,
    ) -> None:
        self._scale = torch.from_numpy(scale[0]), torch.from_numpy(scale[1])
        self._hit = torch.from_numpy(hit)
        # scaled once, not in each epoch
        self._inputs = torch.empty(features.shape)
        for start in range(0, features.shape[0], SCORING_BLOCK):
            block = slice(start, start + SCORING_BLOCK)
            self._inputs[block] = _scaled(torch.from_numpy(features[block]), *self._scale)
        self._settings, self._device = settings, device
        with OwnDraws(seed):
            self.module = ListwiseNetwork(features.shape[2], settings.width).to(device)
        # a buffer, so that a checkpoint knows how far the learning rate is
        self.module.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), settings.learning_rate, weight_decay=0.001
        )

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        settings, n = self._settings, self._hit.shape[0]
        order = torch.randperm(n, generator=generator)
        total = settings.epochs * math.ceil(n / batch)
        done = self.module.get_buffer("steps")
        kept = min(settings.candidates, self._hit.shape[1])
        for start in range(0, n, batch):
            users = order[start : start + batch, None]
            for group in self.optimiser.param_groups:
                group["lr"] = settings.learning_rate * _rate(min(1.0, int(done) / total))
            lot = torch.rand(users.shape[0], self._hit.shape[1], generator=generator)
            chosen = (lot + self._hit[users[:, 0]]).topk(kept, dim=1, sorted=False).indices
            inputs = self._inputs[users, chosen].to(self._device)
            wanted = self._hit[users, chosen].float().to(self._device)
            chance = torch.log_softmax(self.module(inputs), dim=1)
            # a user with many hits counts more, but by the root of their number
            yield -((chance * wanted).sum(1) / wanted.sum(1).sqrt()).mean()
            done += 1

    def state(self) -> dict[str, NDArray[Any]]:
        weights = {
            name: value.detach().cpu().numpy().copy() for name, value in self.module.named_parameters()
        }
        middle, spread = (part.numpy() for part in self._scale)
        return {**weights, "middle": middle, "spread": spread}


def _rate(progress: float) -> float:
    """Share of the highest learning rate at this progress: it rises, then falls, both along a cosine."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def _scale(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and interquartile range of each feature, estimated on at most about 200,000 rows."""
    rows = features.reshape(-1, features.shape[2])
    rows = rows[:: max(1, rows.shape[0] // 200_000)].astype(np.float64)
    quartiles = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    spread, deviation = quartiles[2] - quartiles[0], rows.std(0)
    spread = np.where(spread > 1e-6, spread, np.where(deviation > 1e-6, deviation, np.inf))
    return quartiles[1].astype(np.float32), spread.astype(np.float32)


def _scaled(features: torch.Tensor, middle: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Features on the network's scale: centred, divided by their spread, and far values drawn in by a logarithm."""
    centred = (features - middle) / spread
    return torch.copysign(centred.abs().log1p_(), centred)


class ListwiseNetwork(nn.Module):
    """Deep Sets: scores (users, candidates) of features (users, candidates, inputs), whatever the candidates' order."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.into, self.after, self.last = (nn.Linear(n, width) for n in (inputs, width, width))
        self.among, self.again = nn.Linear(width, width), nn.Linear(width, width)
        # one draw for all candidates of a user: as good as one for each, at a fraction of the time
        self.drop = nn.Dropout1d(DROPOUT)
        self.out = nn.Linear(width, 1)

    def forward(self, candidates: torch.Tensor) -> torch.Tensor:
        hidden = gelu(self.into(candidates))
        hidden = hidden + self.among(hidden.mean(1, keepdim=True))
        hidden = hidden + gelu(self.after(hidden))
        hidden = hidden + self.again(hidden.mean(1, keepdim=True))
        hidden = gelu(self.last(hidden))
        return self.out(self.drop(hidden.transpose(1, 2)).transpose(1, 2))[..., 0]
