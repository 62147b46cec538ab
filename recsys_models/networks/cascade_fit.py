"""Training of the behaviours' cascade with PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.kernels.propagation import propagate, propagation_graph
from recsys_models.kernels.sparse import shape_of
from recsys_models.networks.lightgcn_fit import LightGCNFit, unequal_weights

if TYPE_CHECKING:
    from recsys_models.lightgcn import LightGCN


class CascadeFit(LightGCNFit):
    """Training of the cascade: start embeddings and the maps between graphs learn from pairs of the last graph."""

    def __init__(
        self,
        settings: LightGCN,
        graphs: list[sp.csr_array],
        start: NDArray[np.float32],
        maps: NDArray[np.float32],
        device: str,
    ) -> None:
        super().__init__(settings, graphs[-1], start, device)
        self._earlier = []
        for matrix in graphs[:-1]:
            pairs = matrix.tocoo()
            self._earlier.append(
                propagation_graph(
                    pairs.row,
                    pairs.col,
                    *shape_of(matrix),
                    unequal_weights(matrix),
                    device=device,
                    exponent=settings.exponent,
                    layers=settings.layers,
                )
            )
        if self._earlier:
            self.module.register_parameter(
                "maps", torch.nn.Parameter(torch.from_numpy(maps.copy()).to(device))
            )
            self.optimiser = torch.optim.Adam(self.module.parameters(), lr=settings.learning_rate, fused=True)

    def state(self) -> dict[str, NDArray[Any]]:
        maps = (
            self.module.get_parameter("maps").detach().cpu().numpy().copy()
            if self._earlier
            else np.empty((0, 0, 0), np.float32)
        )
        return {**super().state(), "maps": maps}

    def _smooth(self) -> torch.Tensor:
        vectors = self._weight
        for graph, mapped in zip(
            self._earlier, self.module.get_parameter("maps") if self._earlier else (), strict=True
        ):
            vectors = propagate(graph, vectors, self._settings.layers) @ mapped
        return propagate(self._graph, vectors, self._settings.layers)
