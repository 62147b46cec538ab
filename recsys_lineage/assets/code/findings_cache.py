"""FindingsCache: results of the code analysis, cached next to the byte code until the code changes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from recsys_lineage.assets.code.first_party import FirstPartyModules

LARGE = 1 << 20
"""Size from which a file counts by its size and time; smaller ones, all code included, count by their content."""

PAUSE = 10
"""Pause after the findings were written, as a multiple of the time that took."""


class FindingsCache:
    """Findings about the definitions of a package, cached in a file in its `__pycache__`: plain JSON by kind and key.

    The analysis of a project takes seconds, and each step of a run is a separate process. Findings of another process
    are used if every file and folder of the same first-party packages, Python and this analysis are unchanged. Like
    byte code, they are not written under `sys.dont_write_bytecode` or into a folder that is not writable.

    A process that looks through a project for the first time has new findings dozens of times in a row, and each time
    they are written as a whole, after all files were compared. So what follows soon after is written later, at the
    latest as the process ends.

    Args:
        package: the top-level package that the file lies in.
        modules: the first-party modules; looked up again for the packages that the file names.
    """

    def __init__(self, package: str, modules: FirstPartyModules) -> None:
        self._modules = modules
        self._path, self._mode = _place(package, modules)
        self._found: dict[str, dict[str, Any]] = self._read()
        self._next = 0.0
        self._pending_in: int | None = None

    def get(self, kind: str, key: str) -> Any:
        """A cached finding, None if there is none."""
        return self._found.get(kind, {}).get(key)

    def store(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Store findings, kind → key → value, for other processes; to be called by one thread at a time."""
        for kind, values in found.items():
            self._found.setdefault(kind, {}).update(values)
        if self._path is None or sys.dont_write_bytecode:
            return
        if time.monotonic() >= self._next:
            self._write(self._path)
        elif self._pending_in != os.getpid():  # not at the end of a process that this one is forked from
            Finalize(None, self.write_pending, exitpriority=0)
            self._pending_in = os.getpid()

    def write_pending(self) -> None:
        """Write findings that were stored soon after others."""
        if self._path is not None and self._pending_in == os.getpid():
            self._write(self._path)

    def _write(self, path: Path) -> None:
        began = time.monotonic()
        with suppress(OSError):  # a full disk, a folder that is not there, or not ours to write into
            made_of = _made_of(self._modules, self._modules.homes())
            if not self._modules.changed():  # else, what was looked through is no longer what lies there
                self._replace(path, {"made of": made_of, "found": self._found})
        self._next = time.monotonic() + PAUSE * (time.monotonic() - began)
        self._pending_in = None

    def _replace(self, path: Path, content: Mapping[str, Any]) -> None:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as stream:
            written = Path(stream.name)
            try:
                json.dump(content, stream)
                stream.flush()
                written.chmod(self._mode)
                written.replace(path)
            except OSError:
                written.unlink(missing_ok=True)

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._path is None:
            return {}
        try:
            stored = json.loads(self._path.read_text())
            made_of, found = (
                stored["made of"],
                {kind: dict(values) for kind, values in stored["found"].items()},
            )
            return found if made_of == _made_of(self._modules, made_of["packages"]) else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _place(package: str, modules: FirstPartyModules) -> tuple[Path | None, int]:
    """Path of the findings, next to the byte code of the package's first file, and the permissions of that file."""
    home = next(iter(modules.home(package) or ()), None)
    if home is None:
        return None, 0
    first = home if home.suffix == ".py" else home / "__init__.py"
    owned = f"of-{modules.owner}" if modules.owner else "of-all"
    name = f"{package}.{owned}.{sys.implementation.cache_tag}.code-findings.json"
    try:
        return Path(importlib.util.cache_from_source(str(first))).with_name(
            name
        ), first.stat().st_mode & 0o666
    except (NotImplementedError, OSError):  # a folder without a first file is written by nobody
        return None, 0


def _made_of(modules: FirstPartyModules, tops: Mapping[str, Any]) -> dict[str, Any]:
    """Dependencies of the findings, as plain JSON: Python, this analysis, and the packages' location and content."""
    packages = {top: modules.home(top) for top in sorted(tops)}
    own = {str(home): _content(home) for homes in packages.values() for home in homes or ()}
    return {
        "python": sys.version,
        "analysis": _analysis(),
        "packages": {top: homes and [str(home) for home in homes] for top, homes in packages.items()},
        "content": own,
        "files outside": {
            str(path): None if stamp is None else list(stamp)
            for path, stamp in sorted(modules.seen().items())
            if not any(path.is_relative_to(home) or path == home.parent for home in map(Path, own))
        },
    }


@cache
def _analysis() -> str:
    return _content(Path(__file__).parent)


def _content(home: Path) -> str:
    """A hash of a file, or of all files and folders below a folder except byte code."""
    found = [(home, home.stat())] if home.is_file() else list(_below(home))
    return _hash(home, tuple((path, it.st_mode, it.st_size, it.st_mtime_ns) for path, it in found))


@lru_cache(maxsize=64)
def _hash(home: Path, found: tuple[tuple[Path, int, int, int], ...]) -> str:
    total = hashlib.sha256()
    for path, mode, size, changed in found:
        total.update(f"{path.relative_to(home.parent)}\x1f".encode())
        if stat.S_ISREG(mode):
            content = f"{size} {changed}".encode() if size >= LARGE else path.read_bytes()
            total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def _below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Files and folders below a folder with their stat results, in order; links are followed."""
    met: set[tuple[int, int]] = set()  # a link may lead to a folder around it
    for name, folders, files in os.walk(folder, followlinks=True):
        own = os.stat(name)
        again = (own.st_dev, own.st_ino) in met
        met.add((own.st_dev, own.st_ino))
        folders[:] = [] if again else sorted(each for each in folders if each != "__pycache__")
        for each in () if again else (*folders, *sorted(files)):
            path = Path(name, each)
            with suppress(OSError):  # a link that leads nowhere
                yield path, path.stat()
