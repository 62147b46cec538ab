"""On a CUDA device every family that PyTorch trains learns what it learns on the CPU; skipped where there is none.

The contract of each family runs there too: `auto` takes the device.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recsys_models import Interactions, MatrixFactorization, Recommender, load_model
from tests.models.contract import RecommenderContract

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
SUITES = Path(__file__).resolve().parent.parent
GIGABYTE = 2**30


def contracts() -> dict[str, type[RecommenderContract]]:
    """The contract of each family that PyTorch trains, wherever its tests stand."""
    for path in sorted(SUITES.rglob("test_*.py")):
        if path != Path(__file__) and "RecommenderContract" in path.read_text():
            importlib.import_module(
                ".".join(("tests.models", *path.relative_to(SUITES).with_suffix("").parts))
            )
    found = {each.__name__: each for each in RecommenderContract.__subclasses__()}
    return {name: each for name, each in found.items() if each().make().learns_by_gradient}


CONTRACTS = contracts()


@pytest.fixture(params=CONTRACTS)
def contract(request: pytest.FixtureRequest) -> RecommenderContract:
    return CONTRACTS[request.param]()


@pytest.fixture
def gigabyte() -> Iterator[None]:
    """Within, the device has a gigabyte for this process."""
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(GIGABYTE / whole)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def on(device: str, model: Recommender, data: Interactions, **more: Any) -> Recommender:
    """The model fitted there, and nowhere else."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    fitted = model.fit(data, seed=1, device=device, **more)
    assert not fitted.incidents
    if device == "cpu":
        assert torch.cuda.max_memory_allocated() == before
    return fitted


def scores(model: Recommender) -> np.ndarray[Any, Any]:
    return model.scores(np.arange(model.user_ids.size))


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Whether two models score alike, whatever the last bits, and whatever dropout drew: devices draw differently."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > 0.95


def test_there_is_a_contract_of_each_kind_of_network() -> None:
    assert len(CONTRACTS) >= 8


def test_the_device_and_the_cpu_learn_the_same(contract: RecommenderContract) -> None:
    data = contract.data()
    there, here = on("cuda", contract.make(), data), on("cpu", contract.make(), data)
    assert alike(scores(there), scores(here))


def test_the_device_gives_the_same_bits_twice(contract: RecommenderContract) -> None:
    data = contract.data()
    once, again = on("cuda", contract.make(), data), on("cuda", contract.make(), data)
    assert np.array_equal(scores(once), scores(again))


def test_what_the_device_learned_is_served_and_refitted_by_the_cpu(contract: RecommenderContract) -> None:
    data = contract.data()
    there = on("cuda", contract.make(), data)
    loaded = load_model(there.to_files())
    assert np.array_equal(scores(loaded), scores(there))
    for device in ("cpu", "cuda"):
        assert np.isfinite(scores(loaded.refit(data, seed=1, device=device))).all()


def test_an_interrupted_fit_goes_on_on_the_device(tmp_path: Path) -> None:
    data = CONTRACTS["TestMatrixFactorization"]().data()

    class Stopped(Exception):
        """The test's own."""

    def stop(epoch: int, _: Any) -> None:
        if epoch == 3:
            raise Stopped

    settings = {"dim": 8, "epochs": 6, "batch": 32, "learning_rate": 0.05}
    with pytest.raises(Stopped):
        on("cuda", MatrixFactorization(**settings), data, on_epoch=stop, checkpoint=tmp_path)
    epochs: list[int] = []
    resumed = on(
        "cuda",
        MatrixFactorization(**settings),
        data,
        on_epoch=lambda epoch, _: epochs.append(epoch),
        checkpoint=tmp_path,
    )
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert alike(scores(resumed), scores(on("cuda", MatrixFactorization(**settings), data)))


@pytest.mark.usefixtures("gigabyte")
def test_where_a_batch_does_not_fit_the_device_it_is_halved_until_it_does() -> None:
    generator = np.random.default_rng(0)
    data = Interactions.from_arrays(
        generator.integers(0, 2000, 500_000), generator.integers(0, 3000, 500_000)
    )
    model = MatrixFactorization(dim=256, epochs=1, batch=2**19).fit(data, seed=1, device="cuda")
    assert model.incidents and "out of memory with a batch" in model.incidents[0]
    assert model.chosen["batch"] < 2**19
    assert np.isfinite(model.scores(np.arange(10))).all()
