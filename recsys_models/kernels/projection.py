"""Smoothing over a bipartite graph whose smaller side is small: through that side's projection.

Two steps from a node of one side lead back to that side. The operator of two steps, the weighted one-mode projection
P = B Bᵀ, is a small dense matrix where there are few users (or items), and a product with it costs less than two sums
over all edges. Any polynomial of the graph's operator then takes one sum over the edges into the small side, one out of
it, and products with P between them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from recsys_models.kernels.sparse import csr, shape_of

CELLS_PER_EDGE = 16
"""Largest number of cells of the projection per edge; a cell takes about a 20th of the time of an edge's sum."""


@dataclass(frozen=True)
class Projection:
    """The weighted bipartite graph B, from its small side (rows) to its large one (columns), and P = B Bᵀ.

    Attributes:
        into_small, into_large: B and Bᵀ as torch sparse CSR matrices.
        two_steps: P, shape (n_small, n_small).
        users_are_small: whether the small side stands first among the nodes.
    """

    into_small: torch.Tensor
    into_large: torch.Tensor
    two_steps: torch.Tensor
    users_are_small: bool

    @classmethod
    def of(cls, operator: sp.csr_array) -> Projection | None:
        """The projection of a graph; None where neither side is small enough to gain by it.

        Args:
            operator: users by items, float32: what the graph's operator multiplies a neighbour's vector by.
        """
        users_are_small = shape_of(operator)[0] <= shape_of(operator)[1]
        small = csr(operator if users_are_small else operator.T)
        if shape_of(small)[0] ** 2 > CELLS_PER_EDGE * small.nnz:
            return None
        large = csr(small.T)
        two_steps = np.asarray(csr(small @ large).toarray(), np.float32)
        return cls(torch_csr(small), torch_csr(large), torch.from_numpy(two_steps), users_are_small)

    def mean_of_layers(self, features: torch.Tensor, layers: int) -> torch.Tensor:
        """The mean of Â^l features over l = 0 … `layers`, as of `propagation.propagate`, on the CPU.

        The layers of the small side are x, a = B y, P x, P a, P² x, … with x and y the features of the small and of the
        large side; a layer of the large side is Bᵀ times the one before of the small side, so one product with Bᵀ of
        their sum gives all.

        Args:
            layers: at least 1.
        """
        n_small, width = self.two_steps.shape[0], features.shape[1]
        at = n_small if self.users_are_small else features.shape[0] - n_small
        mean = torch.empty_like(features)
        parts, results = (features[:at], features[at:]), (mean[:at], mean[at:])
        (small, large), (of_small, of_large) = (
            (parts, results) if self.users_are_small else (parts[::-1], results[::-1])
        )
        odd = sum_of_rows(self.into_small, large)
        both = torch.cat([small, odd], 1)
        layer = odd
        sent = small.clone()
        for number in range(2, layers + 1):
            sent += layer
            if number % 2 == 0:
                # the last layer has no odd one next to it
                both = self.two_steps @ (both if number < layers else both[:, :width])
            layer = both[:, :width] if number % 2 == 0 else both[:, width:]
        torch.add(sent, layer, out=of_small).div_(layers + 1)
        share = 1 / (layers + 1)
        torch.add(sum_of_rows(self.into_large, sent.mul_(share)), large, alpha=share, out=of_large)
        return mean


def torch_csr(matrix: sp.csr_array) -> torch.Tensor:
    """A SciPy matrix as a torch sparse CSR matrix with int32 ids, on the CPU."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32)),
            torch.from_numpy(matrix.indices.astype(np.int32)),
            torch.from_numpy(matrix.data),
            size=shape_of(matrix),
            check_invariants=False,
        )


def sum_of_rows(matrix: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """The product matrix @ features on the CPU: the same sums in the same order as PyTorch's product, in half the
    time."""
    return torch.nn.functional.embedding_bag(
        matrix.col_indices(), features, matrix.crow_indices(), mode="sum", per_sample_weights=matrix.values(),
        include_last_offset=True,
    )  # fmt: skip
