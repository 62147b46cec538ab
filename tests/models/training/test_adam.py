"""Adam, held against PyTorch's own to the last bit."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_models.training.adam import Adam

Optimiser = Adam | torch.optim.Adam


def tensors(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 5), (4,), (2, 2, 33))
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def followed(optimiser: Optimiser, parameters: list[torch.Tensor], seeds: range, silent: int) -> None:
    """A step for each seed, without a gradient of the parameter `silent` in every second one."""
    for seed in seeds:
        optimiser.zero_grad()
        for number, (parameter, gradient) in enumerate(zip(parameters, tensors(seed), strict=True)):
            if number != silent or seed % 2:
                parameter.grad = gradient.detach().clone()
        optimiser.step()


def both(rate: float) -> tuple[list[torch.Tensor], Adam, list[torch.Tensor], torch.optim.Adam]:
    own, theirs = tensors(0), tensors(0)
    return own, Adam(own, lr=rate), theirs, torch.optim.Adam(theirs, lr=rate, fused=True)


def assert_same_bits(own: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    for one, other in zip(own, theirs, strict=True):
        assert torch.equal(one, other)


@settings(max_examples=25)
@given(rate=st.floats(1e-5, 1.0), steps=st.integers(1, 6), silent=st.integers(0, 3))
def test_parameters_have_the_bits_of_pytorch(rate: float, steps: int, silent: int) -> None:
    own, adam, theirs, reference = both(rate)
    followed(adam, own, range(steps), silent)
    followed(reference, theirs, range(steps), silent)
    assert_same_bits(own, theirs)


@pytest.mark.parametrize("direction", ["from PyTorch", "to PyTorch"])
def test_each_goes_on_from_the_others_state(direction: str) -> None:
    own, adam, theirs, reference = both(0.01)
    followed(adam, own, range(3), silent=1)
    followed(reference, theirs, range(3), silent=1)
    if direction == "from PyTorch":
        adam.load_state_dict(reference.state_dict())
    else:
        groups = reference.state_dict()["param_groups"]
        reference.load_state_dict(
            {"state": copy.deepcopy(adam.state_dict()["state"]), "param_groups": groups}
        )
    followed(adam, own, range(3, 6), silent=1)
    followed(reference, theirs, range(3, 6), silent=1)
    assert_same_bits(own, theirs)


def test_a_loaded_state_is_a_copy() -> None:
    own, adam, _, _ = both(0.01)
    followed(adam, own, range(2), silent=3)
    other, values = Adam(tensors(0), lr=0.01), adam.state_dict()
    other.load_state_dict(values)
    before = values["state"][0]["exp_avg"].clone()
    followed(other, tensors(1), range(2), silent=3)
    other.step()
    assert torch.equal(values["state"][0]["exp_avg"], before)


def test_a_fit_of_lightgcn_does_not_load_the_compiler() -> None:
    code = (
        "import sys, numpy as np\n"
        "from recsys_models import Interactions, LightGCN\n"
        "pairs = Interactions.from_arrays(np.arange(40) % 8, np.arange(40) % 5)\n"
        "LightGCN(dim=4).fit(pairs)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
