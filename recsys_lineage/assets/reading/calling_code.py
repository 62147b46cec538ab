"""The calling code of an opened file: the asset's own code, or a trusted library that works on its behalf."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Literal

from recsys_lineage.assets.reading import surroundings

_LINEAGE = "recsys_lineage"
TRUSTED = frozenset(
    {"aiobotocore", "botocore", "dagster", "dagster_shared", "importlib", "linecache", "logging", "s3fs", _LINEAGE}
)  # fmt: skip
"""Packages that open their own files on the code's behalf: imports, logs, events, credentials, the lake."""
TRUSTED_WITH_ADDRESSES = TRUSTED - {"aiobotocore", "botocore", "importlib", "linecache", "s3fs"}
"""Packages that connect to other machines by themselves: for logs, events and the lake."""
_LAKES = (_LINEAGE, "fsspec")
"""The lake's own code, and its file system library, which lists folders."""
_NOTING = (
    "recsys_lineage.assets.code.", "recsys_lineage.assets.frame_code.", "recsys_lineage.assets.reading.",
    "recsys_lineage.assets.sql_code.", "recsys_lineage.columns.", "recsys_lineage.files.own_file.",
    "recsys_lineage.files.path_meaning.", "recsys_lineage.files.source_bytes.unpacked_sha256",
    "recsys_lineage.files.source_file.", "recsys_lineage.progress.", "recsys_lineage.records.", "recsys_lineage.sql.",
    "recsys_lineage.unlocked.",
)  # fmt: skip
"""Functions of lineage through which the asset's code may have something opened: they note the read, or hand it no
content of a file or table. All others, the lake's above all, open only what one of these asks for."""
_IMPORTS = frozenset(
    {"__getattribute__", "__import__", "_find_and_load", "_gcd_import", "_handle_fromlist", "find_spec",
     "import_module", "reload"}
)  # fmt: skip
"""Functions of importlib that import a module; others read a file for whoever calls them."""
_RUNS = {
    "importlib": {"exec_module", "get_code", "load_module"},
    "runpy": {"run_path"},
    "zipimport": {"exec_module", "get_code", "load_module"},
}
"""Functions that open a file in order to run it as code, by package."""
_LISTS = {"lazy_loader": {"attach_stub"}, "pkgutil": {"_iter_file_finder_modules"}}
"""Functions that open a file or a folder for the names of modules, by package."""
WRAPPER_FILES = {__file__}
"""Files of wrapper code between the asset's code and the functions that it calls."""


def frames_up_to(last: FrameType | None) -> Iterator[FrameType]:
    """The frames of this thread from the one that opens a file outwards, without those of wrapper code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not last:
        if frame.f_code.co_filename not in WRAPPER_FILES:
            yield frame
        frame = frame.f_back


def frames_of(traceback: TracebackType | None) -> list[FrameType]:
    """The frames of an error's traceback, from the innermost outwards."""
    frames: list[FrameType] = []
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename not in WRAPPER_FILES:
            frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames[::-1]


def line_of(frames: Sequence[FrameType], trusted: Collection[str] = TRUSTED) -> tuple[str | None, bool]:
    """The running line of the asset's code, and whether a trusted package is working on its behalf.

    Args:
        frames: from the innermost outwards.
        trusted: the packages that are.
    """
    own = package_of_asset(frames)
    entry = caller = None  # the trusted function that was called first, and what called it
    for frame in frames:
        package = package_of(frame)
        if package in trusted or (package == "shutil" and frame.f_code.co_name.startswith("_rmtree")):
            entry, caller = frame, None
            continue
        is_own = is_of_asset(frame, own)
        if entry is not None and caller is None:
            caller = frame
            if package_of(entry) != _LINEAGE and not (is_own and _reads_for_its_caller(entry)):
                return None, True
        if is_own:
            return (None, True) if entry is not None and _notes_reads(entry) else (place(frame), False)
    return None, entry is not None


def purpose_of(frames: Sequence[FrameType]) -> Literal["run", "list", "read"]:
    """The purpose for which a file is opened: to be run as code, for the names of modules, or to be read.

    Args:
        frames: from the innermost outwards.
    """
    own = package_of_asset(frames)
    for frame in frames:
        package, name = package_of(frame), frame.f_code.co_name
        if name in _RUNS.get(package, ()):
            return "run"
        if name in _LISTS.get(package, ()):
            return "list"
        if is_of_asset(frame, own):
            break
    return "read"


def _notes_reads(entry: FrameType) -> bool:
    return f"{_module(entry)}.{entry.f_code.co_name}".startswith(_NOTING)


def _reads_for_its_caller(entry: FrameType) -> bool:
    """Whether a function of a trusted package hands the content of a file to whoever calls it."""
    package = package_of(entry)
    return package == "linecache" or (package == "importlib" and entry.f_code.co_name not in _IMPORTS)


def package_of_asset(frames: Sequence[FrameType]) -> str | None:
    """The package of the first function in the guarded block outside lineage and the lake's file system library."""
    outwards = (package_of(frame) for frame in reversed(frames))
    own = next((package for package in outwards if package not in _LAKES), None)
    return None if own in sys.stdlib_module_names else own  # lineage itself is at work, or a thread


def is_of_asset(frame: FrameType, own: str | None) -> bool:
    """Whether a function is the asset's code: from the asset's own package, or not installed."""
    return is_of_code(_module(frame), frame.f_code.co_filename, (own,))


def is_of_code(module: str, file: str, own: Collection[str | None]) -> bool:
    """Whether a module's file is an asset's code: from one of its own packages, or not installed."""
    package = module.partition(".")[0]
    if package in TRUSTED:
        return False
    return package in own or (not file.startswith("<") and not _is_installed(file))


@lru_cache(maxsize=10_000)
def _is_installed(file: str) -> bool:
    return surroundings.below(os.path.realpath(file), surroundings.environment())


def place(frame: FrameType) -> str:
    """File, line and function of a frame."""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"


def package_of(frame: FrameType) -> str:
    """The package of a frame's function."""
    return _module(frame).partition(".")[0]


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
