"""The device that a model trains on."""

from __future__ import annotations

import torch


def resolve_device(device: str = "auto") -> str:
    """The name that PyTorch takes for `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        ValueError: the name is none of these, or it names CUDA on a machine without it.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return "cpu"
    if device == "cuda" or device.startswith("cuda:"):
        if not torch.cuda.is_available():
            raise ValueError(
                f"device={device!r}: expected a CUDA device, found none; use device='auto' to take the CPU then"
            )
        return device
    raise ValueError(f"device: expected 'auto', 'cpu', 'cuda' or 'cuda:N', found {device!r}")
