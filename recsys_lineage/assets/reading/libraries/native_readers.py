"""Readers of native libraries, wrapped to consult the guard of the asset's code before they open a file.

Polars, Arrow, DuckDB and the like open files unnoticed by Python. So each of their public functions with a reading word
in its name (`read_csv`, `scan_parquet`, `memory_map`, `load`), and each class that opens a file, consults the guard
first, whatever name or object the asset's code has it by (`replaced_functions.py`). Without a guard the cost is one
dictionary lookup.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import inspect
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from glob import iglob
from types import ClassMethodDescriptorType, FunctionType, ModuleType
from typing import Any

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.file_guard import FileGuard
from recsys_lineage.assets.reading.guarded_threads import guard_at_work
from recsys_lineage.assets.reading.libraries.arrow_file_systems import guarded_file_system
from recsys_lineage.assets.reading.libraries.replaced_functions import (
    Wrap,
    marked,
    names_of,
    replace_functions,
    replace_method,
)

LIBRARIES = frozenset(
    {"deltalake", "dgl", "duckdb", "fsspec", "lightgbm", "lxml", "pandas", "polars", "pyarrow", "readline", "rustworkx",
     "safetensors", "scipy", "tokenizers", "torch"}
)  # fmt: skip
"""Libraries that read files in native code; NumPy opens its files with Python, whose audit hook reports it."""
WORDS = frozenset(
    {
        "csv",
        "dataset",
        "deserialize",
        "file",
        "files",
        "load",
        "memory",
        "mminfo",
        "mmread",
        "open",
        "parquet",
        "read",
        "scan",
        "stream",
    }
)
"""Words in the names of functions that read files."""
CLASSES: Mapping[str, Sequence[str]] = {
    "deltalake": ("DeltaTable",),
    "lightgbm": ("Booster", "Dataset"),
    "pandas": ("HDFStore",),
    "pyarrow.feather": ("FeatherDataset",),
    "pyarrow.ipc": ("RecordBatchFileReader", "RecordBatchStreamReader"),
    "pyarrow.orc": ("ORCFile",),
    "pyarrow.parquet": ("ParquetDataset", "ParquetFile"),
    "tokenizers": (
        "BertWordPieceTokenizer",
        "ByteLevelBPETokenizer",
        "CharBPETokenizer",
        "SentencePieceBPETokenizer",
    ),
    "torch.package": ("PackageImporter",),
}
"""Classes whose constructors open a file."""
FUNCTIONS: Mapping[str, Sequence[str]] = {
    "lightgbm": ("cv", "train"),
    "lxml.etree": ("iterparse", "parse"),
    "lxml.html": ("parse",),
    "lxml.objectify": ("parse",),
    "safetensors": ("safe_open",),
}
"""Further functions and native classes that open a file."""
METHODS: Mapping[str, Sequence[str]] = {"tokenizers.Tokenizer": ("train",)}
"""Methods of instances that open a file, by class."""
INHERITED: Mapping[str, Sequence[str]] = {"torch.UntypedStorage": ("from_file",)}
"""Class methods that open a file and that a class inherits from a native one, which cannot be changed."""
STATEMENTS: Mapping[str, str] = {"deltalake.QueryBuilder": "execute", "polars.SQLContext": "execute"}
"""Methods that take a statement, which may name files, by class."""
SOURCES = frozenset(
    {"data", "f", "file", "file_or_buffer", "filename", "filepath_or_buffer", "files", "init_model", "io",
     "model_file", "params", "path", "path_or_buf", "path_or_paths", "source", "table_uri", "uri", "vocab", "where"}
)  # fmt: skip
"""Names of parameters that take a file; a function's first parameter takes one whatever its name is."""
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
_LONGEST_PATH = 4_096
_DATABASES = ("postgres", "mysql", "mssql", "oracle", "redshift", "clickhouse", "sqlite", "bigquery", "trino")
_READS_IN_SQL = re.compile(r"\b(read|scan)_\w+\s*\(|\bEXTERNAL\s+TABLE\b", re.IGNORECASE)

WRAPPER_FILES.add(__file__)
_covered: set[str] = set()
_lock = threading.RLock()
_importing = threading.local()


def watch_readers() -> None:
    """Make native readers consult the guard, including those imported later, for the rest of the process's life."""
    with _lock:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
            _cover()


def is_reader(name: str, value: object, module: str) -> bool:
    """Whether an attribute of a library's public module is a function that reads files, judging by its name.

    Args:
        module: the module; some native functions do not say where they are from.
    """
    if not _has_reading_word(name):
        return False
    if (
        isinstance(value, ModuleType)
        or not callable(value)
        or (isinstance(value, type) and not name.islower())
    ):
        return False
    return _is_of_library(value, module)


def _has_reading_word(name: str) -> bool:
    return not name.startswith("_") and not WORDS.isdisjoint(name.lower().split("_"))


def _is_of_library(value: object, module: str) -> bool:
    """Whether a library has defined what one of its modules names."""
    home = str(getattr(value, "__module__", None) or module)
    return home.partition(".")[0].lstrip("_") in LIBRARIES


def _reading_constructors(kind: type) -> list[str]:
    """Names of the class and static methods of a class that read files, such as `from_file`."""
    return [
        name
        for name, value in vars(kind).items()
        if isinstance(value, classmethod | staticmethod | ClassMethodDescriptorType)
        and _has_reading_word(name)
    ]


def _cover() -> None:
    """Wrap the readers of all newly imported modules."""
    with _lock:
        readers: dict[int, tuple[str, Any]] = {}
        others: dict[str, tuple[Any, Wrap]] = {}
        for name, module in list(sys.modules.items()):
            if name in _covered or not _is_public(name) or not isinstance(module, ModuleType):
                continue
            _covered.add(name)
            for attribute, value in names_of(module):
                called = f"{name}.{attribute}"
                if is_reader(attribute, value, name) or attribute in FUNCTIONS.get(name, ()):
                    known = readers.get(id(value), (called, value))
                    readers[id(value)] = min(known, (called, value), key=_dots)  # as it is called most
                elif attribute in CLASSES.get(name, ()):
                    replace_method(value, "__init__", partial(_guarded, called=called, first=1))
                elif (name, attribute) == ("fsspec.asyn", "sync"):
                    others[called] = value, _syncing
                elif name == "pyarrow.fs" and attribute.endswith("FileSystem"):
                    others[called] = value, partial(guarded_file_system, called=called)
                # some objects warn when they are asked for their class
                is_class = issubclass(type(value), type) and not attribute.startswith("_")
                if is_class and _is_of_library(value, name):
                    _cover_class(value, called)
        # all at once: to look for the names of native functions takes long
        others |= {called: (value, partial(_guarded, called=called)) for called, value in readers.values()}
        replace_functions(others)


def _cover_class(kind: type, called: str) -> None:
    """Wrap the methods of a class that read files."""
    for method in (*_reading_constructors(kind), *INHERITED.get(called, ())):
        _guard_constructor(kind, method, f"{called}.{method}")
    for method in METHODS.get(called, ()):
        replace_method(kind, method, partial(_guarded, called=f"{called}.{method}", first=1))
    if (method := STATEMENTS.get(called)) is not None:
        replace_method(kind, method, partial(_guarded, called=f"{called}.{method}", first=1, sql=True))


def _dots(named: tuple[str, object]) -> int:
    return named[0].count(".")


def _is_public(module: str) -> bool:
    parts = module.split(".")
    return parts[0] in LIBRARIES and len(parts) <= 2 and not any(part.startswith("_") for part in parts)


def _guarded(
    function: Callable[..., Any], called: str, first: int = 0, sql: bool = False
) -> Callable[..., Any]:
    """The function, wrapped to consult the guard first where there is one.

    Args:
        called: its public name, for messages.
        first: index of the positional argument that may be a file.
        sql: whether that argument is a statement, which may name files.
    """

    @functools.wraps(function)
    def guarded_call(*arguments: Any, **options: Any) -> Any:
        if (guard := guard_at_work()) is not None:
            with guard.paused():
                _consult(guard, called, arguments[first : first + 1], options, sql)
        return function(*arguments, **options)

    return guarded_call


def _syncing(sync: Callable[..., Any]) -> Callable[..., Any]:
    """fsspec's way to have another machine asked by another thread, in which the asset's code is not to be seen."""

    @functools.wraps(sync)
    def guarded_call(loop: object, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        guard = guard_at_work()
        system = getattr(function, "__self__", None)
        if guard is not None and (guard.system is None or guard.system is not system):
            with guard.paused():
                guard.check_address(f"fsspec's {type(system).__name__}", str(arguments[:1]))
        return sync(loop, function, *arguments, **options)

    return guarded_call


def _guard_constructor(kind: type, method: str, called: str) -> None:
    """Wrap a class or static method that constructs an instance from a file."""
    held = inspect.getattr_static(kind, method)
    if isinstance(held, classmethod | staticmethod) and isinstance(held.__func__, FunctionType):
        first = int(isinstance(held, classmethod))
        replace_functions({called: (held.__func__, partial(_guarded, called=called, first=first))})
    elif not hasattr(getattr(held, "__func__", None), "_is_guarded"):
        guarded_call = _guarded(
            lambda owner, *arguments, **options: held.__get__(None, owner)(*arguments, **options), called, 1
        )
        with suppress(TypeError):  # a class of native code that cannot be changed
            setattr(kind, method, classmethod(marked(guarded_call)))


def _consult(
    guard: FileGuard, called: str, arguments: tuple[Any, ...], options: Mapping[str, Any], sql: bool
) -> None:
    if sql:
        for text in (*arguments, options.get("query"), options.get("sql")):
            if isinstance(text, str) and (found := _READS_IN_SQL.search(text)):
                guard.refuse(called, f"{found[0].rstrip('(').rstrip()} in {text}")
        return
    sources = [*arguments, *(value for name, value in options.items() if name in SOURCES)]
    check_files(guard, called, sources, options.get("filesystem") is not None)


def check_files(guard: FileGuard, called: str, sources: object, elsewhere: bool = False) -> None:
    """Consult a guard about files that native code is about to open.

    Args:
        called: the function that opens it, for messages.
        sources: a path, a URL or a pattern, or several; other values name no file.
        elsewhere: whether the files are on another machine.

    Raises:
        UnnotedFile: no record would name one of them.
    """
    for text in _texts(sources):
        address = _ADDRESS.match(text)
        if address is not None and address["scheme"] == "file":
            text, address = text.removeprefix("file://"), None
        if elsewhere or address is not None:
            if address is None or not address["scheme"].startswith(_DATABASES):
                guard.refuse(called, text)
        else:
            for path in _files(os.path.expanduser(text)):
                guard.check(called, path)


def _texts(value: object) -> Iterator[str]:
    """Texts in an argument that could name a file; a text longer than a path is the content of one."""
    if isinstance(value, str | bytes):
        if len(value) <= _LONGEST_PATH:
            yield os.fsdecode(value)
    elif isinstance(value, os.PathLike):
        yield os.fsdecode(value)
    elif isinstance(value, dict):  # parameters, of which some may name files
        for name, each in value.items():
            if isinstance(name, str) and ("file" in name or "path" in name):
                yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)


def _files(text: str) -> Iterator[str]:
    """The files that a text names, directly or as a pattern; none where it is no path."""
    try:
        if os.path.exists(text):
            yield text
        elif any(sign in text for sign in "*?[") and text.isprintable():
            yield from iglob(text, recursive=True)
    except (OSError, ValueError, RecursionError):  # no path: too long, with a NUL, with a thousand folders
        return


class _Finder(importlib.abc.MetaPathFinder):
    """Import finder that notices imports of the libraries, to wrap their readers afterwards."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Spec from the other finders; None for all other modules."""
        if not _is_public(fullname):
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next((found for each in others if (found := each.find_spec(fullname, path, target))), None)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "__dict__"):
            execute = spec.loader.exec_module

            def execute_and_cover(module: ModuleType) -> None:
                depth = getattr(_importing, "depth", 0)
                _importing.depth = depth + 1
                try:
                    execute(module)
                finally:
                    _importing.depth = depth
                if not depth:
                    _cover()

            spec.loader.exec_module = execute_and_cover  # pyright: ignore[reportAttributeAccessIssue]
        return spec
