"""InputFiles: the files outside the lake that one run of one asset reads, noted when they are read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from recsys_lineage.errors import FilesChanged, LineageError
from recsys_lineage.files.source_file import SourceFile, hashed_file, is_unchanged
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.parts.read import Purpose, Read


class InputFiles:
    """The files that one run of one asset has read so far.

    Args:
        asset: the asset that runs.
    """

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.noting: Callable[[Path], object] = Path
        """Callback for each file that is noted; the asset's code may open the file from then on."""
        self.system: object = None
        """The file system of the lake of the inputs, if they are of one on another machine."""
        self._purpose: Purpose = "input"
        self._files: dict[tuple[str | None, str, Purpose], Read] = {}
        self._hashed: dict[str, tuple[Path, SourceFile]] = {}

    @property
    def files_read(self) -> list[Read]:
        """The files read so far, by path."""
        return sorted(self._files.values(), key=lambda read: (read.name, read.root or "", read.purpose))

    @contextmanager
    def reading_for(self, purpose: Purpose) -> Iterator[None]:
        """Inside the block, reads are noted with this purpose."""
        before, self._purpose = self._purpose, purpose
        try:
            yield
        finally:
            self._purpose = before

    def file(
        self,
        path: str,
        *,
        bytes: int,
        sha256: str,
        root: str | None = None,
        rows: int | None = None,
        schema: Sequence[Column] = (),
        seen: tuple[Path, SourceFile] | None = None,
    ) -> None:
        """Note that a source file was read.

        Args:
            path: its name in the record.
            bytes: its size.
            sha256: the hash of its content.
            root: the folder that the path starts from.
            rows: its number of rows.
            schema: its columns and their types, if it has any.
            seen: its path and state when it was hashed, for `confirm_files`.
        """
        self._files[root, path, self._purpose] = Read(
            "file",
            path,
            sha256,
            purpose=self._purpose,
            bytes=bytes,
            root=root,
            rows=rows,
            schema=tuple(schema),
        )
        if seen is not None:
            self._hashed[path] = seen

    def open_file(self, path: str | Path) -> BinaryIO:
        """A file outside the lake, opened for reading bytes; notes the read.

        Raises:
            LineageError: when it cannot be read.
        """
        return self.note_file(path).open("rb")

    def note_file(self, path: str | Path) -> Path:
        """Note a read of a file outside the lake; returns its path, for readers that take no open file.

        Raises:
            LineageError: when it cannot be read.
        """
        place = Path(path).absolute()
        file = hashed_file(place, place.as_posix(), place.parent.resolve())
        if file.fault is not None:
            raise LineageError(
                f"Asset {self.asset!r} cannot read a file.",
                expected=file.fault.expected,
                found=file.fault.found,
                where=file.path,
                advice=file.fault.advice,
            )
        self.file(file.path, bytes=file.bytes, sha256=file.sha256, seen=(place, file))
        self.noting(place)
        return place

    def run_process(
        self, command: Sequence[str | Path], reads: Iterable[str | Path] = (), given: bytes | None = None
    ) -> bytes:
        """Run another process and return its standard output; notes the files listed in `reads`.

        The files that a process opens cannot be observed: those missing in `reads` are in no record.

        Args:
            command: the program and its arguments.
            reads: the files outside the lake that it opens.
            given: its standard input.

        Raises:
            LineageError: a file cannot be read, or the process ends with an error.
        """
        for path in reads:
            self.note_file(path)
        try:
            return subprocess.run(
                [os.fspath(part) for part in command], input=given, capture_output=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise LineageError(
                f"A process that {self.asset!r} started failed.",
                expected="exit code 0",
                found=f"{type(error).__name__} of {Path(command[0]).name}",
                where=self.asset,
                advice="run the command by itself, with the same input",
            ) from error

    def confirm_files(self) -> None:
        """Verify that the files read have not changed since they were hashed.

        Raises:
            FilesChanged: when one was written, replaced or removed meanwhile.
        """
        for name, (place, file) in sorted(self._hashed.items()):
            if not is_unchanged(place, file):
                raise FilesChanged(
                    f"The file {name} changed while {self.asset} read it.",
                    expected=f"sha256 {file.sha256[:16]}…",
                    where=str(place),
                    advice=f"wait until the file is completely written, then materialize {self.asset} again; readers "
                    "still see the version before",
                )
