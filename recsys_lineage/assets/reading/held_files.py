"""Held files: datasets, connections and files that an asset's code opened before it ran, so that reads would go unseen.

An Arrow dataset, a DuckDB connection or an open file may have been created when a module was imported, unobserved, and
reading it later opens no file that Python or the library would report. So everything that the code can reach by names
is searched before it runs: variables of its modules, classes and closures, defaults, and the contents of collections,
partial functions, iterators and instances of its own classes.
"""

from __future__ import annotations

import functools
import gc
import mmap
import os
import sqlite3
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from recsys_lineage.assets.reading.calling_code import is_of_code
from recsys_lineage.assets.reading.file_guard import FileGuard
from recsys_lineage.assets.reading.libraries.replaced_functions import originals
from recsys_lineage.errors import UnnotedFile

_MOST_MEMBERS = 1_000
"""The most members of one collection that are searched."""
_AT_MOST = 100_000
_PLAIN = (str, bytes, bytearray, int, float, complex, type(None), CodeType, ModuleType)
_NOT_INTO = frozenset(
    {"_thread", "asyncio", "concurrent", "contextvars", "logging", "multiprocessing", "threading", "unittest",
     "weakref"}
)  # fmt: skip
"""Python's modules whose objects lead to everything in a process."""
_STANDARD = sys.stdlib_module_names - _NOT_INTO
_ABSENT = object()
_modules_by_name = sys.modules
"""`sys.modules`, by a name that the analysis of code does not follow: no code of these modules is run from here."""
Files = Callable[[Any], list[str] | None]


def _unknown(_: Any) -> None:
    return None


def _of_connection(connection: sqlite3.Connection) -> list[str] | None:
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError as error:
        return [] if "closed" in str(error) else None
    return None


def _of_file_system(system: Any) -> list[str] | None:
    protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    return [] if {"file", "local", "memory"}.intersection(protocols) else None  # Python opens local files


def _of_file(file: Any) -> list[str] | None:
    if file.closed or not file.readable():
        return []
    if not isinstance(file.name, int):
        return [os.fsdecode(file.name)]
    return [] if file.name <= 2 else [os.path.realpath(f"/proc/self/fd/{file.name}")]


def _of_array(array: Any) -> list[str] | None:
    while array is not None and not isinstance(array, mmap.mmap):
        if (name := getattr(array, "filename", None)) is not None:
            return [os.fsdecode(name)]
        array = getattr(array, "base", None)
    return [] if array is None else None


_KINDS: tuple[tuple[str, str, Files], ...] = (
    ("_queue", "SimpleQueue", _unknown),
    ("_io", "FileIO", _of_file),
    ("deltalake.table", "DeltaTable", lambda table: [table.table_uri]),
    ("duckdb", "DuckDBPyConnection", _unknown),
    ("duckdb", "DuckDBPyRelation", _unknown),
    ("fsspec.spec", "AbstractFileSystem", _of_file_system),
    ("mmap", "mmap", lambda memory: [] if memory.closed else None),
    ("numpy", "ndarray", _of_array),
    ("pandas", "HDFStore", lambda store: [store._path]),
    ("pandas.io.parsers.readers", "TextFileReader", _unknown),
    ("pyarrow._dataset", "FileFragment", lambda fragment: [fragment.path] if fragment.path else None),
    ("pyarrow._dataset", "FileSystemDataset", lambda dataset: dataset.files),
    ("pyarrow._dataset", "Scanner", _unknown),
    ("pyarrow._dataset", "UnionDataset", lambda union: _of_all(union.children)),
    ("pyarrow._fs", "FileSystem", _unknown),
    ("pyarrow._parquet", "ParquetReader", _unknown),
    ("pyarrow.lib", "BufferReader", lambda _: []),
    ("pyarrow.lib", "NativeFile", lambda file: None if not file.closed and file.readable() else []),
    ("pyarrow.lib", "RecordBatchReader", _unknown),
    ("pyarrow.lib", "_RecordBatchFileReader", _unknown),
    ("pyarrow.orc", "ORCFile", _unknown),
    ("pyarrow.parquet.core", "ParquetDataset", lambda dataset: dataset.files),
    ("pyarrow.parquet.core", "ParquetFile", _unknown),
    ("queue", "Queue", _unknown),
    ("safetensors", "safe_open", _unknown),
    ("sqlite3", "Connection", _of_connection),
    ("threading", "Thread", lambda thread: None if thread.is_alive() else []),
)
"""Module, class, and function for the files that an object reads, None if unknown; the first match counts."""
_WORKERS = (("_queue", "SimpleQueue"), ("queue", "Queue"), ("threading", "Thread"))
"""Threads, and queues through which the code may hand them work that no guard sees."""
_CONNECTIONS = (("duckdb", "DuckDBPyConnection"), ("duckdb", "DuckDBPyRelation"), ("sqlite3", "Connection"))
"""Connections whose SQL can read tables that were filled elsewhere, and files that it names, also in memory."""


def _of_all(values: list[Any]) -> list[str] | None:
    found = [_files_of(value) for value in values]
    return None if None in found else [file for each in found for file in each or ()]


def _files_of(value: object) -> list[str] | None:
    """The files that an object itself reads; none if it is not of a kind that reads."""
    if originals.get(id(value), (None,))[0] is value:
        return None
    return files(value) if (files := _reading(type(value))) is not None else []


def _reading(kind: type) -> Files | None:
    """The function for the files of a class's objects, looked up once per class and set of loaded libraries."""
    loaded, found = _readers.get(kind, (None, None))
    if loaded != (now := tuple(module in _modules_by_name for module in _MODULES)):
        found = _looked_up(kind)
        _readers[kind] = now, found
    return found


def _looked_up(kind: type) -> Files | None:
    return next((files for module, name, files in _KINDS if _is_a(kind, module, name)), None)


def _is_a(kind: type, module: str, name: str) -> bool:
    """Whether a class is that of a library or derived from it; a library that is not loaded has no objects."""
    known = getattr(_modules_by_name.get(module), name, None)
    return isinstance(known, type) and issubclass(kind, known)


def _is_one_of(kind: type, kinds: Iterable[tuple[str, str]]) -> bool:
    return any(_is_a(kind, module, name) for module, name in kinds)


_MODULES = tuple(dict.fromkeys(module for module, _, _ in _KINDS))
_readers: WeakKeyDictionary[type, tuple[tuple[bool, ...], Files | None]] = WeakKeyDictionary()


class _Held(NamedTuple):
    """A value, the name by which the code reaches it, and the function that uses the name."""

    value: object
    name: str
    function: FunctionType | None


@dataclass
class _Search:
    """Search through all objects that some code can reach, each once."""

    seen: dict[int, object] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    ahead: deque[_Held] = field(default_factory=deque)
    own: dict[tuple[str | None, str | None], bool] = field(default_factory=dict)
    plain: tuple[type, ...] = _PLAIN

    def all_from(self, root: object) -> Iterator[_Held]:
        """Every object that a function reaches by names, nearest first."""
        self._add(_Held(root, "the asset", None))
        while self.ahead:
            held = self.ahead.popleft()
            yield held
            for inner in self._inside(held):
                self._add(inner)

    def _add(self, held: _Held) -> None:
        if self._is_new(value := held.value):
            self.seen[id(value)] = value  # kept, so that no other object gets its id
            self.ahead.append(held)

    def _is_new(self, value: object) -> bool:
        return id(value) not in self.seen and not isinstance(value, self.plain) and len(self.seen) < _AT_MOST

    def _inside(self, held: _Held) -> Iterator[_Held]:
        if isinstance(held.value, FunctionType):
            yield from self._of_function(held.value)
        elif isinstance(held.value, type):
            for base in held.value.__mro__ if self._is_own(held.value.__module__) else ():
                if self._is_own(base.__module__):
                    for name, value in vars(base).items():
                        if self._is_new(value):
                            yield held._replace(value=value, name=f"{base.__name__}.{name}")
        else:
            for value in self._members(held.value):
                if self._is_new(value):
                    yield held._replace(value=value)

    def _members(self, value: Any) -> Iterable[object]:
        if isinstance(value, dict):
            if "__builtins__" in value or "__build_class__" in value:
                return ()  # all names of a module
            return chain.from_iterable(islice(list(value.items()), _MOST_MEMBERS))
        if isinstance(value, list | tuple | set | frozenset | deque):
            return islice(list(value), _MOST_MEMBERS)
        if isinstance(value, staticmethod | classmethod | property | functools.cached_property):
            return [getattr(value, name, None) for name in ("__func__", "fget", "fset", "func")]
        module = type(value).__module__
        if self._is_own(module):
            return [type(value), *gc.get_referents(value)]
        if module.partition(".")[0] in _STANDARD:
            return [each for each in gc.get_referents(value) if not isinstance(each, type)]
        return ()

    def _of_function(self, function: FunctionType) -> Iterator[_Held]:
        package = (function.__module__ or "").partition(".")[0]
        if not self.packages and package != "recsys_lineage":
            self.packages.add(package)
        code = function.__code__
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # a name that the function around has not bound yet
                yield _Held(cell.cell_contents, name, function)
        defaults = function.__defaults__ or ()
        places = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        for name, value in [*zip(places, defaults, strict=True), *(function.__kwdefaults__ or {}).items()]:
            yield _Held(value, f"the default of {name}", function)
        if self._is_own(function.__module__, code.co_filename):
            for name, value in self._named(function):
                yield _Held(value, name, function)

    def _named(self, function: FunctionType) -> Iterator[tuple[str, object]]:
        """The module variables that a function names."""
        names = set(_names(function.__code__))
        for name in sorted(names):
            value = function.__globals__.get(name, _ABSENT)
            if value is _ABSENT:  # imported by the function itself
                package = str(function.__globals__.get("__package__") or "")
                value = _modules_by_name.get(name) or _modules_by_name.get(f"{package}.{name}")
            yield from self._of_name(name, value, names, ())

    def _of_name(
        self, name: str, value: object, names: set[str], above: tuple[ModuleType, ...]
    ) -> Iterator[tuple[str, object]]:
        if not isinstance(value, ModuleType):
            yield name, value
        elif value not in above and self._is_own(value.__name__):
            for inner in sorted(names & vars(value).keys()):
                yield from self._of_name(f"{name}.{inner}", vars(value)[inner], names, (*above, value))

    def _is_own(self, module: str | None, file: str | None = None) -> bool:
        if (known := self.own.get((module, file))) is None:
            found = file or getattr(_modules_by_name.get(module or ""), "__file__", None)
            known = is_of_code(module or "", found or "<nowhere>", self.packages)
            if self.packages:
                self.own[module, file] = known
        return known


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def check_held(guard: FileGuard, code: object) -> None:
    """Verify, before an asset's code runs, that it holds nothing through which it would read files unseen.

    Args:
        code: the function that is about to run.

    Raises:
        UnnotedFile: it holds a dataset, a connection, an open file or the like on a file that no record would name.
    """
    with guard.paused():
        for held in _Search().all_from(code):
            files = _files_of(held.value)
            if files is None or not all(guard.may_read(file) for file in files):
                _refuse(guard.asset, held, files or [])


def held_texts(code: object) -> Iterator[str]:
    """The texts and paths that a function can reach by names, such as the name of a file in its closure."""
    plain = tuple(kind for kind in _PLAIN if kind is not str)
    for held in _Search(plain=plain).all_from(code):
        if isinstance(held.value, str | os.PathLike):
            yield os.fsdecode(held.value)


def _refuse(asset: str, held: _Held, files: list[str]) -> None:
    kind = type(held.value)
    found = f"a {kind.__module__.lstrip('_')}.{kind.__qualname__}"
    place = held.function.__code__ if held.function is not None else None
    message = f"The code of {asset} holds what was opened before it ran, so its record would not name what it reads."
    advice = (
        "open it inside the function: a file by inputs.open_file(path), or by its library what "
        "inputs.note_file(path) returns; or let an asset of its own load it"
    )
    if _is_one_of(kind, _CONNECTIONS):
        message = (
            f"The code of {asset} holds a connection that was opened before it ran, so its record would not name what "
            "its tables were filled with, or which files its SQL opens. That holds for a database in memory too."
        )
        advice = "connect inside the function, and fill the database there with what the asset reads"
    elif (original := originals.get(id(held.value))) is not None:
        found = original[1]
        message = f"The code of {asset} holds a reader that was put aside before lineage watched it."
        advice = f"call it by the name in its module, {found}"
    elif _is_one_of(kind, _WORKERS):
        message = (
            f"The code of {asset} holds a thread, or a queue to one, that began before it ran, so its record would not "
            "name what that thread reads for it."
        )
        advice = "start the thread inside the function, or hand the work to an executor, which is guarded like the code"
    raise UnnotedFile(
        message,
        expected="reads through its inputs",
        found=f"{held.name}, {found}" + (f" of {', '.join(files[:3])}" if files else ""),
        where=f"{place.co_filename}:{place.co_firstlineno}, in {place.co_name}"
        if place is not None
        else asset,
        advice=advice,
    )
