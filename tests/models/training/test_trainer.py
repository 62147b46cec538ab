"""The training loop: an interrupted fit goes on with the same bits, and what goes wrong is told and survived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recsys_models import (
    GAT,
    GCN,
    GNNR,
    Interactions,
    LightGCN,
    MatrixFactorization,
    MultiBehaviour,
    Recommender,
    SequenceEncoder,
)
from recsys_models.networks.graph_network_fit import GraphNetworkFit
from recsys_models.training import trainer
from tests.models.checkerboard import SIZE, checkerboard

MODELS: list[Callable[[], Recommender]] = [
    lambda: LightGCN(epochs=4, patience=9, learning_rate=0.01),
    lambda: MatrixFactorization(epochs=4, patience=9),
    lambda: SequenceEncoder(epochs=4, patience=9, dim=8, learning_rate=0.01, encoder_rate=0.01),
    lambda: SequenceEncoder(epochs=4, patience=9, dim=8, encoder="attention", encoder_rate=0.01),
    lambda: MultiBehaviour(epochs=4, patience=9, learning_rate=0.01),
    lambda: GNNR(epochs=4, patience=9, dim=8),
    lambda: GCN(epochs=4, patience=9),
    lambda: GAT(epochs=4, patience=9),
]


class Interrupted(Exception):
    pass


def held(board: Interactions) -> Interactions:
    return Interactions.from_arrays(board.user_ids, np.arange(1000, 1000 + SIZE), like=board)


def stop_after(epoch: int) -> Callable[[int, dict[str, float]], None]:
    def on_epoch(number: int, metrics: dict[str, float]) -> None:
        if number == epoch:
            raise Interrupted

    return on_epoch


@pytest.mark.sampled(3)
@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("validated", [True, False])
def test_a_resumed_fit_ends_with_the_same_bits(
    make: Callable[[], Recommender], validated: bool, tmp_path: Path
) -> None:
    board = checkerboard()
    validation = held(board) if validated else None
    undisturbed = make().fit(board, validation=validation).to_files()
    for stop in (3, 4):
        with pytest.raises(Interrupted):
            make().fit(board, validation=validation, checkpoint=tmp_path, on_epoch=stop_after(stop))
    told: list[int] = []
    model = make().fit(
        board, validation=validation, checkpoint=tmp_path, on_epoch=lambda epoch, _: told.append(epoch)
    )
    assert model.to_files() == undisturbed
    assert told == [1, 2, 3, 4]
    assert not list(tmp_path.iterdir())


def test_a_resumed_fit_does_not_repeat_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = checkerboard()
    with pytest.raises(Interrupted):
        MODELS[1]().fit(board, checkpoint=tmp_path, on_epoch=stop_after(4))
    trained: list[int] = []
    real = trainer._one_epoch

    def counted(fit: Any, batch: int, seed: int, epoch: int) -> float:
        trained.append(epoch)
        return real(fit, batch, seed, epoch)

    monkeypatch.setattr(trainer, "_one_epoch", counted)
    MODELS[1]().fit(board, checkpoint=tmp_path)
    assert trained == [4]


def test_a_checkpoint_of_another_fit_is_not_taken_up(tmp_path: Path) -> None:
    board = checkerboard()
    with pytest.raises(Interrupted):
        MODELS[1]().fit(board, checkpoint=tmp_path, on_epoch=stop_after(3), seed=1)
    left = sorted(tmp_path.rglob("*"))
    assert MODELS[1]().fit(board, checkpoint=tmp_path).to_files() == MODELS[1]().fit(board).to_files()
    assert sorted(tmp_path.rglob("*")) == left


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    board = checkerboard()
    with pytest.raises(Interrupted):
        MODELS[1]().fit(board, checkpoint=tmp_path, on_epoch=stop_after(3))
    for path in tmp_path.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-7])
    assert MODELS[1]().fit(board, checkpoint=tmp_path).to_files() == MODELS[1]().fit(board).to_files()


def _failing(when: Callable[[str, int], Exception | None]) -> Any:
    """A Fit of matrix factorization whose steps fail when told so, by device and batch."""
    from recsys_models.networks.factorization_fit import FactorizationFit as real

    class Failing(real):
        def __init__(self, settings: Any, start: Any, device: str) -> None:
            self.asked = device
            super().__init__(settings, start, "cpu")

        def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
            for number, loss in enumerate(super().losses(batch, generator)):
                error = when(self.asked, batch)
                if number and error is not None:
                    raise error
                yield loss

    return Failing


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError()],
    ids=["cuda", "python"],
)
def test_a_batch_that_does_not_fit_is_halved_and_recorded(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing = _failing(lambda _, batch: error if batch > 32 else None)
    monkeypatch.setattr("recsys_models.networks.factorization_fit.FactorizationFit", failing)
    board = checkerboard()
    model = MatrixFactorization(epochs=2, batch=64).fit(board, validation=held(board), device="cpu")
    assert model.incidents == ["epoch 1: out of memory with a batch of 64; repeated with 32"]
    assert model.chosen["batch"] == 32
    monkeypatch.undo()
    small = MatrixFactorization(epochs=2, batch=32).fit(board, validation=held(board), device="cpu")
    np.testing.assert_array_equal(model.embeddings().user, small.embeddings().user)  # type: ignore[union-attr]
    loaded = MatrixFactorization.from_files(model.to_files())
    assert loaded.incidents == model.incidents


def test_memory_that_never_suffices_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "recsys_models.networks.factorization_fit.FactorizationFit",
        _failing(lambda *_: MemoryError("no more")),
    )
    with pytest.raises(MemoryError, match="no more"):
        MatrixFactorization(epochs=1, batch=64).fit(checkerboard())


def test_a_lost_cuda_device_is_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(device: str, batch: int) -> Exception | None:
        return RuntimeError("CUDA error: unspecified launch failure\nmore") if device == "cuda" else None

    monkeypatch.setattr("recsys_models.networks.factorization_fit.FactorizationFit", _failing(lost))
    monkeypatch.setattr(trainer, "resolve_device", lambda device: device)
    board = checkerboard()
    model = MatrixFactorization(epochs=3, batch=64).fit(board, device="cuda")
    assert model.incidents == [
        "epoch 1: cuda was lost (CUDA error: unspecified launch failure); repeated on the CPU"
    ]
    monkeypatch.undo()
    plain = MatrixFactorization(epochs=3, batch=64).fit(board, device="cpu")
    np.testing.assert_array_equal(model.embeddings().item, plain.embeddings().item)  # type: ignore[union-attr]


def test_another_error_ends_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "recsys_models.networks.factorization_fit.FactorizationFit",
        _failing(lambda *_: RuntimeError("shape")),
    )
    with pytest.raises(RuntimeError, match="shape"):
        MatrixFactorization(epochs=1, batch=64).fit(checkerboard())


def test_a_loss_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="smaller learning_rate"):
        MatrixFactorization(epochs=3, learning_rate=1e30).fit(checkerboard())


def test_an_epoch_of_lightgcn_has_a_bounded_number_of_steps() -> None:
    model = LightGCN(batch=100, largest_steps=10)
    assert model.training(500).batch == 100
    assert model.training(1000).batch == 100
    assert model.training(5001).batch == 501
    assert LightGCN.paper().training(10**8).batch == 2048


def test_an_epoch_of_gcn_has_a_bounded_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    whole = GraphNetworkFit.losses

    def counted(fit: GraphNetworkFit, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        for number, loss in enumerate(whole(fit, batch, generator), 1):
            steps.append(number)
            yield loss

    monkeypatch.setattr(GraphNetworkFit, "losses", counted)
    board = checkerboard()
    GCN(dim=4, epochs=1, batch=1, largest_steps=5, least_steps=1).fit(board, device="cpu")
    assert 1 < max(steps) <= 5
    steps.clear()
    GCN(dim=4, epochs=1, batch=10**6, least_steps=7).fit(board, device="cpu")
    assert max(steps) == 7, "a large batch does not leave a small shop a single step"
    steps.clear()
    GCN(dim=4, epochs=1, batch=1, largest_steps=None).fit(board, device="cpu")
    assert max(steps) > 5
