"""Guarded threads: the guard of each thread, and how it travels with work that one thread hands to another.

A thread that guarded code starts is guarded like it. So is work given to threads that were there before: by an
executor, by a pool, or by an event loop, whose callbacks run in a copy of the giver's context. Threads of native
libraries, in which a plan of Polars or a statement of DuckDB may call Python back, belong to whoever is guarded at that
time. All other threads are left alone.
"""

from __future__ import annotations

import _thread
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing.pool import Pool, ThreadPool
from multiprocessing.process import current_process
from types import FrameType
from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.file_guard import EVENTS, FileGuard, NoteColumns, is_paused
from recsys_lineage.assets.reading.surroundings import find_temporary

WRAPPER_FILES.add(__file__)
_guards: dict[int, FileGuard] = {}
_carried: ContextVar[FileGuard | None] = ContextVar("the guard of whoever handed the work on", default=None)
_lock = threading.Lock()
_is_watching: list[bool] = []


def guard_at_work() -> FileGuard | None:
    """The guard of this thread's code; None where it runs no asset's code, or the guard itself is running."""
    if not _guards or is_paused():
        return None
    ident = threading.get_ident()
    guard = _guards.get(ident) or _carried.get()
    if guard is None and _is_native(ident):
        guard = _of_anyone()
    return guard if guard is not None and guard.frame is not None else None


@contextmanager
def guarding(
    asset: str, folders: Iterable[str | os.PathLike[str] | None], frame: FrameType
) -> Iterator[FileGuard]:
    """While the block runs, this thread and those that work for it can open with Python only files that a record
    names.

    Args:
        asset: the asset whose code runs.
        folders: the run's own files and folders, with everything below them.
        frame: the frame of the block.
    """
    find_temporary()
    with _lock:
        if not _is_watching:
            # they stay for as long as the process does; where nothing is guarded they do nothing
            sys.addaudithook(_hook)
            _watch_threads()
            _is_watching.append(True)
    # where multiprocessing keeps this process's sockets, once it has made one
    sockets = current_process()._config.get("tempdir")  # pyright: ignore[reportAttributeAccessIssue]
    own = {os.path.realpath(place) for place in (*folders, sockets) if place is not None}
    guard = FileGuard(asset, own, frame)
    try:
        with _as_guard(guard):
            yield guard
    finally:
        guard.frame = None


@contextmanager
def unguarded() -> Iterator[None]:
    """Let this thread open anything inside the block: for listeners that are notified of an asset's work, and for
    upkeep of the lake that reads no row."""
    with _as_guard(None):
        yield


@contextmanager
def _as_guard(guard: FileGuard | None) -> Iterator[None]:
    """Set this thread's guard inside the block."""
    ident = threading.get_ident()
    before, carried = _guards.pop(ident, None), _carried.get()
    if guard is not None:
        _guards[ident] = guard
    _carried.set(guard)
    try:
        yield
    finally:
        _carried.set(carried)
        if before is not None:
            _guards[ident] = before
        else:
            _guards.pop(ident, None)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS and (guard := guard_at_work()) is not None:
        with guard.paused():
            guard.notice(event, arguments)


def _is_native(ident: int) -> bool:
    """Whether Python did not start a thread: it is in no list of its, or as a dummy since it was asked for."""
    known = threading._active.get(ident)  # pyright: ignore[reportAttributeAccessIssue]
    return known is None or isinstance(known, threading._DummyThread)  # pyright: ignore[reportAttributeAccessIssue]


def _of_anyone() -> FileGuard | None:
    """A guard that allows what any guard at work allows."""
    guards = [guard for guard in list(_guards.values()) if guard.frame is not None]
    if len({*map(id, guards)}) <= 1:
        return next(iter(guards), None)
    names = " or ".join(sorted({guard.asset for guard in guards}))
    folders = {folder for guard in guards for folder in guard.folders}
    notes: dict[str, list[NoteColumns]] = {}
    for guard in guards:
        for file, note in guard.scanned.items():
            notes.setdefault(file, []).append(note)
    scanned = {file: functools.partial(_note_all, each) for file, each in notes.items()}
    return FileGuard(names, folders, guards[0].frame, scanned=scanned)


def _note_all(notes: list[NoteColumns], columns: Iterable[str] | None) -> None:
    for note in notes:
        note(columns)


class _Carried:
    """A function that runs under the guard of the thread that handed it on."""

    def __init__(self, guard: FileGuard, function: Callable[..., Any]) -> None:
        self._guard, self._function = guard, function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        with _as_guard(self._guard):
            return self._function(*arguments, **options)


def _carry(function: Any) -> Any:
    """A function for another thread: under the guard of this thread, if it has one."""
    guard = guard_at_work()
    return function if guard is None or function is None else _Carried(guard, function)


def _carry_each(values: Iterable[Any]) -> Iterable[Any]:
    """Values that another thread takes, each made under the guard of this thread."""
    guard = guard_at_work()
    if guard is None:
        return values
    taking = _Carried(guard, iter(values).__next__)

    def taken() -> Iterator[Any]:
        while True:
            try:
                value = taking()
            except StopIteration:
                return
            yield value

    return taken()


def _watch_threads() -> None:
    """Make the ways in which threads hand work to others carry the guard."""
    threading.Thread.start = _starting(threading.Thread.start)
    _thread.start_new_thread = _handing(_thread.start_new_thread, function=0)
    ThreadPoolExecutor.submit = _handing(ThreadPoolExecutor.submit)
    Future.add_done_callback = _handing(Future.add_done_callback)
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        made = getattr(Pool, name)
        setattr(ThreadPool, name, _handing(made, iterable=name.startswith("imap")))
        setattr(Pool, name, _to_processes(made, f"multiprocessing.Pool.{name.strip('_')}"))
    ProcessPoolExecutor.submit = _to_processes(
        ProcessPoolExecutor.submit, "concurrent.futures.ProcessPoolExecutor.submit"
    )
    for kind in (Pool, ProcessPoolExecutor):
        kind.__init__ = _noting_its_guard(kind.__init__)


def _handing(hand: Callable[..., Any], function: int = 1, iterable: bool = False) -> Callable[..., Any]:
    """A function or method that hands work to another thread, which carries the guard of this one.

    Args:
        hand: the function or method.
        function: index of the argument that the other thread will call.
        iterable: whether the argument after it is gone through by another thread.
    """

    @functools.wraps(hand)
    def handing(*arguments: Any, **options: Any) -> Any:
        if guard_at_work() is not None:
            given = [*arguments]
            if len(given) > function:
                given[function] = _carry(given[function])
            if iterable and len(given) > function + 1:
                given[function + 1] = _carry_each(given[function + 1])
            for name in ("fn", "func", "callback", "error_callback"):
                if name in options:
                    options[name] = _carry(options[name])
            return hand(*given, **options)
        return hand(*arguments, **options)

    return handing


def _starting(start: Callable[..., None]) -> Callable[..., None]:
    """`Thread.start` with the guard of the parent, because Python 3.11 reports no new thread to a hook."""

    @functools.wraps(start)
    def starting(self: threading.Thread) -> None:
        if guard_at_work() is not None:
            self.run = _carry(self.run)
        start(self)

    return starting


def _noting_its_guard(make: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a pool of processes, which are guarded if they are forked by guarded code."""

    @functools.wraps(make)
    def making(self: Any, *arguments: Any, **options: Any) -> None:
        self._guard_of_lineage = guard_at_work()
        make(self, *arguments, **options)

    return making


def _to_processes(hand: Callable[..., Any], called: str) -> Callable[..., Any]:
    """A method that hands work to a pool of processes, which the code may not have started before it ran."""

    @functools.wraps(hand)
    def handing(self: Any, *arguments: Any, **options: Any) -> Any:
        guard = guard_at_work()
        if guard is not None and getattr(self, "_guard_of_lineage", None) is not guard:
            with guard.paused():
                guard.check_process(called, ("a function in a process that was there before",))
        return hand(self, *arguments, **options)

    return handing
