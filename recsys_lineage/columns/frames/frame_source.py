"""What a leaf of a Polars plan reads, so that two plans over the same frame are known to read the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import polars as pl


def source_of(node: Any) -> Hashable:
    """What tells a leaf's data from other data: its files, its function, or where its frame's columns lie in memory."""
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


def columns_of_source(source: Hashable) -> str | None:
    """The name of the input that a leaf is when it is none of the tables: the path of its first file."""
    assert isinstance(source, tuple)
    return source[1][0] if source[0] == "Scan" else None
