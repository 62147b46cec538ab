"""Threads of a fit: how many PyTorch and BLAS compute with, on which the last bits of some results depend."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from threadpoolctl import ThreadpoolController

_wanted: ContextVar[int] = ContextVar("threads", default=0)
_gate = threading.Condition()
_holders = 0
_held: int = 0
_limiter = None


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """Within, this thread's PyTorch and `blas` compute with so many threads; 0: with as many as they are set to."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    token = _wanted.set(threads)
    try:
        if torch is not None and threads not in (0, before):
            torch.set_num_threads(threads)
        yield
    finally:
        _wanted.reset(token)
        if torch is not None and threads not in (0, before):
            torch.set_num_threads(before)


@contextmanager
def blas(threads: int | None = None) -> Iterator[None]:
    """Within, NumPy's and SciPy's matrix products take so many threads; None: as many as `computing` says.

    BLAS has one number for the whole process. So whoever wants another number waits until those within are done, and
    the last one out sets it back. It must not be entered again from within.
    """
    global _holders, _held, _limiter
    wanted = _wanted.get() if threads is None else threads
    with _gate:
        _gate.wait_for(lambda: not _holders or _held == wanted)
        if not _holders and wanted:
            _limiter = _controller().limit(limits=wanted, user_api="blas")
            _limiter.__enter__()
        _holders, _held = _holders + 1, wanted
    try:
        yield
    finally:
        with _gate:
            _holders -= 1
            if not _holders:
                if _limiter is not None:
                    _limiter.__exit__(None, None, None)
                    _limiter = None
                _gate.notify_all()


def in_use(*, gradients: bool) -> dict[str, int]:
    """Numbers of threads that a fit here and now computes with: of `blas`, and with `gradients` of `torch`."""
    wanted = _wanted.get()
    counts = [pool["num_threads"] for pool in _controller().info() if pool["user_api"] == "blas"]
    found = {"blas": wanted or max(counts, default=1)}
    if gradients:
        import torch

        found["torch"] = wanted or torch.get_num_threads()
    return found


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
