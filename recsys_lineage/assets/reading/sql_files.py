"""SqlFiles: the files that a SQL text names, hashed before DuckDB reads them."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError, SqlFailed
from recsys_lineage.files.source_file import SourceFile, hashed_file
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.sql.file_call import FileCall
from recsys_lineage.sql.names import path_literal, quote
from recsys_lineage.sql.sql_place import plain
from recsys_lineage.sql.sql_text import SqlText
from recsys_lineage.sql.written_sql import WrittenSql

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class SqlFiles:
    """The files that a SQL text reads by table functions or by name.

    Args:
        text: the SQL.
        folder: the base of its relative paths.
    """

    text: SqlText
    folder: Path

    def __bool__(self) -> bool:
        return bool(self.text.scans)

    @cached_property
    def opens(self) -> tuple[Path, ...]:
        """The files, and for patterns the folders, that the text's statement may open."""
        places = {self._fixed(pattern)[0] for call in self.text.scans for pattern in call.patterns}
        return tuple(sorted(places))

    def observe(self) -> str:
        """A hash of all names and contents, which changes when a file is added, changed or removed."""
        with Engine(threads=1).connect(folders=self.opens) as connection:
            files = {file for call in self.text.scans for _, file in self._listed(connection, call)}
        seen = sorted((file.path, file.sha256) for file in files)
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]

    def written(self, inputs: Inputs, parameters: dict[str, Any]) -> WrittenSql:
        """The statement to run: each call reads the files that exist now, which are noted as reads.

        Raises:
            LineageError: there is no file, or one cannot be read.
            SqlFailed: DuckDB cannot read them with the call's options.
        """
        relations: dict[FileCall, str] = {}
        for call in self.text.scans:
            files = self._listed(inputs._connection, call)
            paths = ", ".join(path_literal(str(place)) for place, _ in files)
            relation = f"{call.function}([{paths}]{call.options})"
            try:
                columns = _columns(inputs._connection, relation, parameters)
            except duckdb.Error as error:
                raise SqlFailed(
                    f"DuckDB cannot read the files of {call.function}.", found=plain(error), where=call.where
                ) from error
            for place, file in files:
                root = None if os.path.isabs(file.path) else str(self.folder.absolute())
                inputs.file(
                    file.path,
                    bytes=file.bytes,
                    sha256=file.sha256,
                    root=root,
                    schema=columns,
                    seen=(place, file),
                )
            inputs.files_by_name(", ".join(call.patterns), columns)
            relations[call] = f"{relation} AS {quote(call.alias)}" if call.alias else relation
        return WrittenSql(self.text.text, self.text.origin, relations)

    def _listed(self, connection: duckdb.DuckDBPyConnection, call: FileCall) -> list[tuple[Path, SourceFile]]:
        """Paths and files of a call in DuckDB's reading order, each once."""
        listed: dict[Path, SourceFile] = {}
        for pattern in call.patterns:
            _, inside = self._fixed(pattern)
            places = self._places(connection, pattern)
            if not places:
                raise LineageError(
                    f"There is no file for {pattern!r}.",
                    expected="at least one file",
                    found="an empty folder" if inside.is_dir() else f"no folder {inside}",
                    where=call.where,
                    advice=f"put the files into {inside}, or fix the path",
                )
            for place in places:
                file = hashed_file(place, self._name(pattern, place), inside.resolve())
                if file.fault is not None:
                    raise LineageError(
                        f"The file {file.path} cannot be read.",
                        expected=file.fault.expected,
                        found=file.fault.found,
                        where=call.where,
                        advice=file.fault.advice,
                    )
                listed.setdefault(place, file)
        return list(listed.items())

    def _places(self, connection: duckdb.DuckDBPyConnection, pattern: str) -> list[Path]:
        if not _WILD.search(pattern):
            place = self._whole(pattern)
            return [place] if os.path.lexists(place) else []
        start = "" if os.path.isabs(pattern) else glob.escape(str(self.folder.absolute())) + "/"
        found = connection.execute("SELECT file FROM glob($pattern)", {"pattern": start + pattern}).fetchall()
        return [Path(file) for (file,) in found]

    def _fixed(self, pattern: str) -> tuple[Path, Path]:
        """Path that DuckDB must be allowed to open for a pattern, and the folder that must contain its files."""
        relative = not os.path.isabs(pattern)
        if not _WILD.search(pattern):
            place = self._whole(pattern)
            return place, self.folder if relative else place.parent
        parts: list[str] = []
        for part in pattern.split("/"):
            if _WILD.search(part):
                break
            parts.append(part)
        fixed = self._whole("/".join(parts))
        return fixed, self.folder if relative else fixed

    def _whole(self, path: str) -> Path:
        return Path(os.path.abspath(self.folder / path))

    def _name(self, pattern: str, place: Path) -> str:
        """Name of a file in records: relative to the text's folder, or absolute if the text has absolute paths."""
        if os.path.isabs(pattern):
            return place.as_posix()
        return place.relative_to(self.folder.absolute()).as_posix()


def _columns(
    connection: duckdb.DuckDBPyConnection, relation: str, parameters: dict[str, Any]
) -> tuple[Column, ...]:
    used = {name: value for name, value in parameters.items() if f"${name}" in relation}
    rows = connection.execute(f"DESCRIBE FROM {relation}", used or None).fetchall()
    return tuple(Column(name, type_) for name, type_, *_ in rows)
