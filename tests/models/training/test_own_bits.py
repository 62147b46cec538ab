"""A fit's bits are its own: of its seed and threads, whatever else the process draws and computes meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from recsys_models import Recommender, families, load_model
from recsys_models.training.own_draws import OwnDraws, _takes_generator
from recsys_models.training.threads import blas, computing
from tests.models.test_traits import TINY, WHERE_IT_COUNTS, crowd

DROPPED = {**TINY, "dropout": 0.5}
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: WHERE_IT_COUNTS.get(name, [{}])[0] for name in families},
    "gcn": DROPPED,
    "gat": DROPPED,
    "sequence": DROPPED,
    "sequence with attention": {**DROPPED, "encoder": "attention"},
    "ranker": {"trees": 3, "candidates": 10, "network_epochs": 2},
}


def fit(name: str, **run: Any) -> Recommender:
    return families[name.split()[0]](**VARIANTS[name]).fit(crowd(), device="cpu", **run)


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", VARIANTS)
def test_equal_fits_in_two_threads_give_the_bits_of_one_alone(name: str) -> None:
    expected = fit(name, seed=1).to_files()
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), (torch.get_num_threads(), blas_threads())
    stop = threading.Event()

    def draw() -> None:
        while not stop.wait(0.001):
            torch.rand(1)
            np.random.rand(1)

    with ThreadPoolExecutor(3) as pool:
        noise = pool.submit(draw)
        found = list(pool.map(lambda _: fit(name, seed=1).to_files(), range(2)))
        stop.set()
        noise.result()
    assert found == [expected, expected]
    assert (torch.get_num_threads(), blas_threads()) == threads
    torch.set_rng_state(state)
    assert fit(name, seed=1).to_files() == expected
    assert torch.equal(torch.get_rng_state(), state), "PyTorch's own generator stays as it was"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_number_of_threads_is_honoured_and_remembered_where_bits_depend_on_it(name: str) -> None:
    before = torch.get_num_threads()
    first = fit(name, threads=2)
    with computing(1, gradients=True):
        again = fit(name, threads=2)
    assert torch.get_num_threads() == before
    assert first.to_files() == again.to_files()
    family = type(first)
    said = {"blas": 2, **({"torch": 2} if family.learns_by_gradient else {})}
    assert (
        first.threads == load_model(first.to_files()).threads == (said if family.depends_on_threads else {})
    )
    if not family.depends_on_threads:
        assert fit(name, threads=1).to_files() == first.to_files()


@pytest.mark.parametrize("left_first", [0, 1])
def test_blas_gets_its_threads_back_whoever_leaves_first(left_first: int) -> None:
    before = blas_threads()
    held = [blas(1), blas(1)]
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:  # both threads live to the end
        threads = (one, other)
        for thread, each in zip(threads, held, strict=True):
            thread.submit(each.__enter__).result()
        assert set(blas_threads()) == {1}
        for place in (left_first, 1 - left_first):
            threads[place].submit(held[place].__exit__, None, None, None).result()
        assert blas_threads() == before


def test_who_wants_other_threads_of_blas_waits() -> None:
    entered = threading.Event()

    def other() -> None:
        with blas(2):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with blas(1):
            assert set(blas_threads()) == {1}
            run = pool.submit(other)
            assert not entered.wait(0.05)
        run.result()
    assert entered.is_set()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.nn.Linear(3, 4).weight,
        lambda: torch.nn.GRU(3, 4).weight_ih_l0,
        lambda: torch.randn(5),
        lambda: torch.rand(5),
        lambda: torch.nn.functional.dropout(torch.ones(50), 0.3, True),
        lambda: torch.nn.init.normal_(torch.empty(4, 4)),
    ],
)
def test_own_draws_are_those_of_the_seed(draw: Callable[[], torch.Tensor]) -> None:
    torch.manual_seed(11)
    expected = draw()
    torch.manual_seed(4)
    state = torch.get_rng_state()
    with OwnDraws(11):
        found = draw()
    assert torch.equal(found, expected) and torch.equal(torch.get_rng_state(), state)


def operations_that_drop_out() -> list[Any]:
    """PyTorch's operations that draw, if at all, which share of their values to set to 0."""
    found = set()
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        if space == "aten" and any(each.name in ("dropout", "dropout_p") for each in schema.arguments):
            operation = getattr(getattr(torch.ops.aten, name), schema.overload_name or "default")
            if torch.Tag.nondeterministic_seeded in operation.tags and not _takes_generator(operation):
                found.add(operation)
    return sorted(found, key=str)


@pytest.mark.parametrize("operation", operations_that_drop_out(), ids=str)
def test_a_draw_that_takes_no_generator_is_refused_unless_it_drops_nothing_out(operation: Any) -> None:
    called: list[Any] = []

    class Spy:
        """The operation, noting that it was called."""

        tags, _schema, overloadpacket = operation.tags, operation._schema, None

        def __call__(self, *args: Any, **given: Any) -> None:
            called.append((args, given))

    names = [argument.name for argument in operation._schema.arguments]
    place = next(names.index(name) for name in ("dropout", "dropout_p") if name in names)
    with pytest.raises(RuntimeError, match="takes a generator"):
        OwnDraws(0).__torch_dispatch__(Spy(), (), (torch.ones(1),) * place + (0.5,))
    assert not called
    for args, given in (
        ((torch.ones(1),) * place + (0.0,), {}),
        ((torch.ones(1),) * place, {names[place]: 0.0}),
    ):
        OwnDraws(0).__torch_dispatch__(Spy(), (), args, given)
        assert called.pop() == (args, given)


def test_attention_without_dropout_draws_nothing() -> None:
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    values = torch.ones(2, 3, 8)
    with OwnDraws(1):
        assert layer(values, values, values, need_weights=False)[0].shape == values.shape
