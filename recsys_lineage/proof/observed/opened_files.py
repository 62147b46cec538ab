"""opened_files: the files below some folders that are opened during a block, as reported by the kernel.

Python does not see files opened by native code; Linux reports all of them through inotify. This includes other
processes, so none should use the folders meanwhile.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys_lineage.proof.experiment import ExperimentError

_OPEN, _WRITTEN, _MADE, _OVERFLOW = 0x20, 0x08, 0x80 | 0x100, 0x4000
_ONLY_FOLDERS, _IS_FOLDER = 0x01000000, 0x40000000
_GONE = (errno.ENOENT, errno.EACCES)
"""A folder that is gone by now, or not ours to look into, so that nothing in it is opened."""
_EVENT = struct.Struct("iIII")


@contextmanager
def opened_files(folders: Iterable[Path], alone: Iterable[Path] = ()) -> Iterator[set[Path]]:
    """Collect the files that are opened inside the block to be read; the set is filled when it ends.

    Files made inside the block are left out, and folders made inside it are not watched.

    Args:
        folders: the folders, watched with everything below them.
        alone: further folders, watched without those below them.

    Raises:
        ExperimentError: the kernel cannot watch so many folders, or lost events.
    """
    found: set[Path] = set()
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if handle < 0:
        raise _refused()
    try:
        watched: dict[int, Path] = {}
        below = (folder for top in folders for folder, _, _ in os.walk(top))
        for folder in (*below, *alone):
            number = libc.inotify_add_watch(
                handle, os.fsencode(folder), _OPEN | _WRITTEN | _MADE | _ONLY_FOLDERS
            )
            if number >= 0:
                watched[number] = Path(folder)
            elif ctypes.get_errno() not in _GONE:
                raise _refused()
        # walking through the folders opened them
        _drain(handle, watched)
        yield found
        found |= _drain(handle, watched)
    finally:
        os.close(handle)


def _drain(handle: int, watched: dict[int, Path]) -> set[Path]:
    """The files opened since, without those made since and those only written to."""
    opened: Counter[Path] = Counter()
    made: set[Path] = set()
    while True:
        try:
            data = os.read(handle, 1 << 20)
        except BlockingIOError:
            return {path for path, times in opened.items() if times > 0 and path not in made}
        start = 0
        while start < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, start)
            name = data[start + _EVENT.size : start + _EVENT.size + length].rstrip(b"\0")
            start += _EVENT.size + length
            if mask & _OVERFLOW:
                raise ExperimentError(
                    "The kernel dropped events of opened files.",
                    expected="fewer events",
                    advice="raise fs.inotify.max_queued_events, or prove an asset that reads fewer files",
                )
            if not name or mask & _IS_FOLDER:
                continue
            path = watched[number] / os.fsdecode(name)
            if mask & _MADE:
                made.add(path)
            opened[path] += bool(mask & _OPEN) - bool(mask & _WRITTEN)


def _refused() -> ExperimentError:
    return ExperimentError(
        "The kernel does not watch the folders.",
        found=os.strerror(ctypes.get_errno()),
        advice="raise fs.inotify.max_user_watches and max_user_instances",
    )
