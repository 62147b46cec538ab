"""LightGCN: embeddings smoothed over the user-item graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.propagation import propagate, propagation_graph
from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectrum import normalised, truncated_svd
from recsys_models.spectral import item_gain, spectral_filter
from recsys_models.training.fit_run import FitRun
from recsys_models.training.trainer import Fit, Training, bounded_batch
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    import torch

LARGE = 10_000
"""Users and items from which on the choices left open are others."""
LARGEST_TABLE = 120_000_000
"""Numbers in a table of embeddings whose length is "auto"; training keeps about ten such tables."""


@dataclass(kw_only=True, eq=False)
class LightGCN(EmbeddingRecommender):
    """He et al. 2020, "LightGCN: Simplifying and powering graph convolution network for recommendation".

    `LightGCN.paper()` is the published model. The defaults differ where that was better on validation: edges weigh
    2^(-age / half-life), popular nodes are damped less, and training starts from the singular vectors of the
    normalised matrix, scaled so that propagation gives back the filtered spectrum: epoch 0 is the spectral model.

    Args:
        dim: length of the embeddings; "auto": 64 where there are fewer than `LARGE` users or items, else 1500, less
            where that would be more than `LARGEST_TABLE` numbers.
        layers: how often the graph is convolved.
        loss: "softmax" over sampled items, or "bpr".
        start: "spectral", or "normal" (standard deviation 0.1).
        exponent: nodes are scaled by degree^-exponent.
        half_life_days: after how long an interaction counts half in the graph and as a training example; None for
            no decay. Without timestamps there is none.
        filter_power: the spectral start's scores are U S^filter_power Vᵀ.
        ridge: with a number they are U w(S) Vᵀ instead, w(s) = s · s² / (s² + ridge) as in `Spectral`; "auto": None
            where there are fewer than `LARGE` users or items, else 4.
        item_gain: an item's smoothed vector is multiplied by degree^item_gain; "auto": 0 where there are fewer than
            `LARGE` users or items, else 0.2.
        epochs: passes over the interactions at most; 0 keeps the start; "auto": 1 where there are fewer than `LARGE`
            users or items, else 0, for there an epoch costs minutes and brought what more dimensions bring at once.
        patience: stop after so many epochs without a better validation NDCG@20; the best epoch is kept.
        batch: user-item pairs a step.
        largest_steps: an epoch has at most so many steps, of larger batches where there are more pairs. Each step
            propagates over the whole graph, so without a bound (None) an epoch costs the square of the edges.
        negatives: items sampled a step for the softmax.
        learning_rate, l2: of Adam; the penalty is on the batch's start embeddings.
    """

    family: ClassVar[str] = "lightgcn"
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True
    longest: ClassVar[int] = 1500

    dim: int | str = "auto"
    layers: int = 3
    loss: str = "softmax"
    start: str = "spectral"
    exponent: float = 0.3
    half_life_days: float | None = 28.0
    filter_power: float = 2.0
    ridge: float | str | None = "auto"
    item_gain: float | str = "auto"
    epochs: int | str = "auto"
    patience: int = 1
    batch: int = 16_384
    largest_steps: int | None = 64
    negatives: int = 256
    learning_rate: float = 0.0003
    l2: float = 0.0

    @classmethod
    def paper(cls, *, epochs: int = 1000, **params: Any) -> LightGCN:
        """The model as published: 64 dimensions, 3 layers, BPR, batches of 2,048 pairs, a normal start, L2 1e-4."""
        settings: dict[str, Any] = {
            "dim": 64,
            "loss": "bpr",
            "start": "normal",
            "exponent": 0.5,
            "half_life_days": None,
            "item_gain": 0.0,
            "batch": 2048,
            "largest_steps": None,
            "learning_rate": 1e-3,
            "l2": 1e-4,
            "patience": 50,
        }
        return cls(**{**settings, "epochs": epochs, **params})

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in (("loss", ("softmax", "bpr")), ("start", ("spectral", "normal"))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{self.family}: {name}: expected one of {choices}, found {getattr(self, name)!r}"
                )
        self._start = np.empty((0, 0), np.float32)

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        matrix = self.edges(interactions)
        self._train(matrix, self._fresh_start(matrix, run.seed), validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        matrix = self.edges(interactions)
        start = warm_start(before._start, before.user_ids, before.item_ids, interactions, matrix)
        self._train(matrix, start, validation, run)

    def _length(self) -> int:
        if self.dim != "auto":
            return int(self.dim)
        if not self._large():
            return 64
        return min(self.longest, max(64, LARGEST_TABLE // (self.user_ids.size + self.item_ids.size)))

    def _large(self) -> bool:
        return min(self.user_ids.size, self.item_ids.size) >= LARGE

    def item_scale(self, matrix: sp.csr_array) -> NDArray[np.float32] | None:
        """degree^item_gain, its mean 1, shape (n_items, 1); None where that is 1 for all."""
        power = (0.2 if self._large() else 0.0) if self.item_gain == "auto" else float(self.item_gain)
        if not power:
            return None
        scale = item_gain(matrix, power)
        return scale / scale.mean()

    def edges(self, interactions: Interactions) -> sp.csr_array:
        """Users by items, how much each edge of the graph weighs: 1, or less with age where `half_life_days` is set."""
        if self.half_life_days is None:
            return interactions.user_items()
        matrix = latest_weights(interactions, self.half_life_days)
        # a pair of long ago keeps a trace, so that no node loses all its edges
        matrix.data = np.maximum(matrix.data, 1e-4)
        return matrix

    def _fresh_start(self, matrix: sp.csr_array, seed: int) -> NDArray[np.float32]:
        if self.start == "spectral":
            return self.spectral_start(matrix, seed)
        n_nodes = sum(shape_of(matrix))
        return np.random.default_rng(seed).standard_normal((n_nodes, self._length()), np.float32) * 0.1

    def spectral_start(self, matrix: sp.csr_array, seed: int) -> NDArray[np.float32]:
        """Vectors (n_users + n_items, dim) that propagation turns into the filtered singular vectors of `edges`."""
        dim = self._length()
        left, values, right = truncated_svd(normalised(matrix, self.exponent, self.exponent), dim, seed=seed)
        ridge = (4.0 if self._large() else None) if self.ridge == "auto" else self.ridge
        largest = values[0]
        wanted = (values / largest) ** self.filter_power
        if ridge is not None:
            wanted = spectral_filter(values, float(ridge))
        response = np.mean([(values / largest) ** layer for layer in range(self.layers + 1)], axis=0)
        half = np.sqrt(wanted) / response
        start = np.vstack([left * half, right * half]).astype(np.float32)
        missing = dim - start.shape[1]
        start = np.pad(start, ((0, 0), (0, max(0, missing))))
        scale = self.item_scale(matrix)
        items = right if scale is None else right * scale
        return start * logit_scale(matrix, left * np.sqrt(wanted), items, seed)

    def _train(
        self, matrix: sp.csr_array, start: NDArray[np.float32], validation: Interactions | None, run: FitRun
    ) -> None:
        training = self.training(matrix.nnz)
        training.run(self, lambda device: _LightGCNFit(self, matrix, start, device), validation, run)
        if "batch" in self.chosen:
            self.chosen["largest_steps"] = None

    def training(self, pairs: int) -> Training:
        """The schedule for so many pairs."""
        batch = bounded_batch(self.batch, pairs, self.largest_steps)
        epochs = (0 if self._large() else 1) if self.epochs == "auto" else int(self.epochs)
        return Training(epochs, self.patience, batch, from_start=True)

    def weighs(self, matrix: sp.csr_array) -> bool:
        """Whether the edges differ in weight."""
        return self.half_life_days is not None and not np.all(matrix.data == 1)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), "start": self._start}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._start = state["start"]


class _LightGCNFit(Fit):
    """Start embeddings of one graph that learn."""

    _scale: torch.Tensor | None = None

    def __init__(
        self,
        settings: LightGCN,
        matrix: sp.csr_array,
        start: NDArray[np.float32],
        device: str,
    ) -> None:
        import torch

        self._settings, self._device = settings, device
        self._pairs = matrix.tocoo()
        self._n_users, self._n_items = shape_of(matrix)
        self._graph = propagation_graph(
            self._pairs.row,
            self._pairs.col,
            self._n_users,
            self._n_items,
            np.asarray(matrix.data, np.float32) if settings.weighs(matrix) else None,
            device=device,
            exponent=settings.exponent,
        )
        scale = settings.item_scale(matrix)
        if scale is not None:
            users = np.ones((self._n_users, 1), np.float32)
            self._scale = torch.from_numpy(np.vstack([users, scale])).to(device)
        self._chance = torch.from_numpy(np.cumsum(self._pairs.data, dtype=np.float64))
        self.module = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False).to(
            device
        )
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.learning_rate, fused=True)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """Pairs are drawn in proportion to their weight."""
        import torch

        settings, pairs, weight = self._settings, self._pairs, self._weight
        users = torch.from_numpy(pairs.row.astype(np.int64))
        items = torch.from_numpy(pairs.col.astype(np.int64))
        for _ in range(max(1, round(pairs.nnz / batch))):
            draw = (
                torch.rand(min(batch, pairs.nnz), generator=generator, dtype=torch.float64) * self._chance[-1]
            )
            row = torch.searchsorted(self._chance, draw).clamp_max(pairs.nnz - 1)
            shape = (settings.negatives,) if settings.loss == "softmax" else row.shape
            other = torch.randint(self._n_items, shape, generator=generator)
            user, item, other = (
                users[row].to(self._device),
                items[row].to(self._device) + self._n_users,
                other.to(self._device) + self._n_users,
            )
            smooth = self._smooth()
            if settings.loss == "softmax":
                loss = _softmax(smooth, user, item, other, self._n_items)
            else:
                loss = _bpr(smooth, user, item, other)
            if settings.l2:
                norm = torch.cat(_rows(weight, user, item, other)).square().sum()
                loss = loss + settings.l2 * norm / (2 * user.numel())
            yield loss

    def state(self) -> dict[str, NDArray[Any]]:
        smooth = self._smooth().cpu().numpy()
        return {
            "user": smooth[: self._n_users].copy(),
            "item": smooth[self._n_users :].copy(),
            "start": self._weight.detach().cpu().numpy().copy(),
        }

    def _smooth(self) -> torch.Tensor:
        """The vectors whose inner products are scores, users first."""
        smooth = propagate(self._graph, self._weight, self._settings.layers)
        return smooth if self._scale is None else smooth * self._scale

    @property
    def _weight(self) -> torch.Tensor:
        return self.module.get_parameter("weight")


def _softmax(
    smooth: torch.Tensor, user: torch.Tensor, item: torch.Tensor, other: torch.Tensor, n_items: int
) -> torch.Tensor:
    """Cross-entropy of the item among the sampled ones, which stand for the whole catalogue (Wu et al. 2022, "On the
    effectiveness of sampled softmax loss for item recommendation"). The batch shares `other`, shape (negatives,)."""
    import torch

    vectors, right, wrong = _rows(smooth, user, item, other)
    right = (vectors * right).sum(1)
    wrong = vectors @ wrong.T
    wrong = wrong.masked_fill(other[None, :] == item[:, None], -torch.inf)
    catalogue = torch.logsumexp(wrong, 1) + float(np.log(n_items / other.numel()))
    return (torch.logaddexp(right, catalogue) - right).mean()


def _bpr(smooth: torch.Tensor, user: torch.Tensor, item: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """-log sigmoid(score of the item - score of another) (Rendle et al. 2009). `other` has one item a pair."""
    import torch

    vectors, right, wrong = _rows(smooth, user, item, other)
    return torch.nn.functional.softplus((vectors * (wrong - right)).sum(1)).mean()


def logit_scale(
    matrix: sp.csr_array, user: NDArray[np.float32], item: NDArray[np.float32], seed: int, sample: int = 1024
) -> float:
    """√c for the c that makes softmax(c · user · itemᵀ) fit the interactions best, on a sample of pairs and items."""
    generator = np.random.default_rng(seed)
    pairs = matrix.tocoo()
    at = generator.integers(0, pairs.nnz, sample)
    other = generator.integers(0, shape_of(matrix)[1], sample)
    right = (user[pairs.row[at]] * item[pairs.col[at]]).sum(1)
    wrong = user[pairs.row[at]] @ item[other].T
    spread = float(np.abs(right).mean()) or 1.0
    best, scale = np.inf, 1.0
    for power in np.arange(-2, 8, 0.5):
        c = 2.0**power / spread
        logits = c * np.column_stack([right, wrong])
        peak = logits.max(1)
        loss = float((peak + np.log(np.exp(logits - peak[:, None]).sum(1)) - logits[:, 0]).mean())
        if loss < best:
            best, scale = loss, c
    return float(np.sqrt(scale))


def _rows(table: torch.Tensor, *rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """`table[rows]` of each; the gradient is one table, summed in the same order each time, which that of an index is
    not."""
    import torch

    taken = torch.nn.functional.embedding(torch.cat(rows), table)
    return taken.split([part.numel() for part in rows])
