"""The fused graph network: convolution for nodes, attention for relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.gnn_r.gnn_r_network import network
from recsys_models.gnn_r.relation_graph import RelationGraph, Scale, relation_graph, relations_between_items
from recsys_models.kernels.attention import at_nodes
from recsys_models.kernels.ranking import block_rows, mask_items, top_k
from recsys_models.kernels.sparse import csr
from recsys_models.lightgcn import LightGCN
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out
from recsys_models.training.trainer import Fit, Training
from recsys_models.training.validation import hits_at_k, unseen

if TYPE_CHECKING:
    import torch

PARTS = ("both", "gcn", "gat")


@dataclass(kw_only=True, eq=False)
class GNNR(EmbeddingRecommender):
    """LightGCN from a spectral start (epoch 0), whose edges learn to attend.

    Attention sees behaviours, recency, degrees and, after `with_relations`, relations between items; see
    `gnn_r_network.network`. It learns from what came next: the graph ends `horizon_days` before the data does, and
    the items that each user took for the first time after that are to stand high among the `candidates` that the
    network itself ranks first. What it learned then holds for the whole graph. Validation keeps the best epoch, so
    there the start can only be improved on. Time is linear in pairs.

    Relations that were counted on the last days too know a little of what attention is to foresee.

    Args:
        parts: "both"; for comparison "gcn", convolution without attention, or "gat", attention without convolution.
        dim, layers, exponent, half_life_days, filter_power: of LightGCN.
        horizon_days: how many of the last days are to be foreseen. Without timestamps, or where they hold most of the
            interactions, a fifth of the interactions is.
        candidates: best items of each user that are told apart.
        epochs: at most; 0 is LightGCN without training.
        patience: stop after so many epochs without a better validation NDCG@20; the best epoch is kept.
        steps: an epoch.
        batch: users a step.
        learning_rate: of Adam; for b and the slopes a hundredth.
    """

    family: ClassVar[str] = "gnn_r"
    side_information: ClassVar[frozenset[str]] = frozenset({"relations"})
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    parts: str = "both"
    dim: int | str = "auto"
    layers: int = 3
    exponent: float = 0.3
    half_life_days: float | None = 28.0
    filter_power: float = 2.0
    horizon_days: float = 28.0
    candidates: int = 200
    epochs: int = 6
    patience: int = 2
    steps: int = 5
    batch: int = 256
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parts not in PARTS:
            raise ValueError(f"gnn_r: parts: expected one of {PARTS}, found {self.parts!r}")
        self._learned: dict[str, NDArray[np.float32]] = {}

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        self._train(interactions, validation, run, {})

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        self._train(interactions, validation, run, before._learned)

    def _train(
        self,
        interactions: Interactions,
        validation: Interactions | None,
        run: FitRun,
        learned: Mapping[str, NDArray[np.float32]],
    ) -> None:
        known, held = past_and_next(interactions, self.horizon_days, run.seed)
        now = self._start(interactions, run.seed)
        before = self._start(known, run.seed)
        before = (before[0], turned(before[1], now[1]))
        training = Training(self.epochs, self.patience, self.batch, from_start=True)
        training.run(
            self,
            lambda device: _AttentionFit(self, (interactions, *now), (known, *before), held, learned, device),
            validation,
            run,
        )

    def _start(self, interactions: Interactions, seed: int) -> tuple[sp.csr_array, NDArray[np.float32]]:
        base = LightGCN(
            dim=self.dim,
            layers=self.layers,
            exponent=self.exponent,
            half_life_days=self.half_life_days,
            filter_power=self.filter_power,
        )
        base.user_ids, base.item_ids = interactions.user_ids, interactions.item_ids
        matrix = base.edges(interactions)
        return matrix, base.spectral_start(matrix, seed)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), **{f"learned.{k}": v for k, v in self._learned.items()}}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._learned = {k.removeprefix("learned."): v for k, v in state.items() if k.startswith("learned.")}


class _AttentionFit(Fit):
    """What attention learns on the graph of the past, and the graph of today that it is for."""

    def __init__(
        self,
        settings: GNNR,
        now: tuple[Interactions, sp.csr_array, NDArray[np.float32]],
        past: tuple[Interactions, sp.csr_array, NDArray[np.float32]],
        held: Interactions,
        learned: Mapping[str, NDArray[np.float32]],
        device: str,
    ) -> None:
        import torch

        self._settings, self._device = settings, device
        related = relations_between_items(settings.relations if settings.parts != "gcn" else None, now[0])

        def graph(
            data: tuple[Interactions, sp.csr_array, NDArray[np.float32]], scale: Scale | None
        ) -> tuple[RelationGraph, Scale]:
            return relation_graph(*data, settings.exponent, tuple(related.values()), scale, device=device)

        self._now, scale = graph(now, None)
        self._past, _ = graph(past, scale)
        self._seen = past[0].user_items()
        has = np.asarray(self._seen.sum(axis=0)).ravel() > 0
        self._unknown_items = np.flatnonzero(~has)
        wanted = unseen(held, self._seen).tocoo()
        kept = has[wanted.col] & (np.diff(self._seen.indptr) > 0)[wanted.row]
        self._wanted = csr(
            sp.coo_array((wanted.data[kept], (wanted.row[kept], wanted.col[kept])), shape=wanted.shape)
        )
        self.module = network(
            settings.parts, settings.layers, now[2].shape[1], self._now.inputs.shape[1], len(related)
        ).to(device)
        fits = {name: value.shape for name, value in self.module.state_dict().items()}
        if fits == {name: value.shape for name, value in learned.items()}:
            self.module.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in learned.items()})
        slow = [p for name, p in self.module.named_parameters() if name in ("bias", "slope")]
        fast = [p for name, p in self.module.named_parameters() if name not in ("bias", "slope")]
        rate = settings.learning_rate
        self.optimiser = torch.optim.Adam([{"params": fast}, {"params": slow, "lr": rate / 100}], lr=rate)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """Cross-entropy of each user's next items among the candidates, which are drawn up anew for each epoch."""
        import torch

        users = np.flatnonzero(np.diff(self._wanted.indptr))
        if not users.size:
            return
        steps, batch = self._settings.steps, min(batch, users.size)
        order = torch.randperm(users.size, generator=generator).numpy()
        drawn = users[np.resize(order, steps * batch)].reshape(steps, batch)
        asked = np.unique(drawn)
        columns = self._candidates(asked)
        hits = hits_at_k(columns, self._wanted, asked)
        for chosen in drawn:
            row = np.searchsorted(asked, chosen)
            right = torch.from_numpy(hits[row].astype(np.float32)).to(self._device)
            column = torch.from_numpy(columns[row].astype(np.int64)).to(self._device)
            user, item = self.module(self._past)
            user = at_nodes(user, torch.from_numpy(chosen).to(self._device))
            item = at_nodes(item, column.clamp_min(0).ravel()).view(*column.shape, -1)
            logits = torch.exp(self.module.get_parameter("sharpness")) * torch.einsum(
                "ud,ucd->uc", user, item
            )
            logits = logits.masked_fill(column < 0, -1e9)
            share = right / right.sum(1, keepdim=True).clamp_min(1)
            found = (right.sum(1) > 0).sum().clamp_min(1)
            yield -(torch.log_softmax(logits, 1) * share).sum() / found

    def _candidates(self, users: NDArray[np.integer]) -> NDArray[np.int32]:
        """The best new items of each user in the graph of the past, -1 where there are no more."""
        import torch

        with torch.no_grad():
            user, item = (part.cpu().numpy() for part in self.module(self._past))
        columns = []
        for block in np.split(users, np.arange(block_rows(len(item)), users.size, block_rows(len(item)))):
            scores = user[block] @ item.T
            mask_items(scores, self._seen, block)
            scores[:, self._unknown_items] = -np.inf
            columns.append(top_k(scores, self._settings.candidates)[0])
        return np.concatenate(columns)

    def state(self) -> dict[str, NDArray[Any]]:
        user, item = self.module(self._now)
        learned = {
            f"learned.{k}": v.detach().cpu().numpy().copy() for k, v in self.module.state_dict().items()
        }
        return {"user": user.cpu().numpy().copy(), "item": item.cpu().numpy().copy(), **learned}


def past_and_next(
    interactions: Interactions, horizon_days: float, seed: int
) -> tuple[Interactions, Interactions]:
    """The interactions before the last `horizon_days` and those in them; where fewer than half are left before, or
    without timestamps, all but a fifth and that fifth."""
    if interactions.timestamp is not None:
        cut = int(interactions.timestamp.max() - horizon_days * DAY)
        if (interactions.timestamp < cut).mean() >= 0.5:
            return interactions.between(end=cut), interactions.between(start=cut)
    return hold_out(interactions, share=0.2, seed=seed)


def turned(vectors: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors rotated so that they come closest to others, which no inner product of theirs notices (Schönemann
    1966, the orthogonal Procrustes problem). Shapes (n, d)."""
    left, _, right = np.linalg.svd((vectors.T @ like).astype(np.float64))
    return (vectors @ (left @ right)).astype(np.float32)
