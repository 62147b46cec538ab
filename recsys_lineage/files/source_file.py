"""The files of a source: found by pattern in one folder, identified by their sha256."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from recsys_lineage.errors import NoDataFolder, SourceSqlError
from recsys_lineage.files.fault import FileFault
from recsys_lineage.files.table_folder import table_folders
from recsys_lineage.records.parts.file_pattern import LANDING

_MOST_HASHES = 100_000
_hashes: dict[tuple[int, ...], tuple[int, str]] = {}
"""Hashes by the state of a file, each with the time at which hashing began."""
_OF_JOBS = re.compile(
    "_(SUCCESS|FAILURE|temporary|metadata|common_metadata|spark_metadata|delta_log|delta_index|change_data|tmp|staging|"
    r"impala_insert_staging|symlink_format_manifest|(started|committed)_\d+)"
)
"""Names of folders and files by which Spark, Hadoop, Hive, Impala and Delta manage a folder of data files."""
_NEVER = datetime.fromtimestamp(0, timezone.utc)
_READABLE = "a readable file inside the data folder"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was when it was listed.

    `path` is relative to the data folder, with forward slashes. `fault` is set, and `sha256` empty, if the file could
    not be read at all; such a file is listed so that it is reported with the others. `link_to` is the path of the file
    that links of it or its folders lead to. `is_unchanged` compares `signature`.
    """

    path: str
    bytes: int
    sha256: str
    modified: datetime
    fault: FileFault | None = None
    link_to: str = ""
    signature: tuple[int, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class DuplicateFile:
    """A file with the same content as `duplicate_of`, which was delivered before."""

    file: SourceFile
    duplicate_of: str


def parsed_pattern(pattern: str) -> str:
    """The pattern of a scan, checked to stay inside the data folder.

    Raises:
        SourceSqlError: the pattern is empty, absolute or contains `..`.
    """
    parts = PurePosixPath(pattern).parts
    if not parts or pattern.startswith(("/", "~")) or "\\" in pattern or ":" in parts[0] or ".." in parts:
        raise SourceSqlError(
            "A source reads files of its data folder only.",
            expected="a file pattern relative to the data folder, such as '*.csv'",
            found=repr(pattern),
            advice="put the files into the data folder and name them from there",
        )
    return pattern


def path_order(path: str) -> tuple[bool, str]:
    """Sort key of file paths: the data folder first, its landing folder last."""
    return (PurePosixPath(path).parts[:1] == (LANDING,), path)


def list_files(root: Path, pattern: str) -> list[SourceFile]:
    """The files under `root`, and under its landing folder, that match `pattern`, in path order.

    Case does not matter, `*.csv` also matches `DAY.CSV`, because files come from all kinds of machines. A gzip file
    with `.gz` after a matching name matches too, and so does a name in another Unicode normalization (NFC, NFD). Hidden
    files, those that jobs of Spark and the like keep for themselves, and files of former versions of a Delta table are
    left out. A symbolic link that points outside `root` or nowhere, an unreadable file, and one of a table whose rows
    are not told by its files alone, are listed with their `fault`.

    Raises:
        SourceSqlError: the pattern points outside the folder.
        NoDataFolder: `root` is not a folder.
    """
    inside = root.resolve()
    found, faults = _found(root, pattern)
    return [
        SourceFile(name, 0, "", _NEVER, faults[name]) if name in faults else hashed_file(path, name, inside)
        for name, path in found.items()
    ]


def found_paths(root: Path, pattern: str) -> dict[str, Path]:
    """The paths below `root` of the files that `list_files` lists, in its order; no file is opened.

    Raises:
        SourceSqlError: the pattern points outside the folder.
        NoDataFolder: `root` is not a folder.
    """
    return _found(root, pattern)[0]


def _found(root: Path, pattern: str) -> tuple[dict[str, Path], dict[str, FileFault]]:
    """The listed paths in order, and the faults of those in tables whose rows their files alone do not tell."""
    parsed_pattern(pattern)
    if not root.is_dir():
        raise NoDataFolder(
            "The data folder is missing.",
            expected="a folder with the source's files",
            found="no folder",
            where=str(root),
            advice="name the folder that holds the files, or make this one",
        )
    found = {
        path.relative_to(root).as_posix(): path
        for folder in (root, root / LANDING)
        if folder.is_dir()
        for spelled in {normalize(form, pattern) for form in ("NFC", "NFD")}
        for wanted in (spelled, f"{spelled}.gz")
        for path in folder.glob(_in_either_case(wanted))
    }
    tables = table_folders(root, found)
    listed = {
        name: found[name]
        for name in sorted(found, key=path_order)
        if name not in tables.former and not is_hidden(name) and not found[name].is_dir()
    }
    return listed, tables.faults


def is_hidden(path: str) -> bool:
    """Whether a file is hidden, the lock file of an office program (`~$orders.csv`), or one that a job which writes
    folders of files keeps for itself: a mark that it ended (`_SUCCESS`), a part that it did not finish (below
    `_temporary`), a log of its versions.
    """
    return any(part.startswith((".", "~$")) or _OF_JOBS.fullmatch(part) for part in PurePosixPath(path).parts)


def names_in(folder: Path) -> list[str]:
    """The names of a folder's entries, sorted, for messages; nothing is opened."""
    return sorted(path.name for path in folder.iterdir())


def deduplicate(
    files: Iterable[SourceFile],
    meanings: Mapping[str, Hashable] | None = None,
    contents: Mapping[str, str] | None = None,
) -> tuple[list[SourceFile], list[DuplicateFile]]:
    """Files split into those to read and duplicates of them.

    Files of equal content are duplicates only if their `meanings` (path → values taken from it) are equal too. A link
    to another of the files (`latest.csv`) is a duplicate of it whatever its path means. `contents` (path → hash) has
    the content hashes of files whose bytes differ from their content, such as compressed ones.

    Among equal files the one with the shortest path stays, because the names of copies (`day (1).csv`) are longer; one
    in the landing folder stays only if there is no other. Empty and unreadable files are never duplicates, so that each
    is reported.
    """
    first: dict[Hashable, str] = {}
    meant, held = meanings or {}, contents or {}
    unique: list[SourceFile] = []
    duplicates: list[DuplicateFile] = []
    listed = {file.path: file for file in files}
    for file in sorted(
        listed.values(),
        key=lambda file: (file.link_to in listed, path_order(file.path)[0], len(file.path), file.path),
    ):
        to = listed.get(file.link_to, file)
        content = (held.get(to.path, to.sha256), meant.get(to.path))
        if file.sha256 and file.bytes and first.setdefault(content, file.path) != file.path:
            duplicates.append(DuplicateFile(file, first[content]))
        else:
            unique.append(file)
    return unique, duplicates


def _in_either_case(pattern: str) -> str:
    """`*.csv` as `*.[cC][sS][vV]`; existing brackets stay."""
    parts = re.split(r"(\[[^\]]*\])", pattern)
    letters = (re.sub(r"[^\W\d_]", lambda found: _both_cases(found[0]), part) for part in parts[::2])
    return "".join(text + kept for text, kept in zip_longest(letters, parts[1::2], fillvalue=""))


def _both_cases(letter: str) -> str:
    cases = letter.lower() + letter.upper()
    return f"[{cases}]" if len(cases) == 2 and cases[0] != cases[1] else letter


def hashed_file(path: Path, name: str, inside: Path) -> SourceFile:
    """The file at `path`, called `name`, with the hash of its content.

    A link that points outside of the folder `inside` (resolved) and an unreadable file get a fault instead.
    """
    resolved = path.resolve()
    if fault := _outside(resolved, name, inside):
        return SourceFile(name, 0, "", _NEVER, fault)
    target = resolved.relative_to(inside).as_posix()
    link_to = "" if target == name else target
    try:
        stat = path.stat()
        began, sha256 = _hash_once(path, _state(stat))
    except OSError as error:
        return SourceFile(name, 0, "", _NEVER, _not_read(name, error))
    modified = datetime.fromtimestamp(stat.st_mtime, timezone.utc)
    return SourceFile(name, stat.st_size, sha256, modified, link_to=link_to, signature=(began, *_state(stat)))


def unreadable(path: Path, name: str, inside: Path) -> FileFault | None:
    """The fault of the file at `path`, called `name`, if it cannot be read; None if it can. The content is not read.

    A link that points outside of the folder `inside` (resolved) is not followed.
    """
    if fault := _outside(path.resolve(), name, inside) or table_folders(inside, [name]).faults.get(name):
        return fault
    try:
        path.open("rb").close()
    except OSError as error:
        return _not_read(name, error)
    return None


def _outside(resolved: Path, name: str, inside: Path) -> FileFault | None:
    if resolved.is_relative_to(inside):
        return None
    advice = "Copy the file into the data folder instead of linking to it."
    return FileFault(name, _READABLE, "a link that leads outside it", advice)


def _not_read(name: str, error: OSError) -> FileFault:
    advice = "Check that the file exists and that this user may read it."
    return FileFault(name, _READABLE, error.strerror or type(error).__name__, advice)


def is_unchanged(path: Path, file: SourceFile) -> bool:
    """Whether the content read at `path` since the file was hashed is the hashed content.

    File systems store the time of a change only to a few milliseconds, so a file that changed just before it was hashed
    is hashed again.
    """
    try:
        if not file.signature:
            return _sha256(path) == file.sha256
        began, *state = file.signature
        now = _state(path.stat())
        if now != tuple(state):
            return False
        return _is_settled(began, now) or _sha256(path) == file.sha256
    except OSError:
        return False


def _is_settled(began: int, state: tuple[int, ...]) -> bool:
    """Whether a change after the hash began would show in the file's times."""
    return began - max(state[-2:]) > 1_000_000_000


def _hash_once(path: Path, state: tuple[int, ...]) -> tuple[int, str]:
    """The hash of a file in a state, and the time when hashing began; computed once per process.

    A run needs it when it checks for changes, when it inspects the files and when it opens them.
    """
    if (known := _hashes.get(state)) is not None:
        return known
    began = time.time_ns()
    found = began, _sha256(path)
    if _is_settled(began, state) and _state(path.stat()) == state:
        if len(_hashes) >= _MOST_HASHES:
            _hashes.clear()
        _hashes[state] = found
    return found


def _state(stat: os.stat_result) -> tuple[int, ...]:
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _sha256(path: Path) -> str:
    sha256 = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            sha256.update(block)
    return sha256.hexdigest()
