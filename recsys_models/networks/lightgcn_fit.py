"""Training of LightGCN with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.kernels.propagation import propagate, propagation_graph
from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectral_start import item_scale
from recsys_models.training.trainer import Fit

if TYPE_CHECKING:
    from recsys_models.lightgcn import LightGCN


class LightGCNFit(Fit):
    """Training of LightGCN: start embeddings that learn on one graph."""

    _scale: torch.Tensor | None = None

    def __init__(
        self,
        settings: LightGCN,
        matrix: sp.csr_array,
        start: NDArray[np.float32],
        device: str,
    ) -> None:
        self._settings, self._device = settings, device
        self._pairs = matrix.tocoo()
        self._n_users, self._n_items = shape_of(matrix)
        self._graph = propagation_graph(
            self._pairs.row,
            self._pairs.col,
            self._n_users,
            self._n_items,
            unequal_weights(matrix),
            device=device,
            exponent=settings.exponent,
            layers=settings.layers,
        )
        scale = item_scale(matrix, settings.item_gain)
        if scale is not None:
            users = np.ones((self._n_users, 1), np.float32)
            self._scale = torch.from_numpy(np.vstack([users, scale])).to(device)
        self._chance = torch.from_numpy(np.cumsum(self._pairs.data, dtype=np.float64))
        self.module = torch.nn.Embedding.from_pretrained(torch.from_numpy(start.copy()), freeze=False).to(
            device
        )
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.learning_rate, fused=True)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """The loss of each step; pairs are drawn in proportion to their weight."""
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
        """Smoothed vectors of users and items, and the start embeddings of a later refit."""
        smooth = self._smooth().cpu().numpy()
        return {
            "user": smooth[: self._n_users].copy(),
            "item": smooth[self._n_users :].copy(),
            "start": self._weight.detach().cpu().numpy().copy(),
        }

    def _smooth(self) -> torch.Tensor:
        """The vectors whose inner products are the scores, users first."""
        smooth = propagate(self._graph, self._weight, self._settings.layers)
        return smooth if self._scale is None else smooth * self._scale

    @property
    def _weight(self) -> torch.Tensor:
        return self.module.get_parameter("weight")


def unequal_weights(matrix: sp.csr_array) -> NDArray[np.float32] | None:
    """Weights of the edges in the order of the matrix; None where all are 1, which the kernels handle faster."""
    return None if np.all(matrix.data == 1) else np.asarray(matrix.data, np.float32)


def _softmax(
    smooth: torch.Tensor, user: torch.Tensor, item: torch.Tensor, other: torch.Tensor, n_items: int
) -> torch.Tensor:
    """Sampled softmax loss: cross-entropy of the item among sampled ones, which stand for the catalogue (Wu et al.
    2022, "On the effectiveness of sampled softmax loss for item recommendation").

    Args:
        smooth: vectors of all nodes.
        user, item: nodes of the pairs, shape (b,).
        other: nodes of the sampled items, shape (negatives,), the same for the whole batch.
    """
    vectors, right, wrong = _rows(smooth, user, item, other)
    hidden = other[None, :] == item[:, None]
    return cast("torch.Tensor", _SampledSoftmax.apply(vectors, right, wrong, hidden, n_items))


class _SampledSoftmax(torch.autograd.Function):
    """The mean of log(exp(v · r) + m/n Σ exp(v · w)) - v · r over pairs, with n sampled items w that stand for all m.

    The gradient follows from the same exponentials, so it is computed along with them, in their place.
    """

    @staticmethod
    def forward(
        ctx: Any,
        vectors: torch.Tensor,
        right: torch.Tensor,
        wrong: torch.Tensor,
        hidden: torch.Tensor,
        n_items: int,
    ) -> torch.Tensor:
        """The loss.

        Args:
            vectors, right: shape (b, d).
            wrong: shape (n, d).
            hidden: shape (b, n), where a sampled item does not count.
            n_items: m.
        """
        pairs, sampled = hidden.shape
        wanted = (vectors * right).sum(1)
        others = (vectors @ wrong.T).masked_fill_(hidden, -torch.inf)
        # 0 where all are hidden, of which the sum is 0
        peak = others.amax(1, keepdim=True).nan_to_num_(neginf=0.0)
        total = others.sub_(peak).exp_().sum(1)
        catalogue = total.log() + peak[:, 0] + float(np.log(n_items / sampled))
        loss = (torch.logaddexp(wanted, catalogue) - wanted).mean()
        share = torch.sigmoid(catalogue - wanted) / pairs
        others.mul_((share / total.clamp_min(torch.finfo(total.dtype).tiny))[:, None])
        share = share[:, None]
        ctx.save_for_backward((others @ wrong).sub_(share * right), vectors * -share, others.T @ vectors)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return *(gradients[0] * each for each in ctx.saved_tensors), None, None


def _bpr(smooth: torch.Tensor, user: torch.Tensor, item: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """BPR loss, -log sigmoid(score of the item - score of the other one) (Rendle et al. 2009). All shapes are (b,)."""
    vectors, right, wrong = _rows(smooth, user, item, other)
    return torch.nn.functional.softplus((vectors * (wrong - right)).sum(1)).mean()


def _rows(table: torch.Tensor, *rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """`table[part]` for each part of `rows`, with a gradient that is summed in the same order each time, unlike that of
    indexing."""
    taken = torch.nn.functional.embedding(torch.cat(rows), table)
    return taken.split([part.numel() for part in rows])
