"""Processes spawned by `multiprocessing`: no audit event reports them, so their start consults the guard."""

from __future__ import annotations

import functools
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess, SpawnProcess
from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.guarded_threads import guard_at_work

WRAPPER_FILES.add(__file__)


def watch_processes() -> None:
    """Make the start of spawned processes consult the guard, for the rest of the process's life."""
    for kind in (SpawnProcess, ForkServerProcess):
        if not hasattr(kind._Popen, "_is_guarded"):
            kind._Popen = staticmethod(_starting(kind._Popen, f"multiprocessing.{kind.__name__}"))


def _starting(start: Callable[..., Any], called: str) -> Callable[..., Any]:
    @functools.wraps(start)
    def guarded_call(process: Any) -> Any:
        if (guard := guard_at_work()) is not None:
            with guard.paused():
                guard.check_process(called, (process.name,))
        return start(process)

    guarded_call._is_guarded = True  # pyright: ignore[reportAttributeAccessIssue]
    return guarded_call
