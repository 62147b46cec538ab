"""SourceBytes: a file's content, decompressed if needed, and the hash of exactly the bytes that were read."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys_lineage.files.fault import FileFault, csv_fault

LARGEST_EXPANSION = 200
"""Largest ratio of unpacked to compressed size of a file; repetitive text reaches about 50."""
FREE_EXPANSION = 256 << 20
"""Bytes that any compressed file may unpack to."""


class SourceBytes:
    """A file read from start to end.

    Args:
        raw: the file, opened unbuffered.
        name: its name in messages.
    """

    def __init__(self, raw: io.RawIOBase, name: str) -> None:
        self._hashed = _Hashed(raw)
        self._name = name
        self._packed = io.BufferedReader(self._hashed, 1 << 18)
        self.start = self._packed.peek(4)[:4]
        """The first bytes as stored."""
        self.is_gzip = self.start[:2] == b"\x1f\x8b"
        self._stream = gzip.GzipFile(fileobj=self._packed) if self.is_gzip else self._packed
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        """Bytes of the content, `size` of them except at its end.

        Raises:
            FileFault: a compressed file is truncated or damaged, or unpacks to far more than text would.
        """
        try:
            content = self._stream.read(size)
        except EOFError:
            found = "a gzip file that ends too early (truncated)"
            raise csv_fault(self._name, found, "Deliver it again.") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise csv_fault(self._name, f"a damaged gzip file ({error})", "Deliver it again.") from None
        self._unpacked += len(content)
        if self.is_gzip and self._unpacked > max(FREE_EXPANSION, LARGEST_EXPANSION * self._hashed.bytes):
            raise csv_fault(
                self._name,
                f"a gzip file that unpacks to more than {LARGEST_EXPANSION} times its size, and more than "
                f"{FREE_EXPANSION >> 20} MiB",
                "Deliver it unpacked if it is what it should be.",
            )
        return content

    def sha256(self) -> str:
        """The hash of the bytes that were read, and of the rest up to the file's end."""
        while self._packed.read(1 << 20):
            pass
        return self._hashed.sha256.hexdigest()


class _Hashed(io.RawIOBase):
    """Stream wrapper that hashes what is read."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        count = self._raw.readinto(buffer)
        self.sha256.update(buffer[:count])
        self.bytes += count or 0
        return count


@contextmanager
def source_bytes(path: Path, name: str) -> Iterator[SourceBytes]:
    """A file opened as `SourceBytes`.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb", buffering=0) as raw:
        yield SourceBytes(raw, name)


def unpacked_sha256(path: Path, name: str) -> str | None:
    """The hash of a compressed file's content, for any compression settings; None for a file that is uncompressed or
    damaged.

    Raises:
        OSError: it cannot be read.
    """
    sha256 = hashlib.sha256()
    with source_bytes(path, name) as content:
        if not content.is_gzip:
            return None
        try:
            while block := content.read(1 << 20):
                sha256.update(block)
        except FileFault:
            return None
    return sha256.hexdigest()
