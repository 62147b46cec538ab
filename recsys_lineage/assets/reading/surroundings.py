"""Surroundings: files of the running program itself: interpreter, installed packages, first-party code, the system."""

from __future__ import annotations

import os
import site
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from functools import cache

_SYSTEM = (
    "/bin", "/etc/fonts", "/etc/hosts", "/etc/ld.so.cache", "/etc/localtime", "/etc/machine-id", "/etc/mime.types",
    "/etc/nsswitch.conf", "/etc/os-release", "/etc/pki", "/etc/resolv.conf", "/etc/ssl", "/etc/timezone", "/lib",
    "/lib64", "/proc", "/sys", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share",
)  # fmt: skip
_DEVICES = "/dev"
SHARED_MEMORY = os.path.realpath("/dev/shm")
"""The folder of files in memory, in which processes share arrays; another process's are data like any file."""
CODE = (".pth", ".py", ".pyc", ".pyi", ".so")
"""Endings of files that Python runs or that describe them."""
_ARCHIVES = (".egg", ".zip")


@cache
def environment() -> frozenset[str]:
    """Folders of the interpreter, of installed packages and of the system."""
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values()}
    paths |= {*site.getsitepackages(), site.getusersitepackages(), *_SYSTEM}
    return frozenset(os.path.realpath(path) for path in paths) - {os.sep}


def temporary() -> str:
    """The folder for temporary files; Python opens it itself to create a file without a name.

    Python looks for it once, with a lock and by making files there. Whoever is asked about these files must not ask for
    the folder, so it is empty until `find_temporary` or other code has found it.
    """
    return os.path.realpath(os.fsdecode(tempfile.tempdir)) if tempfile.tempdir else ""


def find_temporary() -> None:
    """Let Python look for the folder for temporary files."""
    _ = tempfile.gettempdir()


def below(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of some places, or below one."""
    return path in places or any(path.startswith(place + os.sep) for place in places)


def is_device(path: str) -> bool:
    """Whether a path is a device that gives no stored data, such as `/dev/null`, or a folder of devices."""
    if not below(path, (_DEVICES,)) or below(path, (SHARED_MEMORY,)):
        return False
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISDIR(mode)


def belongs_to_code(path: str) -> bool:
    """Whether a path is code that Python could import, or is in a package's folder, like a package's SQL files."""
    for entry in sys.path:
        root = os.path.realpath(entry or os.curdir)
        if not below(path, (root,)):
            continue
        if path.endswith(CODE) or (path == root and path.endswith(_ARCHIVES)):
            return True
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        while below(folder, (root,)) and folder != root:
            if os.path.isfile(os.path.join(folder, "__init__.py")):
                return True
            folder = os.path.dirname(folder)
    return False
