"""Storage faults: errors that libraries raise for a disk, an object store or a damaged file, in plain words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl
from deltalake.exceptions import DeltaError

from recsys_lineage.error_text import class_of, module_of, text_of
from recsys_lineage.errors import InsufficientSpace, LineageError, UnnotedFile
from recsys_lineage.lake.stores.storage import Storage
from recsys_lineage.lake.versions.table_version import TABLE_FILE

_FULL = re.compile(r"No space left|quota exceeded|max_temp_directory_size|File too large", re.IGNORECASE)
# Colours, the arrows of nested causes, and stacks of Rust functions.
_NOISE = re.compile(r"\x1b\[[0-9;]*m|↳|\s+0: <unknown>.*", re.DOTALL)
# The end of a path suffices: Polars cuts off the beginning of long ones.
_LAKE_FILE = re.compile(rf"([a-z_][a-z0-9_]*)/((?:[^/\s\"']+=[^/\s\"']*/)?{TABLE_FILE})")
_NOT_THE_FILES = (duckdb.OutOfMemoryException, duckdb.InterruptException)


@contextmanager
def explained(storage: Storage, table: str, write_id: str | None = None) -> Iterator[None]:
    """Turn storage faults inside the block into LineageErrors; other exceptions pass unchanged.

    Args:
        storage: the lake's storage.
        table: the table being read or written; empty if it may be any, and then only damaged files count.
        write_id: the write in progress, None for a read.
    """
    try:
        yield
    except LineageError:
        raise
    except Exception as error:
        try:
            fault = _fault(error, storage, table, write_id)
        except Exception:  # attributes of an exception can run code
            fault = None
        if fault is None:
            raise
        raise fault from error


def _fault(error: Exception, storage: Storage, table: str, write_id: str | None) -> LineageError | None:
    text = storage.scrub(_plain(error))
    where = storage.path(table)
    if isinstance(error, duckdb.PermissionException) and "disabled by configuration" in text:
        return UnnotedFile(
            "SQL would open a file that no record would name.",
            expected="tables of the lake, frames, and files that a SQL asset's text names",
            found=text,
            where=table or storage.uri,
            advice="name the file in the FROM clause of a SQL asset, or read it in Python with inputs.open_file",
        )
    from_query = isinstance(error, duckdb.Error | pl.exceptions.PolarsError | FileNotFoundError)
    own_file = write_id is not None and write_id in text
    if from_query and not own_file and (damaged := _LAKE_FILE.search(text)):
        return LineageError(
            f"A file of table {damaged[1]!r} is missing or damaged.",
            expected="every file that the table's log names, as it was written",
            found=text,
            where=storage.path(damaged[1], damaged[2]),
            advice=f"restore the file, or materialize {damaged[1]} again",
        )
    if not table:
        return None
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or _FULL.search(text):
        return InsufficientSpace(
            f"Table {table!r} could not be written: the disk is full.",
            expected="room for the table and for temporary files",
            found=text,
            where=where,
            advice="nothing of this write is visible; free space, then materialize again",
        )
    storage_call = isinstance(error, OSError) or module_of(error).startswith(("botocore", "aiobotocore"))
    if write_id is not None and (storage_call or (isinstance(error, duckdb.Error) and own_file)):
        return InsufficientSpace(
            f"Table {table!r} could not be written.",
            expected="a place that exists, can be reached and may be written to",
            found=text,
            where=where,
            advice="nothing of this write is visible; fix the place or its permissions, then materialize again",
        )
    unreadable = isinstance(error, duckdb.Error) and not isinstance(error, _NOT_THE_FILES)
    if storage_call or (write_id is None and unreadable):
        return LineageError(
            f"Table {table!r} could not be read.",
            expected="whole files in a lake that exists, can be reached and may be read",
            found=text,
            where=where,
            advice="fix the place or its permissions and try again; if files are damaged, materialize it again",
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
    text = _NOISE.sub("", text_of(error) or "").strip() or class_of(error)
    if text.startswith("Traceback"):
        text = text.splitlines()[-1]
    return " ".join(text.split("\n\nLINE ")[0].split())[:500]
