"""Guarded code: while an asset's code runs, opening anything other than through its inputs is an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from recsys_lineage.assets.reading.file_guard import FileGuard
from recsys_lineage.assets.reading.guarded_threads import guard_at_work, guarding
from recsys_lineage.assets.reading.held_files import check_held
from recsys_lineage.assets.reading.input_files import InputFiles
from recsys_lineage.assets.reading.libraries.duckdb_connections import frames_alone, watch_connections
from recsys_lineage.assets.reading.libraries.lazy_frames import watch_lazy_frames
from recsys_lineage.assets.reading.libraries.native_readers import watch_readers
from recsys_lineage.assets.reading.libraries.spawned_processes import watch_processes
from recsys_lineage.assets.reading.libraries.sqlite_connections import attaching_noted, watch_attaching
from recsys_lineage.assets.reading.package_files import PackageFiles
from recsys_lineage.lake.lake_tables import LakeTables, watch_lakes


@contextmanager
def guarded(
    asset: str,
    folders: Iterable[str | os.PathLike[str] | None] = (),
    code: Callable[..., object] | None = None,
    *,
    inputs: InputFiles | None = None,
    frame: FrameType | None = None,
    packages: PackageFiles | None = None,
) -> Iterator[FileGuard]:
    """While the block runs, this thread and those that it starts can open only what a record names.

    Args:
        asset: the asset whose code runs.
        folders: the run's own files and folders, with everything below them.
        code: the asset's function, which must hold no file that was opened before; not checked when None.
        inputs: the inputs of the code, which may open every file that they note.
        frame: the frame of the block; the caller's when None.
        packages: the files of first-party packages that the code may open; all when None.

    Raises:
        UnnotedFile: the code opens another file, holds an open one, or starts another process.
    """
    watch_libraries()
    block = frame or sys._getframe(2)
    with guarding(asset, folders, block) as guard, frames_alone(guard), attaching_noted(guard):
        if packages is not None:
            guard.packages = packages
        if code is not None:
            check_held(guard, code)
        if inputs is not None:
            inputs.noting = guard.allow
            guard.system = inputs.system
        with _reporting(guard):
            yield guard


def watch_libraries() -> None:
    """Make what opens files consult the guard, for the rest of the process's life; without a guard it opens them as
    before."""
    watch_readers()
    watch_connections()
    watch_lazy_frames()
    watch_processes()
    watch_attaching()
    watch_lakes(_opening_a_lake)


@contextmanager
def _reporting(guard: FileGuard) -> Iterator[None]:
    """Inside the block, the guard's own error replaces that of a library, which called the code and was stopped."""
    try:
        yield
    except Exception as error:
        refused = guard.refused
        if refused is not None and error is not refused and refused.message in str(error):
            raise refused from error
        raise


def _opening_a_lake(lake: LakeTables) -> None:
    if (guard := guard_at_work()) is not None:
        with guard.paused():
            guard.check_lake(lake, lake.uri)
