"""LazyFrames collected by an asset's code: they may scan its inputs, and files that are on record.

A frame may have been created when a module was imported, unobserved. Its plan names the files that it will open, and
the columns that it reads of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import polars as pl

from recsys_lineage.assets.reading.calling_code import WRAPPER_FILES
from recsys_lineage.assets.reading.file_guard import FileGuard, NoteColumns
from recsys_lineage.assets.reading.guarded_threads import guard_at_work
from recsys_lineage.assets.reading.libraries.native_readers import check_files
from recsys_lineage.assets.reading.libraries.replaced_functions import replace_functions, replace_method
from recsys_lineage.columns.frames.frame_source import files_of, leaves_of, plan_of

WRAPPER_FILES.add(__file__)
METHODS = ("collect", "describe", "execute", "fetch", "profile", "remote", "show", "sink_")
"""Beginnings of the names of LazyFrame methods that run the plan; which exist depends on the version of Polars."""
RUN_NOTHING = frozenset({"collect_schema", "show_graph"})
"""Methods with such names that do not run the plan."""
_OPTIMIZED = frozenset({"no_optimization", "optimizations", "projection_pushdown"})
"""Options that tell Polars which columns a plan's scans may leave out."""
FUNCTIONS = ("collect_all", "collect_all_async")
"""Functions that run the plans of several LazyFrames."""


def watch_lazy_frames() -> None:
    """Make LazyFrames consult the guard before they are collected, for the rest of the process's life."""
    for name in list(vars(pl.LazyFrame)):
        if name.startswith(METHODS) and name not in RUN_NOTHING:
            replace_method(pl.LazyFrame, name, partial(_guarded, called=f"polars.LazyFrame.{name}"))
    replace_functions(
        {
            called: (getattr(pl, name), partial(_guarded, called=called))
            for name in FUNCTIONS
            for called in (f"polars.{name}",)
        }
    )


def check_frame(guard: FileGuard, frame: pl.LazyFrame, called: str = "polars.LazyFrame.collect") -> None:
    """Check the files that a frame's plan is about to open.

    Args:
        called: the method or function that runs the plan, for messages.

    Raises:
        UnnotedFile: a file that no record would name is among them.
    """
    try:
        files = files_of(frame)
    except (pl.exceptions.PolarsError, OSError):
        return  # it has no plan and will raise itself
    for file in files:
        if not guard.scans(file):
            check_files(guard, called, file)


def note_plan(guard: FileGuard, frame: pl.LazyFrame, *, is_optimized: bool) -> None:
    """Note the columns of the inputs that a frame's plan reads.

    Args:
        is_optimized: whether Polars optimizes the plan as it does by default; else all columns count.
    """
    if not guard.scanned:
        return
    read: list[tuple[NoteColumns, list[str] | None]] = []
    try:
        plan = frame._ldf.visit() if is_optimized else plan_of(frame)
        for leaf in leaves_of(plan):
            if type(leaf).__name__ == "Scan":
                notes = {note for path in leaf.paths if (note := guard.scanned.get(str(path))) is not None}
                read += [(note, leaf.file_options.with_columns if is_optimized else None) for note in notes]
    except (pl.exceptions.PolarsError, OSError, NotImplementedError):  # it raises itself, or does not tell
        read = [(note, None) for note in set(guard.scanned.values())]
    for note, columns in read:
        note(columns)


def _guarded(function: Callable[..., Any], called: str) -> Callable[..., Any]:
    """The function, wrapped to consult the guard about the frames that it is called on or with."""

    @functools.wraps(function)
    def guarded_call(*arguments: Any, **options: Any) -> Any:
        if (guard := guard_at_work()) is not None:
            frames = arguments[0] if arguments else options.get("lazy_frames", ())
            if isinstance(frames, Iterator):  # it can be gone through once
                frames = [*frames]
                arguments = (frames, *arguments[1:])
            with guard.paused():
                is_optimized = _OPTIMIZED.isdisjoint(options)
                for frame in (frames,) if isinstance(frames, pl.LazyFrame) else frames:
                    if isinstance(frame, pl.LazyFrame):
                        check_frame(guard, frame, called)
                        note_plan(guard, frame, is_optimized=is_optimized)
        return function(*arguments, **options)

    return guarded_call
