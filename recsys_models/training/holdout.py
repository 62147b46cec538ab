"""Hold-out: a part of the interactions kept back to learn from or to choose by."""

from __future__ import annotations

import numpy as np

from recsys_models.data.interactions import Interactions


def hold_out(interactions: Interactions, *, share: float, seed: int = 0) -> tuple[Interactions, Interactions]:
    """Known and held-out interactions, on the same id maps.

    Held out is the latest share by time, or without timestamps a random share of the distinct pairs, drawn so that
    every user and item keeps at least one interaction.

    Returns:
        (known, held). `held` may be empty.
    """
    if interactions.timestamp is not None and np.ptp(interactions.timestamp) > 0:
        cut = int(np.quantile(interactions.timestamp, 1 - share))
        return interactions.between(end=cut + 1), interactions.between(start=cut + 1)
    pair = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
    distinct, inverse = np.unique(pair, return_inverse=True)
    user, item = np.divmod(distinct, interactions.n_items)
    order = np.random.default_rng(seed).permutation(distinct.size)
    held = np.zeros(distinct.size, bool)
    # the first time that a user or an item turns up in the random order, the pair stays known
    needed = np.zeros(distinct.size, bool)
    for side in (user, item):
        needed[order[np.unique(side[order], return_index=True)[1]]] = True
    free = order[~needed[order]]
    held[free[: round(share * distinct.size)]] = True
    return interactions.subset(~held[inverse]), interactions.subset(held[inverse])
