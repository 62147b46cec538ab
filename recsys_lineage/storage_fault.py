"""Storage faults: what a disk, an object store or a damaged file makes libraries say, in plain words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from deltalake.exceptions import DeltaError

from recsys_lineage.errors import InsufficientSpace, LineageError
from recsys_lineage.storage import Storage

_FULL = re.compile(r"No space left|quota exceeded|max_temp_directory_size|File too large", re.IGNORECASE)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def explained(storage: Storage, table: str, write_id: str | None = None) -> Iterator[None]:
    """Turn storage faults inside the block into LineageErrors; other exceptions pass unchanged.

    Args:
        storage: where the lake lies.
        table: the table that is being read or written.
        write_id: the write in progress, None for a read.
    """
    try:
        yield
    except LineageError:
        raise
    except Exception as error:
        fault = _fault(error, storage, table, write_id)
        if fault is None:
            raise
        raise fault from error


def _fault(error: Exception, storage: Storage, table: str, write_id: str | None) -> LineageError | None:
    text = storage.scrub(_plain(error))
    where = storage.path(table)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or _FULL.search(text):
        return InsufficientSpace(
            f"Table {table!r} could not be written: the disk is full.",
            expected="room for the table and for temporary files",
            found=text,
            where=where,
            advice="nothing of this write is visible; free space, then materialize again",
        )
    own_file = write_id is not None and write_id in text
    damaged = re.search(re.escape(storage.uri) + r"/([a-z0-9_]+)/([^\s\"']+\.parquet)", text)
    if damaged and not own_file and isinstance(error, duckdb.Error):
        return LineageError(
            f"A file of table {damaged[1]!r} is missing or damaged.",
            expected="every file that the table's log names, as it was written",
            found=text,
            where=f"{storage.uri}/{damaged[1]}/{damaged[2]}",
            advice=f"restore the file, or materialize {damaged[1]} again",
        )
    storage_call = isinstance(error, OSError) or type(error).__module__.startswith(
        ("botocore", "aiobotocore")
    )
    if write_id is not None and (storage_call or (isinstance(error, duckdb.Error) and own_file)):
        return InsufficientSpace(
            f"Table {table!r} could not be written.",
            expected="a place that exists, can be reached and may be written to",
            found=text,
            where=where,
            advice="nothing of this write is visible; mend the place or its permissions, then materialize again",
        )
    if storage_call:
        return LineageError(
            f"Table {table!r} could not be read.",
            expected="a lake that exists, can be reached and may be read",
            found=text,
            where=where,
            advice="mend the place or its permissions, then try again",
        )
    if isinstance(error, DeltaError):
        return LineageError(
            f"The log of table {table!r} is damaged.",
            expected="a Delta log",
            found=text,
            where=f"{where}/_delta_log",
            advice="restore the log from a backup, or delete the table's folder and materialize it again",
        )
    return None


def _plain(error: Exception) -> str:
    text = _ANSI.sub("", str(error)).replace("↳", "").strip() or type(error).__name__
    if text.startswith("Traceback"):
        text = text.splitlines()[-1]
    return " ".join(text.split("\n\nLINE ")[0].split())[:500]
