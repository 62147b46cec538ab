"""Ctrl-C and SIGTERM stop a command within seconds, whatever it is doing."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from recsys_assets.cli.stop_signals import SIGNALS, STOPPED
from recsys_lineage.interruption import request_stop, run_exit_steps, withdraw_request
from recsys_lineage.process_end import leave

SECONDS_TO_UNWIND = 2.0


@contextmanager
def stopping_at_once(notify: Callable[[str], None], *, unless_handled: bool = False) -> Iterator[None]:
    """Inside the block, a signal that means stop ends the process with code 128 + its number.

    The main thread is interrupted first, so that its work is undone and recorded as cancelled. Native code may hold it
    for minutes, and Dagster delays signals between steps. So a separate thread also receives the signal, and ends the
    process after a short while or at the second signal. Killing a process does no harm at any time.

    A command under `nohup` ignores SIGHUP.

    Args:
        notify: prints a line for the user.
        unless_handled: leave signals to code that handles them itself, such as a server. A step of Dagster handles them
            too, but has to end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    unraisable_before, sys.unraisablehook = (
        sys.unraisablehook,
        partial(_report_unraisable, sys.unraisablehook),
    )
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    stopped: list[int] = []
    watched = (reader, stopped, notify, unless_handled)
    watcher = threading.Thread(target=_watch, args=watched, name="stop-requests", daemon=True)
    watcher.start()
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    before: dict[int, Any] = {}
    ended: BaseException | None = None
    try:
        for number in SIGNALS:
            if number not in ignored:
                before[number] = signal.signal(number, _interrupt)
        yield
    except (
        KeyboardInterrupt,
        SystemExit,
    ) as error:  # the second where a command line took the first for its end
        ended = error
    finally:
        signal.set_wakeup_fd(wakeup_before)
        os.close(writer)
        watcher.join()
        sys.unraisablehook = unraisable_before
        for number, handler in before.items():
            signal.signal(number, handler)
        withdraw_request()
    if stopped or isinstance(ended, KeyboardInterrupt):
        notify(STOPPED)
        sys.exit(128 + (stopped[0] if stopped else signal.SIGINT))
    if ended is not None:
        raise ended


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _report_unraisable(report: Callable[[Any], object], error: Any) -> None:
    """Report an unraisable exception, except for an interruption, after which the watcher ends the process anyhow."""
    if issubclass(error.exc_type, Exception):
        report(error)


def _watch(reader: int, stopped: list[int], notify: Callable[[str], None], unless_handled: bool) -> None:
    """Wait for a signal and make the process end; return when the other end of the pipe is closed."""
    try:
        while True:
            seconds = SECONDS_TO_UNWIND if stopped else None
            if not select.select([reader], [], [], seconds)[0]:
                break
            numbers = os.read(reader, 1)
            if not numbers:
                return
            if numbers[0] not in SIGNALS:
                continue
            if unless_handled and signal.getsignal(numbers[0]) is not _interrupt:
                continue
            if stopped:
                break
            stopped.append(numbers[0])
            request_stop()
    finally:
        os.close(reader)
    run_exit_steps()
    notify(STOPPED)
    leave(128 + stopped[0])
