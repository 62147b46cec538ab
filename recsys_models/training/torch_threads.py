"""Threads of PyTorch in the thread that calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_computing(threads: int) -> Iterator[int]:
    """Within, PyTorch computes with so many threads; 0: with as many as it is set to. Gives their number."""
    before = torch.get_num_threads()
    if threads in (0, before):
        yield before
        return
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)
