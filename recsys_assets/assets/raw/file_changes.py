"""FileChanges: how the source's files differ from the previous listing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.nights_plot import LONGEST_SHOWN
from recsys_lineage.records.records import Records

WHAT_IS_NEW = "what is new"
_LONGEST_PATH = 200


@dataclass(frozen=True)
class FileChanges:
    """The paths of files that are new, changed or gone since the previous listing."""

    new: Sequence[str]
    changed: Sequence[str]
    gone: Sequence[str]

    @classmethod
    def between(cls, before: pl.DataFrame, now: pl.DataFrame) -> FileChanges:
        """The changes from one version of `source_files` to another; a file that came back is new."""
        held, there = _contents(before), _contents(now)
        return cls(
            new=sorted(there.keys() - held.keys()),
            changed=sorted(path for path in there.keys() & held.keys() if there[path] != held[path]),
            gone=sorted(held.keys() - there.keys()),
        )

    def as_statistics(self) -> dict[str, int]:
        """The number of files of each kind, for the record."""
        return {f"{name} since last time": len(paths) for name, paths in self._named()}

    def in_words(self) -> str:
        """The counts and the first names as Markdown, short enough to be shown without a click."""
        parts = [(name, paths) for name, paths in self._named() if paths]
        if not parts:
            return "nothing"
        for most in range(20, 0, -1):
            text = "\n".join(f"- {len(paths)} {name}: {_first(paths, most)}" for name, paths in parts)
            if len(text) <= LONGEST_SHOWN:
                return text
        return "\n".join(f"- {len(paths)} {name}" for name, paths in parts)

    def _named(self) -> list[tuple[str, Sequence[str]]]:
        return [("new", self.new), ("changed", self.changed), ("gone", self.gone)]


def nothing_new(records: Records) -> dict[str, Any]:
    """The page's text after a listing that found no change; empty after any other."""
    latest = records.history("source_files", last=1)
    if not latest or latest[0].status != "kept":
        return {}
    nothing = FileChanges([], [], [])
    return {WHAT_IS_NEW: dg.MetadataValue.md(nothing.in_words()), **nothing.as_statistics()}


def _contents(files: pl.DataFrame) -> dict[str, str]:
    """Path → sha256 of the existing files."""
    return dict(files.filter(pl.col("status") != "gone").select("path", "sha256").iter_rows())


def _first(paths: Sequence[str], most: int) -> str:
    """The first paths as Markdown, and the number of those left out."""
    shown = [f"`{path[:_LONGEST_PATH].replace('`', chr(39))}`" for path in paths[:most]]
    left = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")
