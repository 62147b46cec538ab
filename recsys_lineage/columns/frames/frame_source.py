"""Leaves of a Polars plan, identified so that two plans over the same frame are known to read the same data."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any

import polars as pl

_SCANS = re.compile(r"\bSCAN \[(.+)\]$", re.MULTILINE)


def plan_of(frame: pl.LazyFrame) -> Any:
    """Polars' traverser of a frame's resolved plan, which is not optimized."""
    return frame._ldf.with_optimizations(pl.QueryOptFlags.none()._pyoptflags).visit()


def leaves_of(plan: Any) -> Iterator[Any]:
    """The leaves below a traverser's node, from the first input to the last."""
    inputs = plan.get_inputs()
    if not inputs:
        yield plan.view_current_node()
        return
    here = plan.get_node()
    for each in inputs:
        plan.set_node(each)
        yield from leaves_of(plan)
    plan.set_node(here)


def files_of(frame: pl.LazyFrame) -> list[str]:
    """The files, as paths or addresses, that a frame's plan scans by itself.

    Polars lists all files except those in Arrow's IPC format, of which only the first appear in the printed plan.
    """
    try:
        leaves = [*leaves_of(plan_of(frame))]
    except NotImplementedError:
        printed = _SCANS.findall(frame.explain(optimized=False))
        return [path for scan in printed for path in scan.split(", ") if not path.startswith("... ")]
    return [str(path) for leaf in leaves if type(leaf).__name__ == "Scan" for path in leaf.paths]


def source_of(node: Any) -> Hashable:
    """Identity of a leaf's data: its files, its function, or the memory of its frame's columns."""
    kind = type(node).__name__
    if kind == "Scan":
        return kind, tuple(str(path) for path in node.paths)
    if kind == "PythonScan":
        return kind, id(node.options[0])
    frame = pl.DataFrame._from_pydf(node.df)
    newest = pl.CompatLevel.newest()
    places = [
        tuple(part.address for part in column.to_arrow(compat_level=newest).buffers() if part)
        for column in frame
    ]
    return kind, tuple(frame.schema.items()), tuple(places)


def made_by_scan(node: Any) -> set[str]:
    """The columns of a leaf that are in none of its files: row numbers and file names."""
    if type(node).__name__ != "Scan":
        return set()
    options = node.file_options
    return {
        name for name in ((options.row_index or [None])[0], options.include_file_paths) if name is not None
    }


def columns_of_source(source: Hashable) -> str | None:
    """Input name of a leaf that is none of the tables: the path of its first file."""
    assert isinstance(source, tuple)
    return source[1][0] if source[0] == "Scan" else None
