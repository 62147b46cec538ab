"""Threads of a fit: how many PyTorch and BLAS compute with, on which the last bits of some results depend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache

from threadpoolctl import OpenBLASController, ThreadpoolController

_wanted: ContextVar[int] = ContextVar("threads", default=0)
_gate = threading.Condition()
_holders = 0
_held: int = 0
_limiter = None


@contextmanager
def computing(threads: int, *, gradients: bool) -> Iterator[dict[str, int]]:
    """Context in which `blas` and, with `gradients`, PyTorch use a number of threads; 0: as many as they are set to.

    Yields their numbers, `{"blas": n, "torch": n}`.
    """
    token = _wanted.set(threads)
    try:
        with ExitStack() as stack:
            pools = [pool["num_threads"] for pool in _controller().info() if pool["user_api"] == "blas"]
            found = {"blas": threads or max(pools, default=1)}
            if gradients:
                from recsys_models.training.torch_threads import torch_computing

                found["torch"] = stack.enter_context(torch_computing(threads))
            yield found
    finally:
        _wanted.reset(token)


@contextmanager
def blas(threads: int | None = None) -> Iterator[None]:
    """Context in which NumPy's and SciPy's matrix products use a number of threads; None: as many as `computing` says.

    BLAS has one number for the whole process. So a thread that wants another number waits until those inside are done,
    and the last one out restores the number. The context is not reentrant.
    """
    global _holders, _held, _limiter
    wanted = _wanted.get() if threads is None else threads
    with _gate:
        _gate.wait_for(lambda: not _holders or _held == wanted)
        if not _holders and wanted:
            with _in_control():
                _limiter = _controller().limit(limits=wanted, user_api="blas")
        _holders, _held = _holders + 1, wanted
    try:
        yield
    finally:
        with _gate:
            _holders -= 1
            if not _holders:
                if _limiter is not None:
                    with _in_control():
                        _limiter.restore_original_limits()
                    _limiter = None
                _gate.notify_all()


@contextmanager
def _in_control() -> Iterator[None]:
    """Context in which this thread may set OpenBLAS's number of threads.

    While the thread that first set it is alive, threadpoolctl ignores the others; but the last thread to leave `blas`
    need not be the first that entered.
    """
    OpenBLASController.clear_controlling_thread(force=True)
    try:
        yield
    finally:
        OpenBLASController.clear_controlling_thread(force=True)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
