"""Splits keep time in order and lose no row."""

from itertools import pairwise

import numpy as np
import pytest

from recsys_models import Interactions, rolling_folds, time_split, user_folds
from recsys_models.data.recency import DAY
from recsys_models.training.holdout import hold_out


def timed(n: int = 200) -> Interactions:
    generator = np.random.default_rng(0)
    return Interactions.from_arrays(
        generator.integers(0, 20, n),
        generator.integers(0, 30, n),
        timestamp=np.sort(generator.integers(0, 100 * DAY, n)),
    )


def test_time_split_is_global_and_complete() -> None:
    data = timed()
    train, valid, test = time_split(data, valid_days=10, test_days=20)
    assert len(train) + len(valid) + len(test) == len(data)
    for before, after in ((train, valid), (valid, test)):
        assert before.timestamp is not None and after.timestamp is not None
        assert before.timestamp.max() < after.timestamp.min()
    with pytest.raises(ValueError, match="shorten"):
        time_split(data, valid_days=90, test_days=90)


def test_rolling_folds_train_on_all_that_came_before() -> None:
    data = timed()
    folds = list(rolling_folds(data, folds=3, test_days=10))
    assert [len(train) for train, _ in folds] == sorted(len(train) for train, _ in folds)
    for (train, test), (later, _) in pairwise(folds):
        assert len(later) == len(train) + len(test)


def test_user_folds_test_each_user_in_one_fold() -> None:
    data = timed()
    users: list[int] = []
    for train, test in user_folds(data, folds=4, share=0.5):
        assert len(train) + len(test) == len(data)
        users += np.unique(test.user).tolist()
    assert len(users) == len(set(users))


def test_holding_out_leaves_every_user_and_item_something() -> None:
    data = timed()
    plain = Interactions.from_arrays(data.user_ids[data.user], data.item_ids[data.item])
    known, held = hold_out(plain, share=0.3)
    assert len(known) + len(held) == len(plain) and len(held) > 0
    assert np.unique(known.user).size == np.unique(plain.user).size
    assert np.unique(known.item).size == np.unique(plain.item).size
    assert not known.user_items().multiply(held.user_items()).nnz
