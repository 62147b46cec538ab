"""Data whose one right answer is known, and what is compared of answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys_models import History, Interactions
from recsys_models.kernels.top_items import top_k

SIZE = 16


def checkerboard(size: int = SIZE) -> Interactions:
    """User i has every item of i's colour but item i: the one right recommendation is item i."""
    pairs = [(u, i) for u in range(size) for i in range(size) if u % 2 == i % 2 and u != i]
    users, items = np.array(pairs).T
    return Interactions.from_arrays(users + 100, items + 1000)


def histories(interactions: Interactions) -> list[History]:
    """What each user did, in the order of the interactions."""
    found: list[History] = []
    for user in range(interactions.n_users):
        own = interactions.subset(interactions.user == user)
        names = np.array(interactions.behaviour_names, np.str_)
        told = None if own.behaviour is None else names[own.behaviour].tolist()
        found.append(History(own.item, told, own.timestamp, own.weight))
    return found


def overlap(one: NDArray[np.float32], other: NDArray[np.float32], k: int) -> float:
    """Mean share of the k best items that two tables of scores have in common, row by row."""
    lists = (top_k(one, k)[0], top_k(other, k)[0])
    return float(np.mean([np.intersect1d(a, b).size / k for a, b in zip(*lists, strict=True)]))
