"""The encoder of histories as a PyTorch module, and the states that it reads out of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import embedding

from recsys_models.sequence.histories import Histories, HistoryBlock
from recsys_models.training.own_draws import OwnDraws

if TYPE_CHECKING:
    from recsys_models.sequence.sequence import SequenceEncoder

EXPONENT = 0.3
"""Power of the sum of its weights that a state is divided by, as users' degrees are in the spectral start."""
STATE_BLOCK = 256
"""Number of users whose states are computed at once."""


def network(settings: SequenceEncoder) -> torch.nn.ModuleDict:
    """The encoder's modules, without the item vectors. The last layer starts at zero."""
    dim, dropout = settings.dim, settings.dropout
    out = nn.Linear(dim, dim)
    nn.init.zeros_(out.weight)
    nn.init.zeros_(out.bias)
    parts: dict[str, nn.Module] = {"norm": nn.LayerNorm(dim), "drop": nn.Dropout(dropout), "out": out}
    if settings.encoder == "gru":
        parts["encoder"] = nn.GRU(dim, dim, settings.layers, batch_first=True)
    else:
        parts["places"] = nn.Embedding(settings.length, dim)
        nn.init.normal_(parts["places"].get_parameter("weight"), std=0.1)
        heads = 2 if dim % 2 == 0 else 1
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout, batch_first=True, norm_first=True)
        parts["encoder"] = nn.TransformerEncoder(
            layer, settings.layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False
        )
    return nn.ModuleDict(parts)


def _attention_that_draws_apart(device: str) -> AbstractContextManager[object]:
    """On CUDA, attention whose dropout is an operation of its own, as it is on the CPU: the fused ones draw from
    PyTorch's generator."""
    return nullcontext() if device == "cpu" else sdpa_kernel(SDPBackend.MATH)


def restored(settings: SequenceEncoder, learned: Mapping[str, NDArray[Any]]) -> nn.ModuleDict:
    """The encoder with learned arrays, the items' input vectors among them, ready to read on the CPU."""
    with OwnDraws(0):
        module = network(settings)
    taken = torch.from_numpy(np.array(learned["taken.weight"]))
    own = {name: torch.from_numpy(np.array(learned[name])) for name in module.state_dict()}
    module.load_state_dict(own)
    module["taken"] = nn.Embedding.from_pretrained(taken)
    return module.eval()


def encoded(settings: SequenceEncoder, module: nn.Module, block: HistoryBlock, device: str) -> torch.Tensor:
    """The state after each entry of each history, shape (users, longest, d)."""
    item, day = torch.from_numpy(block.item).to(device), torch.from_numpy(block.day)
    vectors = embedding(item, module.get_parameter("taken.weight"))
    longest = item.shape[1]
    later = torch.ones(longest, longest, dtype=torch.bool).triu(1)
    weight = worth(day[:, None, :] - day[:, :, None], settings.half_life_days).masked_fill(later, 0.0)
    weight = (weight / weight.sum(2, keepdim=True) ** EXPONENT).to(device)
    read = module.get_submodule("drop")(module.get_submodule("norm")(vectors))
    encoder = module.get_submodule("encoder")
    if settings.encoder == "gru":
        read, _ = encoder(read)
    else:
        read = read + module.get_parameter("places.weight")[:longest]
        with _attention_that_draws_apart(device):
            read = encoder(read, mask=later.to(device), is_causal=True)
    return weight @ vectors + module.get_submodule("out")(read)


@torch.inference_mode()
def last_states(
    settings: SequenceEncoder, module: nn.Module, histories: Histories, device: str
) -> NDArray[np.float32]:
    """The state after the last entry of each history, shape (n_users, d), zeros for users without one."""
    count = histories.count
    user = np.zeros((count.size, settings.dim), np.float32)
    known = np.flatnonzero(count)
    known = known[np.argsort(count[known], kind="stable")]
    for begin in range(0, known.size, STATE_BLOCK):
        rows = known[begin : begin + STATE_BLOCK]
        states = encoded(settings, module, histories.block(rows), device).cpu().numpy()
        user[rows] = states[np.arange(rows.size), count[rows] - 1]
    return user


def worth(day: torch.Tensor, half_life_days: float | None) -> torch.Tensor:
    """Weight 2^(day / half-life), 1 without half-life. Later days, which are masked, do not overflow."""
    if half_life_days is None:
        return torch.ones_like(day)
    return torch.exp2(day.clamp_max(0) / half_life_days)
