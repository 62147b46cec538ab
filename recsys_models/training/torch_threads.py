"""Threads of PyTorch in the thread that calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_computing(threads: int) -> Iterator[int]:
    """Context in which PyTorch uses a number of threads; 0: as many as it is set to. Yields their number."""
    before = torch.get_num_threads()
    if threads in (0, before):
        yield before
        return
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)
