"""Interruption: a request to stop this process, with a message to print before it ends.

A signal raises an exception in the main thread. Native code turns it into an error of its own (DuckDB: `RuntimeError:
Query interrupted`) or notices it only when it is done. So the signal handler also sets a request here, so that the
current step counts as interrupted, not failed, and no further one begins.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recsys_lineage.error_text import class_of, words_of

INTERRUPTIONS: set[type[BaseException]] = {KeyboardInterrupt, GeneratorExit, asyncio.CancelledError}
"""Exceptions by which others end a run; an orchestrator adds its own. All others mean that the run failed."""

_requested = threading.Event()
_exit_steps: list[Callable[[], object]] = []


def request_stop() -> None:
    """Request that the work in this process stops."""
    _requested.set()


def withdraw_request() -> None:
    """Forget the request, because the work has stopped."""
    _requested.clear()


def stop_is_requested() -> bool:
    """Whether a stop was requested."""
    return _requested.is_set()


def is_interruption(error: BaseException) -> bool:
    """Whether an exception says that others end the run, also as a part of a group of exceptions."""
    if issubclass(type(error), tuple(INTERRUPTIONS)):
        return True
    parts = getattr(error, "exceptions", ()) if class_of(error) == "BaseExceptionGroup" else ()
    return any(is_interruption(each) for each in parts)


def without_message(error: BaseException) -> BaseException:
    """A plain interruption of the same kind, for those who store what an exception says."""
    return next((kind() for kind in INTERRUPTIONS if issubclass(type(error), kind)), KeyboardInterrupt())


@contextmanager
def exit_step(step: Callable[[], object]) -> Iterator[None]:
    """Register `step` as the last step to run if the process must end inside the block.

    Args:
        step: called once, from another thread, while the block still runs.
    """
    _exit_steps.append(step)
    try:
        yield
    finally:
        _exit_steps.remove(step)


def run_exit_steps() -> None:
    """Call all registered last steps, innermost block first; a failing one is reported on stderr and does not stop the
    others.
    """
    for step in reversed(list(_exit_steps)):
        try:
            step()
        except Exception as error:
            print(f"{class_of(error)}: {words_of(error)}", file=sys.stderr)
