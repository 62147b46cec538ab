"""Overlooked files: files of the data folder that a source was probably meant to read, but does not."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

_FORMATS = (".csv", ".tsv", ".txt", ".psv", ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".xls")
_RETURNS = re.compile(
    r"(?<![a-z])(returns?|returned|refunds?|refunded|credit[-_ ]?(notes?|memos?)|gutschrift(en)?|retouren?|storno|"
    r"avoirs?|devoluciones|resi|rma)(?![a-z])"
)
"""Pattern of the words by which shops name files of what came back."""
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".7z")


def overlooked_files(root: Path, read: Collection[str]) -> dict[str, str]:
    """Files whose path differs only in numbers, format or compression from that of a file that is read → that file; and
    files whose names say that they hold returns, if the name of no file that is read says so → any of these.

    The former may be the next day's, under a name that no pattern matches, or one whose format changed. A file that is
    also read in another form is not listed. No file is opened; hidden ones are left out. `**` of a pattern does not go
    into a folder that is a link, so files that one outside of `root` leads to are looked at, too, by their names alone.

    Args:
        root: the data folder.
        read: paths of the files that are read, below it.
    """
    stems = {_stem(path) for path in read}
    like = {_unnumbered(stem): path for stem, path in zip(map(_stem, read), read, strict=True)}
    like_named = {
        _unnumbered(stem.rpartition("/")[2]): path for stem, path in zip(map(_stem, read), read, strict=True)
    }
    found: dict[str, str] = {}
    inside, walked = root.resolve(), set[Path]()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and _is_new(Path(folder, name), inside, walked)
        ]
        is_linked = not Path(folder).resolve().is_relative_to(inside)
        for name in names:
            path = Path(folder, name).relative_to(root).as_posix()
            stem = _stem(path)
            if name.startswith((".", "~")) or path in read or stem == path.casefold() or stem in stems:
                continue
            other = like.get(_unnumbered(stem))
            if other is None and is_linked:
                other = like_named.get(_unnumbered(stem.rpartition("/")[2]))
            if other is not None:
                found[path] = other
            elif names_returns(path) and read and not any(map(names_returns, read)):
                found[path] = min(read)
    return dict(sorted(found.items()))


def _is_new(folder: Path, inside: Path, walked: set[Path]) -> bool:
    """Whether a folder is walked: no link to a place inside the data folder, nor one that leads where another led."""
    if not folder.is_symlink():
        return True
    target = folder.resolve()
    if target.is_relative_to(inside) or inside.is_relative_to(target) or target in walked:
        return False
    walked.add(target)
    return True


def names_returns(path: str) -> bool:
    """Whether a file's name says that it holds returns, as `returns-2024-01-03.csv` does."""
    return _RETURNS.search(path.rpartition("/")[2].casefold()) is not None


def _stem(path: str) -> str:
    """A path without the ends that name a format and a compression, letters alike; whole where it has none."""
    bare = path.casefold()
    for ends in (_COMPRESSED, _FORMATS):
        bare = next((bare.removesuffix(end) for end in ends if bare.endswith(end)), bare)
    return bare


def _unnumbered(stem: str) -> str:
    return re.sub(r"\d+(?:[-_.]\d+)*", "0", stem)
