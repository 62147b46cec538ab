"""opened_files: the files below some folders that are opened during a block, as reported by the kernel.

Python does not see files opened by native code; Linux reports all of them through inotify. This includes other
processes, so none should use the folders meanwhile.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys_lineage.proof.experiment import ExperimentError

_OPEN, _OVERFLOW, _ONLY_FOLDERS, _IS_FOLDER = 0x20, 0x4000, 0x01000000, 0x40000000
_EVENT = struct.Struct("iIII")


@contextmanager
def opened_files(folders: Iterable[Path]) -> Iterator[set[Path]]:
    """Collect the files below the folders that are opened inside the block; the set is filled when it ends.

    Folders created inside the block are not watched.

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
        for top in folders:
            for folder, _, _ in os.walk(top):
                number = libc.inotify_add_watch(handle, os.fsencode(folder), _OPEN | _ONLY_FOLDERS)
                if number < 0:
                    raise _refused()
                watched[number] = Path(folder)
        # walking through the folders opened them
        _drain(handle, watched)
        yield found
        found |= _drain(handle, watched)
    finally:
        os.close(handle)


def _drain(handle: int, watched: dict[int, Path]) -> set[Path]:
    found: set[Path] = set()
    while True:
        try:
            data = os.read(handle, 1 << 20)
        except BlockingIOError:
            return found
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
            if name and not mask & _IS_FOLDER:
                found.add(watched[number] / os.fsdecode(name))


def _refused() -> ExperimentError:
    return ExperimentError(
        "The kernel does not watch the folders.",
        found=os.strerror(ctypes.get_errno()),
        advice="raise fs.inotify.max_user_watches and max_user_instances",
    )
