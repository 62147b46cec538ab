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
    also read in another form is not listed. No file is opened; hidden ones and links to folders are left out.

    Args:
        root: the data folder.
        read: paths of the files that are read, below it.
    """
    stems = {_stem(path) for path in read}
    like = {_unnumbered(stem): path for stem, path in zip(map(_stem, read), read, strict=True)}
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name).relative_to(root).as_posix()
            stem = _stem(path)
            if name.startswith((".", "~")) or path in read or stem == path.casefold() or stem in stems:
                continue
            if (other := like.get(_unnumbered(stem))) is not None:
                found[path] = other
            elif names_returns(path) and read and not any(map(names_returns, read)):
                found[path] = min(read)
    return dict(sorted(found.items()))


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
