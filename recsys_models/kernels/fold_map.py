"""The fold-in map: from a customer's history to an embedding, learned from the users of a fit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.degrees import degrees, inverse_power
from recsys_models.training.threads import blas

EXPONENTS = (0.0, 0.3, 0.5, 0.7, 1.0)
"""Powers of the degrees of items and of users that are tried where a family names none."""
TRIED, LEARNED = 2_000, 6_000
"""Largest number of users that the powers are chosen with; smallest number that the map is learned from, if there are
more."""
RIDGE = 1e-6
"""L2 penalty relative to the mean square of an input."""


class _Sums(NamedTuple):
    """Weighted sums of item vectors, shape (n, d), and the users' degrees, shape (n,)."""

    vectors: NDArray[np.float32]
    degree: NDArray[np.float64]


class FoldMap(NamedTuple):
    """The least-squares map from sums of item vectors to the users' vectors of a fitted model.

    vector of u = [D_u^-user_exponent Σ_i w(u, i) D_i^-item_exponent q_i, 1] M with the item vectors q. There is a sum
    for each matrix of edges, one after another.

    Attributes:
        item_scale: D_i^-item_exponent of each matrix of edges, shape (edges, n_items).
        user_exponent: shape (1,).
        matrix: M, shape (edges · d + 1, d).
    """

    item_scale: NDArray[np.float32]
    user_exponent: NDArray[np.float32]
    matrix: NDArray[np.float32]

    @classmethod
    def learned(
        cls,
        edges: Sequence[sp.csr_array],
        users: NDArray[np.float32],
        items: NDArray[np.float32],
        *,
        item_exponents: Sequence[float] = EXPONENTS,
        user_exponents: Sequence[float] = EXPONENTS,
    ) -> FoldMap:
        """The map that reproduces the users' vectors best, with the exponents of the least error in the scores of
        held-out users.

        Args:
            edges: matrices of weights, users by items, at least one.
            users, items: the fitted vectors, (n_users, d) and (n_items, d).
        """
        by_item = [degrees(matrix)[1] for matrix in edges]
        had = np.flatnonzero(np.sum([np.diff(matrix.indptr) for matrix in edges], axis=0))
        spread = np.random.default_rng(0).permutation(had)
        pairs = list(itertools.product(item_exponents, user_exponents))
        with blas():
            best = pairs[0]
            if len(pairs) > 1:
                gram, errors = items.T @ items, []
                tried = spread[:TRIED]
                learn, test = tried[::2], tried[1::2]
                of_tried = [matrix[tried] for matrix in edges]
                sums: tuple[_Sums, ...] = ()
                for item_exponent, user_exponent in pairs:
                    one = cls._with(by_item, item_exponent, user_exponent, items.shape[1])
                    if user_exponent == user_exponents[0]:
                        sums = one._sums(of_tried, items)
                    inputs = one._inputs(sums)
                    fitted = _least_squares(inputs[::2], users[learn])
                    missed = inputs[1::2] @ fitted - users[test]
                    errors.append(float(np.einsum("ud,de,ue->", missed, gram, missed, optimize=True)))
                best = pairs[int(np.argmin(errors))]
            rows = np.sort(spread[: max(LEARNED, 4 * len(edges) * items.shape[1])])
            one = cls._with(by_item, *best, items.shape[1])
            inputs = one._inputs(one._sums([matrix[rows] for matrix in edges], items))
            return one._replace(matrix=_least_squares(inputs, users[rows]))

    @classmethod
    def _with(
        cls, by_item: Sequence[NDArray[np.float64]], item_exponent: float, user_exponent: float, dim: int
    ) -> FoldMap:
        scale = np.stack([inverse_power(degree, item_exponent) for degree in by_item])
        return cls(scale, np.array([user_exponent], np.float32), np.empty((0, dim), np.float32))

    @property
    def n_edges(self) -> int:
        """Number of matrices of edges that the map takes."""
        return self.item_scale.shape[0]

    def vectors(self, edges: Sequence[sp.csr_array], items: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (n, d) of the rows of `edges`, each (n, n_items), with the item vectors (n_items, d)."""
        return self._inputs(self._sums(edges, items)) @ self.matrix

    def _sums(self, edges: Sequence[sp.csr_array], items: NDArray[np.float32]) -> tuple[_Sums, ...]:
        """Sums over the rows of each matrix of edges, before they are divided by their degrees."""
        n = edges[0].indptr.size - 1
        found: list[_Sums] = []
        for matrix, scale in zip(edges, self.item_scale, strict=True):
            # only the rows of the items that occur are scaled, so that one customer does not cost a catalogue
            weight = np.asarray(matrix.data, np.float32)
            scaled = weight * scale[matrix.indices]
            if n == 1:  # one customer, whose few vectors NumPy adds up sooner than SciPy is asked to
                owner = np.zeros(weight.size, np.intp)
                summed = (scaled @ items[matrix.indices])[None, :]
            else:
                owner = np.repeat(np.arange(n), np.diff(matrix.indptr))
                scaled = sp.csr_array((scaled, matrix.indices, matrix.indptr), matrix.shape)
                summed = np.asarray(scaled @ items, np.float32)
            found.append(_Sums(summed, np.bincount(owner, weight, n).astype(np.float64, copy=False)))
        return tuple(found)

    def _inputs(self, sums: Sequence[_Sums]) -> NDArray[np.float32]:
        n, dim = sums[0].vectors.shape
        found = np.ones((n, self.n_edges * dim + 1), np.float32)
        for number, (vectors, degree) in enumerate(sums):
            part = found[:, number * dim : (number + 1) * dim]
            np.multiply(vectors, inverse_power(degree, float(self.user_exponent[0]))[:, None], out=part)
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays for a model file."""
        return {f"fold.{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], n_items: int, dim: int) -> FoldMap | None:
        """The map from the arrays of `state`; None if there are none, as in files from before maps were stored.

        Raises:
            ValueError: the arrays do not fit the numbers of items and dimensions.
        """
        found = {name: state[f"fold.{name}"] for name in cls._fields if f"fold.{name}" in state}
        if not found:
            return None
        read = cls(**found)
        must_be(read.item_scale, "fold.item_scale", shape=(None, n_items), kind="f")
        must_be(read.user_exponent, "fold.user_exponent", shape=(1,), kind="f")
        must_be(read.matrix, "fold.matrix", shape=(read.n_edges * dim + 1, dim), kind="f")
        return read


def _least_squares(inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The matrix M of the least ‖inputs M - outputs‖², with a slight penalty on inputs of one length."""
    length = np.sqrt(np.einsum("nf,nf->f", inputs, inputs, dtype=np.float64))
    unit = inputs / np.maximum(length, 1e-12).astype(np.float32)
    gram = (unit.T @ unit).astype(np.float64)
    gram[np.diag_indices_from(gram)] += RIDGE
    solved = np.linalg.solve(gram, (unit.T @ outputs).astype(np.float64))
    return (solved / np.maximum(length, 1e-12)[:, None]).astype(np.float32)
