"""Recommendations from several behaviours (views, carts, purchases) by a cascade of LightGCN blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import recency_weights
from recsys_models.fitted.fitted_model import COLD_HALF_LIFE_DAYS
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.links import Links
from recsys_models.lightgcn import LightGCN
from recsys_models.parameters.parameters import Auto, RoundsOrNone
from recsys_models.training.fit_run import FitRun
from recsys_models.training.warm_start import warm_start

FUNNEL = (
    ("impression", "exposure"),
    ("view", "click", "page_view", "pageview", "detail"),
    ("favourite", "favorite", "wishlist", "like"),
    ("cart", "add_to_cart", "addtocart", "basket"),
    ("purchase", "buy", "order", "transaction"),
)
"""Known names of behaviours, by their place in the funnel from the first look to the purchase."""


@dataclass(kw_only=True, eq=False)
class MultiBehaviour(LightGCN):
    """A cascade of LightGCN blocks: one on the graph of the first behaviour, from its result one on the graph of the
    second, and so on to the target.

    Between two blocks stands a learned linear map, at first the identity; training uses pairs of the target behaviour
    only (Cheng et al. 2023, "Multi-behavior recommendation with cascading graph convolution networks"; the
    cascade is that of Yan et al. 2023, "Cascading residual graph convolutional network for multi-behavior
    recommendation"). The blocks start from the singular vectors of all behaviours together. With one behaviour this is
    LightGCN.

    Validation is by the target behaviour, viewed items included. `recommend` leaves out all that the model was
    fitted on; to recommend what was viewed and not bought pass `exclude=interactions.with_behaviour("purchase")`.

    Args:
        behaviours: names from the first behaviour to the target; others are not used. None: all that occur, in the
            order of `FUNNEL` where all are known there, else from the most frequent to the rarest.
        Others: as in `LightGCN`.
    """

    family: ClassVar[str] = "multi_behaviour"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"behaviour", "timestamp"})
    longest: ClassVar[int] = 512

    behaviours: list[str] | None = None
    epochs: RoundsOrNone | Auto = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._maps = np.empty((0, 0, 0), np.float32)
        self._order: list[str] = []

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        parts, used = self._cascade(interactions)
        start = self._fresh_start(edge_weights(used, self.half_life_days), run.seed)
        maps = np.tile(np.eye(start.shape[1], dtype=np.float32), (len(parts) - 1, 1, 1))
        self._learn(parts, start, maps, validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        parts, used = self._cascade(interactions)
        edges = edge_weights(used, self.half_life_days)
        start = warm_start(before._start, before.user_ids, before.item_ids, interactions, edges)
        maps = np.tile(np.eye(start.shape[1], dtype=np.float32), (len(parts) - 1, 1, 1))
        fits = before._maps.shape == maps.shape
        self._learn(parts, start, before._maps if fits else maps, validation, run)
        if not fits and (maps.size or before._maps.size):
            self.incidents.insert(
                0,
                f"start: maps between behaviours: expected shape {maps.shape}, found {before._maps.shape} in the model "
                "before; start anew",
            )

    def _cascade(self, interactions: Interactions) -> tuple[dict[str, Interactions], Interactions]:
        """Interactions of each behaviour in the order of the cascade, and all of these together."""
        order = behaviour_order(interactions, self.behaviours)
        if interactions.behaviour is None:
            return {"": interactions}, interactions
        codes = [interactions.behaviour_names.index(name) for name in order]
        used = interactions.subset(np.isin(interactions.behaviour, codes))
        return {name: interactions.with_behaviour(name) for name in order}, used

    def drop_training_state(self) -> None:
        super().drop_training_state()
        self._start = np.empty((0, 0), np.float32)

    def _fold_edges(self, interactions: Interactions) -> list[sp.csr_array]:
        """The edges of each behaviour of the cascade. Interactions without a behaviour count as the target."""
        if interactions.behaviour is None or len(self._order) < 2:
            none = interactions.subset(np.empty(0, np.int64))
            parts = [none] * (len(self._order) - 1) + [interactions]
        else:
            named = np.array(interactions.behaviour_names, np.str_)[interactions.behaviour]
            named[named == ""] = self._order[-1]
            parts = [interactions.subset(named == name) for name in self._order]
        return [edge_weights(part, self.half_life_days) for part in parts]

    def _learn(
        self,
        parts: dict[str, Interactions],
        start: NDArray[np.float32],
        maps: NDArray[np.float32],
        validation: Interactions | None,
        run: FitRun,
    ) -> None:
        from recsys_models.networks.cascade_fit import CascadeFit

        self._order = list(parts)
        name, target = list(parts.items())[-1]
        if len(parts) > 1:
            weights = recency_weights(target, COLD_HALF_LIFE_DAYS)
            self.popular = np.bincount(target.item, weights, target.n_items).astype(np.float32)
        if validation is not None and validation.behaviour is not None and name:
            found = validation.behaviour_names
            validation = validation.with_behaviour(name) if name in found else None
            if validation is None or not len(validation):
                raise ValueError(
                    f"{self.family}: expected validation rows of the target {name!r}, found none"
                )
        graphs = [edge_weights(part, self.half_life_days) for part in parts.values()]
        self.training(graphs[-1].nnz).run(
            self,
            lambda device: CascadeFit(self, graphs, start, maps, device),
            validation,
            run,
            seen=target.user_items(),
        )
        # what a behaviour that is not asked for joins, these blocks have not seen
        used = sp.csr_array(sum(part.user_items() for part in parts.values()))
        self._fit_links = Links.of(used) if used.nnz < self.seen.nnz else None
        if validation is not None and name:
            self.chosen["behaviours"] = list(parts)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {**super()._state(), "maps": self._maps, "order": np.array(self._order, np.str_)}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self._maps = state["maps"]
        if "order" in state:
            must_be(state["order"], "order", shape=(None,), kind="U")
            self._order = state["order"].tolist()


def behaviour_order(interactions: Interactions, requested: list[str] | None = None) -> list[str]:
    """Behaviours in the order of the cascade, the target last; empty for interactions without behaviours.

    Args:
        requested: the order to take. None: that of `FUNNEL` where all that occur are known there, else by frequency
            descending.

    Raises:
        ValueError: a behaviour of `requested` does not occur or comes twice, or `requested` is empty.
    """
    if interactions.behaviour is None:
        if requested:
            raise ValueError(
                f"behaviours: expected interactions with the behaviours {requested}, found some without behaviours; "
                "pass behaviour= when building them"
            )
        return []
    counts = np.bincount(interactions.behaviour, minlength=len(interactions.behaviour_names))
    rows = {
        name: int(count) for name, count in zip(interactions.behaviour_names, counts, strict=True) if count
    }
    if requested is not None:
        if not requested or len(set(requested)) < len(requested) or not set(requested) <= set(rows):
            raise ValueError(
                f"behaviours: expected some of {list(rows)}, each once, the target last; found {requested}"
            )
        return list(requested)
    step = {name: number for number, names in enumerate(FUNNEL) for name in names}
    known = all(name.lower() in step for name in rows)
    return sorted(rows, key=lambda name: (step[name.lower()] if known else 0, -rows[name], name))
