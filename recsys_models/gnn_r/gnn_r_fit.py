"""Training of GNN-R with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.gnn_r.gnn_r_network import GNNRNetwork
from recsys_models.gnn_r.relation_graph import RelationGraph, Scale, relation_graph, relations_between_items
from recsys_models.kernels.attention import at_nodes
from recsys_models.kernels.sparse import csr
from recsys_models.kernels.top_items import block_rows, mask_items, top_k
from recsys_models.training.start_values import take_over
from recsys_models.training.trainer import Fit
from recsys_models.training.validation import hits_at_k, unseen

if TYPE_CHECKING:
    from recsys_models.gnn_r.gnn_r import GNNR


class GNNRFit(Fit):
    """Training of `GNNR`: attention learns on the graph of the past, and is applied to the graph of today."""

    def __init__(
        self,
        settings: GNNR,
        now: tuple[Interactions, sp.csr_array, NDArray[np.float32]],
        past: tuple[Interactions, sp.csr_array, NDArray[np.float32]],
        held: Interactions,
        learned: Mapping[str, NDArray[np.float32]],
        device: str,
    ) -> None:
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
        self.module = GNNRNetwork(
            settings.parts, settings.layers, now[2].shape[1], self._now.inputs.shape[1], len(related)
        ).to(device)
        self.incidents = take_over(self.module, learned)
        slow = [p for name, p in self.module.named_parameters() if name in ("bias", "slope")]
        fast = [p for name, p in self.module.named_parameters() if name not in ("bias", "slope")]
        rate = settings.learning_rate
        self.optimiser = torch.optim.Adam([{"params": fast}, {"params": slow, "lr": rate / 100}], lr=rate)

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """The loss of each step: cross-entropy of the users' next items among candidates, which are new each epoch."""
        users = np.flatnonzero(np.diff(self._wanted.indptr))
        if not users.size:
            return
        steps, batch = self._settings.steps, min(batch, users.size)
        order = torch.randperm(users.size, generator=generator).numpy()
        drawn = users[np.resize(order, steps * batch)].reshape(steps, batch)
        distinct = np.unique(drawn)
        columns = self._candidates(distinct)
        hits = hits_at_k(columns, self._wanted, distinct)
        for chosen in drawn:
            row = np.searchsorted(distinct, chosen)
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
        """The best new items of each user in the graph of the past, shape (users, candidates), padded with -1."""
        with torch.no_grad():
            user, item = (part.cpu().numpy() for part in self.module(self._past))
        columns = []
        for block in np.split(users, np.arange(block_rows(len(item)), users.size, block_rows(len(item)))):
            scores = user[block] @ item.T
            mask_items(scores, self._seen, block)
            scores[:, self._unknown_items] = -np.inf
            columns.append(top_k(scores, min(self._settings.candidates, scores.shape[1]))[0])
        return np.concatenate(columns)

    def state(self) -> dict[str, NDArray[Any]]:
        user, item = self.module(self._now)
        learned = {
            f"learned.{k}": v.detach().cpu().numpy().copy() for k, v in self.module.state_dict().items()
        }
        return {"user": user.cpu().numpy().copy(), "item": item.cpu().numpy().copy(), **learned}
