"""Splits for comparing models: by time, by rolling time, and over users."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY


def time_split(
    interactions: Interactions, *, valid_days: float, test_days: float
) -> tuple[Interactions, Interactions, Interactions]:
    """Train, validation and test interactions by two global cut-offs: the last `test_days`, and `valid_days` before.

    All three stay on the same id maps.

    Raises:
        ValueError: there are no timestamps, or nothing is left to train on.
    """
    if interactions.timestamp is None or not len(interactions):
        raise ValueError(
            "expected interactions with timestamps, found none; pass timestamp= when building them"
        )
    end = int(interactions.timestamp.max()) + 1
    test_start = end - round(test_days * DAY)
    valid_start = test_start - round(valid_days * DAY)
    train = interactions.between(end=valid_start)
    if not len(train):
        raise ValueError(
            f"expected interactions older than the last {valid_days + test_days} days, found none; shorten the parts"
        )
    return train, interactions.between(valid_start, test_start), interactions.between(test_start)


def rolling_folds(
    interactions: Interactions, *, folds: int, test_days: float
) -> Iterator[tuple[Interactions, Interactions]]:
    """Pairs of train and test for `folds` consecutive windows of `test_days`, oldest first; train is all before them.

    Raises:
        ValueError: there is no fold, there are no timestamps, or nothing came before the oldest window.
    """
    if folds < 1 or test_days <= 0:
        raise ValueError(f"folds: expected at least 1 of more than 0 days, found {folds} of {test_days}")
    if interactions.timestamp is None or not len(interactions):
        raise ValueError(
            "expected interactions with timestamps, found none; pass timestamp= when building them"
        )
    end = int(interactions.timestamp.max()) + 1
    for back in range(folds, 0, -1):
        start = end - round(back * test_days * DAY)
        train = interactions.between(end=start)
        if not len(train):
            raise ValueError(
                f"folds: expected interactions older than {back * test_days} days, found none; use fewer folds"
            )
        yield train, interactions.between(start, start + round(test_days * DAY))


def user_folds(
    interactions: Interactions, *, folds: int, share: float = 0.2, seed: int = 0
) -> Iterator[tuple[Interactions, Interactions]]:
    """Pairs of train and test, where in turn a `folds`-th of the users has `share` of its rows held out.

    All rows of the other users are known, so each user is tested once, by a model that knows the rest of their rows.
    Rows are drawn one by one, so some rows of a pair that occurs several times may be known.

    Raises:
        ValueError: fewer than two folds, or `share` is not in (0, 1).
    """
    if folds < 2:
        raise ValueError(f"folds: expected at least 2, found {folds}")
    if not 0 < share < 1:
        raise ValueError(f"share: expected a share in (0, 1), found {share}")
    generator = np.random.default_rng(seed)
    group = generator.permutation(interactions.n_users) % folds
    held = generator.random(len(interactions)) < share
    for fold in range(folds):
        test = held & (group[interactions.user] == fold)
        yield interactions.subset(~test), interactions.subset(test)
