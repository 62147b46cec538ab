"""FileGuard: while an asset's Python code runs, opening a file that no record would name is an error.

Python reports every file that it opens to an audit hook. The guard allows files of the environment (the interpreter,
installed packages, the project's own code, the system), files of the run (its work folder, its temporary files), and
files that `recsys_lineage`, Dagster, imports and logging open on the code's behalf, above all those that `Inputs`
reads. Python does not report files opened by native code, so native readers consult the guard (`native_readers.py`,
`duckdb_connections.py`), and the code may start no other process. The guard prevents accidents, not malice.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from recsys_lineage.assets.reading import calling_code, surroundings
from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.package_files import EXPECTED, PackageFiles, is_byte_code, naming_advice
from recsys_lineage.assets.reading.surroundings import SHARED_MEMORY, belongs_to_code, below, temporary
from recsys_lineage.errors import UnnotedFile

_READS = {"os.listdir": (0,), "os.scandir": (0,), "sqlite3.connect": (0,)}
_WRITES = {
    "os.link": (0, 1), "os.mkdir": (0,), "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.symlink": (1,),
    "os.truncate": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
"""Audit events for files other than `open` → the positions of their path arguments."""
_MAKES = frozenset({"tempfile.mkdtemp", "tempfile.mkstemp"})
_PROCESSES = frozenset(
    {"os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen"}
)
"""Audit events of new processes, whose files Python does not report. A forked process is guarded like its parent."""
_EXPECTED = "reads through its inputs; files of its own in Request.work, or temporary files"
_DATABASE = "sqlite3.connect/handle"
"""Audit event of a database that was opened; its argument is the connection."""
NoteColumns = Callable[[Iterable[str] | None], None]
"""Notes columns of a table that are read; None for all."""
_CONNECTION = "socket.connect"
EVENTS = frozenset({_CONNECTION, _DATABASE, "ctypes.dlopen", "open", *_READS, *_WRITES, *_MAKES, *_PROCESSES})
"""All audit events of which the guard wants to know."""


@dataclass
class FileGuard:
    """The files that one run of one asset may open.

    Args:
        asset: the asset, for messages.
        folders: the run's own files and folders.
        frame: the frame of the guarded block; frames outside it are not the asset's code. None once the block has
            ended.
        attached: the last database that SQLite was not allowed to attach.
        scanned: files that LazyFrames of the inputs scan, as Polars names them, each with what notes the columns that a
            plan reads of it.
        lake: the lake that lineage hands to the code, which may read all of it.
        system: the file system of the inputs' lake, through which the engine reads it.
        looks_outside: whether the code may open every file.
        packages: the files of first-party packages that it may open.
        refused: the last error that the guard raised.
    """

    asset: str
    folders: set[str]
    frame: FrameType | None
    attached: str | None = None
    scanned: dict[str, NoteColumns] = field(default_factory=dict)
    lake: object = None
    system: object = None
    looks_outside: bool = False
    packages: PackageFiles = field(default_factory=lambda: PackageFiles(is_kept=False))
    refused: UnnotedFile | None = None

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Check an audit event of the asset's code.

        Raises:
            UnnotedFile: the code opens a file that no record would name.
        """
        if event in _MAKES:
            made = os.path.realpath(os.fsdecode(arguments[0]))
            if os.path.dirname(made) in (temporary(), SHARED_MEMORY) or below(made, self.folders):
                self.folders.add(made)
        elif event in _PROCESSES:
            self.check_process(event, arguments)
        elif event == "ctypes.dlopen":
            if isinstance(library := arguments[0], str | bytes | os.PathLike) and os.sep in os.fsdecode(
                library
            ):
                self._check(event, library, False)
        elif event == _CONNECTION:
            self._check_connection(event, arguments[1])
        elif event == _DATABASE:
            if not getattr(
                _thread, "connects", False
            ):  # by a class, whose connection would attach whatever it likes
                self.refuse("sqlite3.Connection", "a database; open it with sqlite3.connect")
        elif event == "open":
            self._check(event, arguments[0], _is_write(*arguments[1:3]))
        else:
            for place in _READS.get(event, ()) or _WRITES[event]:
                self._check(event, arguments[place], event in _WRITES)

    def check(self, called: str, path: str) -> None:
        """Check a file that native code is about to open.

        Args:
            called: the function that opens it, for messages.
            path: a file or folder on this machine.

        Raises:
            UnnotedFile: no record would name it.
        """
        self._check(called, path, False, called)

    def allow(self, path: str | os.PathLike[str]) -> None:
        """Allow the code to open a file with any library, because it is on record."""
        self.folders.add(os.path.realpath(path))

    def give(self, lake: object, root: str) -> None:
        """Allow the code to read a lake, because lineage hands it to the code.

        Args:
            lake: the lake.
            root: its folder or address.
        """
        self.lake = lake
        self.folders.add(root if "://" in root else os.path.realpath(root))

    def scans(self, file: str) -> bool:
        """Whether a file, as Polars names it, is one of a LazyFrame of the inputs or of the given lake."""
        return file in self.scanned or ("://" in file and below(file, self.folders))

    def may_read(self, path: str) -> bool:
        """Whether a file belongs to the environment, to the project's code, or to the run."""
        real_path = os.path.realpath(path)
        return self._is_around(real_path) or self.packages.may_be_opened(real_path)

    def _is_around(self, path: str) -> bool:
        """Whether a file belongs to the run, or to the environment without the code's own package."""
        is_installed = below(path, surroundings.environment()) and not self.packages.is_own(path)
        return is_installed or below(path, self.folders) or surroundings.is_device(path)

    def refuse(self, called: str, found: str, error: BaseException | None = None) -> None:
        """Raise because the asset's code is about to read something that no record can name, unless lineage itself
        reads it.

        Args:
            called: the function that would read it.
            found: the thing that it would read, in words.
            error: a library's error about it, the cause of the new error.

        Raises:
            UnnotedFile: unless it is read on the code's behalf.
        """
        frames = (
            calling_code.frames_of(error.__traceback__)
            if error is not None
            else list(calling_code.frames_up_to(self.frame))
        )
        line, trusted = calling_code.line_of(frames)
        if not trusted:
            raise self._unnoted(f"called {called} on", found, line, _by_inputs("the file", called)) from error

    def check_lake(self, lake: object, name: str) -> None:
        """Refuse a lake that the asset's code opened itself, or was given before it ran.

        Args:
            lake: the lake that is about to be read.
            name: its root, for messages.

        Raises:
            UnnotedFile: neither lineage itself reads it, nor did lineage hand it to the code.
        """
        if lake is self.lake:
            return
        line, trusted = calling_code.line_of(list(calling_code.frames_up_to(self.frame)))
        if not trusted:
            self.refused = UnnotedFile(
                f"The code of {self.asset} reads a lake by itself, so its record would not name the tables.",
                expected="tables that it depends on, read through its inputs",
                found=f"a lake at {name}",
                where=line or self.asset,
                advice="name the tables as parameters of the function or in reads=, and read them with Inputs: "
                "inputs.frame(table), inputs.lazy(table) or inputs.query(sql)",
            )
            raise self.refused

    def check_address(self, called: str, found: str) -> None:
        """Refuse a connection to another machine that the asset's code makes.

        Args:
            called: the function that makes it, for messages.
            found: the other machine or its file.

        Raises:
            UnnotedFile: neither lineage nor a log makes it.
        """
        frames = list(calling_code.frames_up_to(self.frame))
        line, trusted = calling_code.line_of(frames, calling_code.TRUSTED_WITH_ADDRESSES)
        if line is not None and not trusted:
            self.refused = UnnotedFile(
                f"The code of {self.asset} called {called}, and its record would not name what comes from there.",
                expected="reads through its inputs",
                found=found,
                where=line,
                advice="have a file fetched before the asset runs, and read it with inputs.open_file(path)",
            )
            raise self.refused

    def _check_connection(self, event: str, address: object) -> None:
        """Refuse a connection to another program, on this machine too, unless the run has started it."""
        if isinstance(address, tuple):
            self.check_address(event, ":".join(map(str, address[:2])))
        elif isinstance(address, str | bytes) and not any(
            calling_code.package_of(frame) == "multiprocessing"
            for frame in calling_code.frames_up_to(self.frame)
        ):
            self.check_address(event, os.fsdecode(address))

    def check_made(self, called: str) -> None:
        """Refuse an object that the asset's code makes itself to open files with; libraries may make it.

        Args:
            called: its class, for messages.

        Raises:
            UnnotedFile: the asset's code makes it.
        """
        frames = list(calling_code.frames_up_to(self.frame))
        caller = self._caller(frames)
        if caller is not None:
            advice = (
                "give the library what inputs.note_file(path) returns, or an open file of inputs.open_file"
            )
            place = calling_code.place(caller)
            raise self._unnoted(f"called {called} to open", "files that lineage would not see", place, advice)

    def is_trusted(self) -> bool:
        """Whether a trusted package is working on the code's behalf."""
        return calling_code.line_of(list(calling_code.frames_up_to(self.frame)))[1]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the guard for this thread inside the block, whose code checks the opened files itself."""
        before = is_paused()
        _thread.busy = True
        try:
            yield
        finally:
            _thread.busy = before

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Let this thread open databases of SQLite inside the block, which makes them ask before they attach others."""
        _thread.connects = True
        try:
            yield
        finally:
            _thread.connects = False

    def _check(self, event: str, path: object, write: bool, native: str = "") -> None:
        if not isinstance(path, bytes | str | os.PathLike):
            return  # a number is a file that is open already
        named = os.fsdecode(path)
        if event == "sqlite3.connect" and not (named := database_file(named)):
            return
        real_path = os.path.realpath(named)
        if self._is_around(real_path) or real_path == temporary():
            return
        if self.looks_outside and not write:
            return
        if write and below(real_path, (SHARED_MEMORY,)) and not os.path.lexists(real_path):
            self.folders.add(real_path)  # libraries share arrays there
            return
        if event == "os.mkdir" and any(below(folder, (real_path,)) for folder in self.folders):
            return  # above a folder of the run's own
        frames = list(calling_code.frames_up_to(self.frame))
        line, trusted = calling_code.line_of(frames)
        is_listed = event in _READS and not native
        if trusted or (not write and self.packages.may_be_opened(real_path, frames, is_listed=is_listed)):
            return
        if write and is_byte_code(real_path) and calling_code.purpose_of(frames) == "run":
            return
        if not write and belongs_to_code(real_path):
            raise self._unnoted("opened", real_path, line, naming_advice(named), EXPECTED)
        deed = {"open": "wrote to" if write else "opened"}.get(event, f"called {event} on")
        advice = (
            "keep files of the run in Request.work, and hand back as output what others are to read"
            if write
            else _by_inputs(repr(named), native)
        )
        raise self._unnoted(deed, real_path, line, advice)

    def check_process(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse a process that the asset's code starts itself; libraries may start processes.

        Args:
            event: the audit event of the start, for messages.
            arguments: the event's arguments; the first text names the program.

        Raises:
            UnnotedFile: the asset's code starts the process.
        """
        caller = self._caller(list(calling_code.frames_up_to(self.frame)))
        if caller is None:
            return
        self.refused = UnnotedFile(
            f"The code of {self.asset} started a process whose files its record would not have.",
            expected="reads through its inputs",
            found=f"{event} of {_command(arguments)}",
            where=calling_code.place(caller),
            advice="start it with inputs.run_process([command, …], reads=[file, …]), which notes what it reads",
        )
        raise self.refused

    def _caller(self, frames: list[FrameType]) -> FrameType | None:
        """The innermost function outside Python's own library, if it is the asset's code."""
        caller = next(
            (each for each in frames if calling_code.package_of(each) not in sys.stdlib_module_names), None
        )
        own = calling_code.package_of_asset(frames)
        return caller if caller is not None and calling_code.is_of_asset(caller, own) else None

    def _unnoted(
        self, deed: str, found: str, line: str | None, advice: str, expected: str = _EXPECTED
    ) -> UnnotedFile:
        self.refused = UnnotedFile(
            f"The code of {self.asset} {deed} a file that its record would not name.",
            expected=expected,
            found=found,
            where=line or self.asset,
            advice=advice,
        )
        return self.refused


def database_file(name: str) -> str:
    """The file of an SQLite database, from its path or URI; empty where it has no named file."""
    path = unquote(urlsplit(name).path) if name.startswith("file:") else name
    return "" if path == ":memory:" else path


WRAPPER_FILES.add(__file__)
_thread = threading.local()


def is_paused() -> bool:
    """Whether the guard itself is running in this thread."""
    return getattr(_thread, "busy", False)


def _is_write(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _by_inputs(path: str, native: str) -> str:
    """Advice on reading a file in such a way that the record names it."""
    if not native:
        return f"read it with inputs.open_file({path}), which notes the read, or let its own asset load it"
    return (
        f"note the read with inputs.note_file({path}) and give {native} what that returns, or an open file of "
        "inputs.open_file; or let an asset of its own load it"
    )


def _command(arguments: tuple[Any, ...]) -> str:
    """The started program, from the arguments of an audit event."""
    texts = (os.fsdecode(each) for each in arguments if isinstance(each, str | bytes | os.PathLike) and each)
    return next((text.split()[0] for text in texts if text.split()), "a program")
