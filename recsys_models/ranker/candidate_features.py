"""Features of a user's candidates, the inputs of the ranker."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.kernels.sparse import shape_of
from recsys_models.kernels.spectral_filter import spectral_filter

if TYPE_CHECKING:
    from recsys_models.ranker.candidate_generator import CandidateGenerator, Customers

RIDGE = 4.0
"""Ridge of the spectral filter."""
AFFINITIES = (
    "affinity",
    "affinity_even",
    "affinity_rare",
    "affinity_power_1.5",
    "affinity_square",
    "affinity_items",
    "affinity_1",
    "affinity_2",
    "affinity_3",
)
NEIGHBOURS = (
    "neighbours_power_1",
    "neighbours_power_1.5",
    "neighbours",
    "neighbours_cube",
    "neighbours_count",
    "neighbours_1",
    "neighbours_2",
    "neighbours_3",
)
LIKENESS = ("likeness_1", "likeness_2", "likeness_3", "likeness_square", "agreement", "agreement_1")
LIKENESS_RANKS = (128, 600)
AGREEING = 20
"""Number of a user's first candidates that the others are compared with."""
GROUP, PADDED = 32, 4096
"""Largest number of users, and of their items after padding, whose vectors are compared with candidates' at once."""
PLACES = ("affinity_rare", "affinity_power_1.5", "neighbours_power_1")
"""Features whose rank among the user's candidates is a feature as well."""


def spectral_ranks(generator: CandidateGenerator) -> list[int]:
    """Numbers of singular directions after which a spectral score is taken."""
    r = generator.values.size
    return sorted({min(rank, r) for rank in (32, 128, 400, generator.scoring_rank, r)})


def feature_names(generator: CandidateGenerator) -> tuple[str, ...]:
    """Names of the features that `describe` gives.

    `spectral_<kind>_<rank>` is U f(S) Vᵀ with f = 1, the root of the filter, or the filter; `_gain` multiplies it by
    (users of the item)^0.2. `affinity…` are sums over the user's items, `neighbours…` over the nearest users who have
    the item. `likeness…_<rank>` are cosines of the singular vectors, each times the root of the filter, with those of
    the user's items, and `agreement…` with those of the user's first candidates. `_relative` is divided by the mean
    over the user's candidates, which makes users and candidate generators of different size comparable; `_place` is the
    rank among the candidates.
    """
    compared = _compared_names(generator)
    places = [*(f"{name}_place" for name in PLACES), "spectral_place", "combined_place"]
    alone = ("item_leverage", "user_leverage", "user_degree", "user_item_degree", "degree_difference")
    relative = (f"{name}_relative" for name in compared)
    likeness = (f"{name}_{rank}" for rank, _ in generator.likeness for name in LIKENESS)
    return (*compared, *relative, *likeness, *places, *alone, *generator.fact_names)


def _compared_names(generator: CandidateGenerator) -> list[str]:
    spectral = [
        f"spectral_{kind}_{rank}"
        for rank in spectral_ranks(generator)
        for kind in ("flat", "root", "filtered", "root_gain", "filtered_gain")
    ]
    return [*spectral, "combined", *AFFINITIES, *NEIGHBOURS]


def describe(
    generator: CandidateGenerator,
    customers: Customers,
    items: NDArray[np.int64],
    combined: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Features (b, c, f) of the candidates `items` (b, c) of b customers, named by `feature_names`.

    Args:
        combined: the candidate generator's scores of the candidates, (b, c).
    """
    spectral, likeness = _latent(generator, customers, items)
    affinity = _affinities(generator, customers, items)
    neighbours = _neighbours(generator, customers, items)
    compared = np.concatenate(
        [spectral, combined[:, :, None], affinity, neighbours], axis=2, dtype=np.float32
    )
    mean = compared.mean(1, keepdims=True)
    relative = compared / np.where(np.abs(mean) > 1e-12, mean, 1)
    places = [
        *(affinity[:, :, AFFINITIES.index(name)] for name in PLACES if name in AFFINITIES),
        *(neighbours[:, :, NEIGHBOURS.index(name)] for name in PLACES if name in NEIGHBOURS),
        spectral[:, :, -1],
        combined,
    ]
    facts = generator.item_facts[items]
    owned = customers.seen
    count = np.diff(owned.indptr)
    summed = np.asarray(owned @ generator.item_facts[:, 0], np.float32)
    mean_degree = (summed / np.maximum(count, 1))[:, None]
    alone = (
        generator.item_leverage[items],
        np.broadcast_to((customers.left**2).sum(1)[:, None], items.shape),
        np.broadcast_to(np.log1p(count)[:, None], items.shape),
        np.broadcast_to(mean_degree, items.shape),
        facts[:, :, 0] - mean_degree,
    )
    single = np.stack([*(_place(score) for score in places), *alone], 2)
    return np.concatenate([compared, relative, likeness, single, facts], axis=2, dtype=np.float32)


def _place(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rank of each score in its row, 0 for the largest."""
    place = np.empty(scores.shape, np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")
    np.put_along_axis(place, order, np.arange(scores.shape[1], dtype=np.float32)[None, :], 1)
    return place


def likeness_lengths(
    right: NDArray[np.float32], values: NDArray[np.float32]
) -> list[tuple[int, NDArray[np.float32]]]:
    """Lengths (n_items,) of the items' first r singular vectors, each times the root of the filter, for each rank r."""
    filtered = spectral_filter(values, RIDGE)
    ranks = sorted({min(rank, values.size) for rank in LIKENESS_RANKS})
    return [(r, np.maximum(np.sqrt(right[:, :r] ** 2 @ filtered[:r]), 1e-12)) for r in ranks]


def _latent(
    generator: CandidateGenerator, customers: Customers, items: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Spectral scores, shape (b, c, 5 · ranks), and for each rank the features `LIKENESS`, (b, c, 6 · ranks)."""
    right = torch.from_numpy(generator.right)
    filtered = spectral_filter(generator.values, RIDGE)
    spectral = np.empty((*items.shape, 5 * len(spectral_ranks(generator))), np.float32)
    likeness = np.empty((*items.shape, len(LIKENESS) * len(generator.likeness)), np.float32)
    counts = np.diff(customers.seen.indptr)
    # users of about as many items side by side: those of a group are padded to the longest
    order = np.argsort(counts, kind="stable")
    for start, stop in pairwise(_bounds(counts[order])):
        group = order[start:stop]
        vectors = torch.nn.functional.embedding(torch.from_numpy(items[group]), right)
        of_group = customers.take(group)
        spectral[group] = _spectral(generator, of_group, items[group], vectors, filtered)
        likeness[group] = _likeness(generator, of_group, items[group], vectors, filtered)
    return spectral, likeness


def _bounds(counts: NDArray[np.integer]) -> list[int]:
    """Bounds of groups of users with ascending counts: at most `GROUP` users, and `PADDED` items after padding."""
    bounds = [0]
    for at, count in enumerate(counts.tolist()):
        size = at + 1 - bounds[-1]
        if size > 1 and (size > GROUP or size * count > PADDED):
            bounds.append(at)
    return [*bounds, counts.size]


def _spectral(
    generator: CandidateGenerator,
    customers: Customers,
    items: NDArray[np.int64],
    vectors: torch.Tensor,
    filtered: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Spectral scores of the candidates, from their singular vectors (b, c, r)."""
    weights = np.column_stack([np.ones_like(filtered), np.sqrt(filtered), filtered])
    user = torch.from_numpy(customers.left[:, :, None] * weights[None])
    gain = generator.gain[items][:, :, None]
    sums = torch.zeros(*items.shape, weights.shape[1])
    parts: list[NDArray[np.float32]] = []
    start = 0
    for rank in spectral_ranks(generator):
        sums = sums + vectors[:, :, start:rank] @ user[:, start:rank]
        parts += [sums.numpy(), sums[:, :, 1:].numpy() * gain]
        start = rank
    return np.concatenate(parts, 2)


def _likeness(
    generator: CandidateGenerator,
    customers: Customers,
    items: NDArray[np.int64],
    vectors: torch.Tensor,
    filtered: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Features `LIKENESS` of the candidates, from their singular vectors (b, c, r): cosines with those of the users'
    items, and with those of the users' first candidates."""
    owned = customers.seen
    counts = np.diff(owned.indptr)
    most = max(1, int(counts.max()))
    real = np.arange(most) < counts[:, None]
    had = np.zeros((counts.size, most), np.int64)
    had[real] = owned.indices
    own = torch.nn.functional.embedding(torch.from_numpy(had), torch.from_numpy(generator.right))
    padding, weights = torch.from_numpy(~real)[:, None], torch.from_numpy(filtered)
    described = torch.zeros(*items.shape, len(generator.likeness), len(LIKENESS))
    first = min(AGREEING, items.shape[1])
    for number, (rank, lengths) in enumerate(generator.likeness):
        length = torch.from_numpy(lengths[items])[:, :, None]
        of_own = torch.from_numpy(lengths[had])[:, :, None]
        unit = torch.cat([own[:, :, :rank] / of_own, vectors[:, :first, :rank] / length[:, :first]], 1)
        cosines = (vectors[:, :, :rank] @ (unit * weights[:rank]).transpose(1, 2)).div_(length)
        alike, other = cosines[:, :, :most], cosines[:, :, most:]
        other.diagonal(dim1=1, dim2=2).zero_()
        described[:, :, number, 4], described[:, :, number, 5] = other.mean(2), other.amax(2)
        alike.masked_fill_(padding, -torch.inf)
        best = alike.topk(min(3, most), dim=2).values
        described[:, :, number, : best.shape[2]] = best.masked_fill_(best == -torch.inf, 0)
        described[:, :, number, 3] = alike.clamp_(min=0).square_().sum(2)
    return described.flatten(2).numpy()


def _affinities(
    generator: CandidateGenerator, customers: Customers, items: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Features `AFFINITIES`, shape (b, c, 9): sums and maxima of a candidate's affinities with the user's items."""
    owned = customers.seen
    cell, value, source = _meetings(generator.item_affinity, owned, items)
    degree = np.maximum(np.expm1(generator.item_facts[:, 0]), 1).astype(np.float32)
    at = owned.indices[source]
    rare, rarer, even = (
        (value * (degree**-power)[at]).astype(np.float32, copy=False) for power in (0.3, 0.4, 0.2)
    )
    cells = items.size
    own = (degree**-0.2)[items][:, :, None]
    sums = _sums(cell, cells, [value, even, rare, rarer * np.sqrt(rarer), rarer**2, np.ones_like(value)])
    largest = _largest(cell, even, cells)
    described = np.concatenate([sums, largest], 1).reshape(*items.shape, -1)
    for name in ("affinity_even", "affinity_1", "affinity_2", "affinity_3"):
        place = AFFINITIES.index(name)
        described[:, :, place : place + 1] *= own
    return described


def _neighbours(
    generator: CandidateGenerator, customers: Customers, items: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Features `NEIGHBOURS`, shape (b, c, 8): sums and maxima of the similarity of near users who have a candidate."""
    near = customers.similarity
    cell, _, source = _meetings(generator.seen, near, items)
    value = np.asarray(near.data, np.float32)[source]
    cells = items.size
    square = value**2
    sums = _sums(
        cell, cells, [value, value * np.sqrt(value), square, square * value, np.ones_like(value)]
    ).reshape(*items.shape, -1)
    for name in ("neighbours", "neighbours_power_1"):
        sums[:, :, NEIGHBOURS.index(name)] *= generator.damping[items]
    return np.concatenate([sums, _largest(cell, value, cells).reshape(*items.shape, 3)], 2)


def _meetings(
    table: sp.csr_array, own: sp.csr_array, items: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Entries of `table` that matter to a user: in the rows that the user's `own` names, in the candidates' columns.

    Returns:
        Of each entry: its cell, which is user · c + place of the candidate; its value; the entry of `own` it is for.
    """
    b, c = items.shape
    width = shape_of(table)[1]
    slot = np.full(b * width, -1, np.int16)
    slot[(np.arange(b)[:, None] * width + items).ravel()] = np.tile(np.arange(c, dtype=np.int16), b)
    near = table[own.indices]
    count = np.diff(near.indptr)
    owner = np.repeat(np.arange(b), np.diff(own.indptr))
    place = slot[np.repeat(owner * width, count) + near.indices]
    hit = np.flatnonzero(place >= 0)
    source = np.searchsorted(near.indptr, hit, side="right") - 1
    return owner[source] * c + place[hit], np.asarray(near.data, np.float32)[hit], source


def _sums(cell: NDArray[np.int64], cells: int, values: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.column_stack([np.bincount(cell, value, cells) for value in values]).astype(np.float32)


def _largest(cell: NDArray[np.int64], value: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
    """The three largest values of each cell, 0 where there are fewer; shape (cells, 3)."""
    # positive float32 sort as their bits do, so one integer holds cell and value, largest value first
    bits = np.ascontiguousarray(value, np.float32).view(np.int32).astype(np.int64)
    key = np.sort((cell << 32) | (np.iinfo(np.int32).max - bits))
    ordered = key >> 32
    rank = np.arange(key.size) - np.searchsorted(ordered, np.arange(cells))[ordered]
    chosen = np.flatnonzero(rank < 3)
    found = (np.iinfo(np.int32).max - (key[chosen] & 0xFFFFFFFF)).astype(np.int32).view(np.float32)
    largest = np.zeros((cells, 3), np.float32)
    largest[ordered[chosen], rank[chosen]] = found
    return largest
