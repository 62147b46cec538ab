"""Random draws of a fit: PyTorch takes them from the fit's own generator, not from the process's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class OwnDraws(TorchDispatchMode):
    """Within this context the thread's draws (initial weights, dropout) come from own generators, one for each device.

    The draws equal PyTorch's after `torch.manual_seed(seed)`, but fits in other threads neither see nor change them,
    and PyTorch's own generators stay as they are. A draw with a generator of the caller's keeps that.

    Raises:
        RuntimeError: an operation draws and takes no generator.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed, self._generators = seed, dict[torch.device, torch.Generator]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if not _draws(func, args, options) or options.get("generator") is not None:
            return func(*args, **options)
        if func is torch.ops.aten.native_dropout.default:
            return self._dropout(*args)
        if not _takes_generator(func):
            func = getattr(func.overloadpacket, "generator", func)
        if not _takes_generator(func):
            raise RuntimeError(f"own draws: expected an operation that takes a generator, found {func}")
        tensors = [part for part in args if isinstance(part, torch.Tensor)]
        device = tensors[0].device if tensors else torch.device(options.get("device") or "cpu")
        return func(*args, **options, generator=self._generator(device))

    def _dropout(
        self, values: torch.Tensor, share: float, train: bool | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Dropout as CUDA does it in one operation, which takes no generator."""
        kept = torch.ones_like(values, dtype=torch.bool)
        if train is False or not share:
            return values.clone(), kept
        kept.bernoulli_(1 - share, generator=self._generator(values.device))
        return values * kept * (1 / (1 - share)), kept

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


def _draws(func: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Whether this call of the operation draws; dropout with a share of 0 does not."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    shares = [
        options.get(argument.name, args[place] if place < len(args) else argument.default_value)
        for place, argument in enumerate(func._schema.arguments)
        if argument.name in ("dropout", "dropout_p")
    ]
    return not shares or any(shares)


def _takes_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)
