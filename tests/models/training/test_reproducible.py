"""The same data and seed give the same weights, to the last bit, with as many threads as the machine has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from recsys_models import Interactions, LightGCN, MatrixFactorization, MultiBehaviour, SequenceEncoder


def crowd(size: int = 60_000) -> Interactions:
    """Enough interactions with few popular items that the gradients of one item come from many threads."""
    luck = np.random.default_rng(3)
    users = luck.integers(0, size // 20, size)
    items = (luck.power(0.3, size) * 900).astype(int)
    return Interactions.from_arrays(users.astype(str), items.astype(str))


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_lightgcn_fitted_twice_is_bit_identical(loss: Any) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        data = crowd()
        first, second = (
            LightGCN(dim=32, epochs=1, loss=loss, batch=16_384, l2=1e-4)
            .fit(data, seed=7, device="cpu")
            .embeddings()
            for _ in range(2)
        )
    finally:
        torch.set_num_threads(before)
    assert first is not None and second is not None
    assert np.array_equal(first.user, second.user)
    assert np.array_equal(first.item, second.item)


def test_matrix_factorization_fitted_twice_is_bit_identical() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        data = crowd()
        first, second = (
            MatrixFactorization(dim=32, epochs=1, batch=16_384).fit(data, seed=7, device="cpu").embeddings()
            for _ in range(2)
        )
    finally:
        torch.set_num_threads(before)
    assert first is not None and second is not None
    assert np.array_equal(first.user, second.user)
    assert np.array_equal(first.item, second.item)


@pytest.mark.parametrize("encoder", ["gru", "attention"])
def test_sequence_fitted_twice_is_bit_identical(encoder: Any) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        data = crowd(6_000)
        first, second = (
            SequenceEncoder(dim=32, epochs=1, batch=256, encoder=encoder)
            .fit(data, seed=7, device="cpu")
            .to_files()
            for _ in range(2)
        )
    finally:
        torch.set_num_threads(before)
    assert first == second


def test_multi_behaviour_fitted_twice_is_bit_identical() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        data = crowd()
        twice = Interactions.from_arrays(
            data.user_ids[data.user],
            data.item_ids[data.item],
            behaviour=np.where(np.arange(len(data)) % 3, "view", "purchase"),
        )
        first, second = (
            MultiBehaviour(dim=32, epochs=1).fit(twice, seed=7, device="cpu").to_files() for _ in range(2)
        )
    finally:
        torch.set_num_threads(before)
    assert first == second
