"""FileGuard: while an asset's Python code runs, opening a file that no record would name is an error.

Python tells an audit hook of every file that it opens. The guard lets pass what belongs to the environment (the
interpreter, installed packages, the project's own code, the system), what belongs to the run (its work folder,
temporary files that it makes), and what `recsys_lineage`, Dagster, imports and logging open on the code's behalf,
above all what `Inputs` reads. It guards against accidents, not against malice: native code (DuckDB, Polars, Arrow) and
other processes open files without telling Python.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from recsys_lineage.assets.reading.surroundings import belongs_to_code, below, environment, temporary
from recsys_lineage.errors import UnnotedFile

_READS = {"os.listdir": (0,), "os.scandir": (0,), "sqlite3.connect": (0,)}
_WRITES = {
    "os.link": (0, 1), "os.mkdir": (0,), "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.symlink": (1,),
    "os.truncate": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
"""Audit events that concern files besides `open`, and which of their arguments are paths."""
_MAKES = frozenset({"tempfile.mkdtemp", "tempfile.mkstemp"})
_EVENTS = frozenset({"open", *_READS, *_WRITES, *_MAKES})
_TRUSTED = frozenset(
    {"aiobotocore", "botocore", "dagster", "dagster_shared", "importlib", "linecache", "logging", "recsys_lineage",
     "s3fs"}
)  # fmt: skip
"""Packages that open files of their own on the code's behalf: imports, logs, events, credentials, the lake."""
_LAKES = ("recsys_lineage", "fsspec")
"""The lake's own code, and the file system that it lists folders with."""


@dataclass
class FileGuard:
    """What one run of one asset may open.

    Args:
        asset: the asset, for messages.
        folders: the run's own files and folders.
        frame: where the guarded block stands; what lies above it is not the asset's code. None once it has ended.
    """

    asset: str
    folders: set[str]
    frame: FrameType | None

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Takes note of what the asset's code does.

        Raises:
            UnnotedFile: it opens a file that no record would name.
        """
        if event in _MAKES:
            made = os.path.realpath(os.fsdecode(arguments[0]))
            if os.path.dirname(made) == temporary() or below(made, self.folders):
                self.folders.add(made)
        elif event == "open":
            self._check(event, arguments[0], _is_write(*arguments[1:3]))
        else:
            for place in _READS.get(event, ()) or _WRITES[event]:
                self._check(event, arguments[place], event in _WRITES)

    def _check(self, event: str, path: object, write: bool) -> None:
        if not isinstance(path, bytes | str | os.PathLike) or path == ":memory:":
            return  # a number is a file that is open already
        given = os.fsdecode(path)
        whole = os.path.realpath(given)
        if below(whole, self.folders) or below(whole, environment()) or whole == temporary():
            return
        if event == "os.mkdir" and any(below(folder, (whole,)) for folder in self.folders):
            return  # above a folder of the run's own
        line, trusted = self._line()
        if trusted or (not write and belongs_to_code(whole)):
            return
        deed = {"open": "wrote to" if write else "opened"}.get(event, f"called {event} on")
        raise UnnotedFile(
            f"The code of {self.asset} {deed} a file that its record would not name.",
            expected="reads through its inputs; files of its own in Request.work, or temporary ones",
            found=whole,
            where=line or self.asset,
            advice="keep files of the run in Request.work, and hand back as output what others are to read"
            if write
            else f"read it with inputs.open_file({given!r}), which notes the read, or let its own asset load it",
        )

    def _line(self) -> tuple[str | None, bool]:
        """The line of the asset's code that is at work, and whether a trusted package does something on its behalf.

        The asset's code is what is not installed, and the package of the first function that the guarded block calls
        outside `recsys_lineage` and the file system that its lake goes through.
        """
        frames = list(_frames_up_to(self.frame))
        outwards = (_package(frame) for frame in reversed(frames))
        own = next((package for package in outwards if package not in _LAKES), None)
        if own in sys.stdlib_module_names:
            own = None  # lineage itself is at work, or a thread
        for frame in frames:
            package, file = _package(frame), frame.f_code.co_filename
            if package in _TRUSTED or (package == "shutil" and frame.f_code.co_name.startswith("_rmtree")):
                return None, True
            if package == own or (
                not file.startswith("<") and not below(os.path.realpath(file), environment())
            ):
                return f"{file}:{frame.f_lineno}, in {frame.f_code.co_name}", False
        return None, False


_guards: dict[int, FileGuard] = {}
_thread = threading.local()
_hook_lock = threading.Lock()
_start_of_thread: list[Callable[[threading.Thread], None]] = []


@contextmanager
def guarded(asset: str, folders: Iterable[str | os.PathLike[str] | None] = ()) -> Iterator[FileGuard]:
    """While the block runs, this thread, and those that it starts, open only what a record names.

    Args:
        asset: the asset whose code runs.
        folders: files, and folders with all below them, that are the run's own.
    """
    with _hook_lock:
        if not _start_of_thread:
            # both stay for as long as the process does; where nothing is guarded they do nothing
            sys.addaudithook(_hook)
            _start_of_thread.append(threading.Thread.start)
            threading.Thread.start = _start
    ident = threading.get_ident()
    before = _guards.get(ident)
    own = {os.path.realpath(place) for place in folders if place is not None}
    guard = FileGuard(asset, own, sys._getframe(2))
    _guards[ident] = guard
    try:
        yield guard
    finally:
        guard.frame = None
        if before is None:
            del _guards[ident]
        else:
            _guards[ident] = before


@contextmanager
def unguarded() -> Iterator[None]:
    """While the block runs, this thread may open anything: for those who are told of an asset's work."""
    guard = _guards.pop(threading.get_ident(), None)
    try:
        yield
    finally:
        if guard is not None:
            _guards[threading.get_ident()] = guard


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guards or event not in _EVENTS or getattr(_thread, "busy", False):
        return
    guard = _guards.get(threading.get_ident())
    if guard is None or guard.frame is None:
        return
    _thread.busy = True
    try:
        guard.notice(event, arguments)
    finally:
        _thread.busy = False


def _start(self: threading.Thread) -> None:
    """Starts a thread that has the guard of the one that starts it; Python 3.11 tells a hook of no new thread."""
    guard = _guards.get(threading.get_ident())
    if guard is not None and guard.frame is not None:
        run = self.run

        def guarded_run() -> None:
            _guards[threading.get_ident()] = guard
            try:
                run()
            finally:
                del _guards[threading.get_ident()]

        self.run = guarded_run
    _start_of_thread[0](self)


def _is_write(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _frames_up_to(last: FrameType | None) -> Iterator[FrameType]:
    """The frames of this thread from the one that opens a file outwards; those of this module are left out."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not last:
        if frame.f_code.co_filename != __file__:
            yield frame
        frame = frame.f_back


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
