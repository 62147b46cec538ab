"""Parquet files as one view of a DuckDB connection, every row with its file and its row number there."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import duckdb

from recsys_lineage.errors import FilesChanged
from recsys_lineage.files.parquet.column_kinds import KIND, TIMES, are_apart, exact_range
from recsys_lineage.files.parquet.hive_folders import NO_VALUE, folder_columns
from recsys_lineage.files.parquet.nested_times import times_as_text
from recsys_lineage.files.parquet.parquet_options import ParquetOptions
from recsys_lineage.files.source_query import TRACED_COLUMNS
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import literal, path_literal, quote

ROW_NUMBER = "file_row_number"
"""DuckDB's column for a row's number; a file cannot have a column of that name."""
PART_ROWS = 1_000_000
"""The least rows for which another thread pays off."""


def open_parquet(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    rows: Mapping[str, int],
    relation_name: str,
    options: ParquetOptions,
    columns: Collection[str],
    required: Collection[str] = (),
    *,
    without: Mapping[str, Sequence[int]] | None = None,
) -> tuple[tuple[str, str], ...]:
    """A view over Parquet files; `_line` is the row's number in its file, from 1.

    Args:
        con: the connection.
        root: the data folder.
        rows: file, below the data folder → the number of rows in its footer.
        relation_name: the view's name.
        options: the options for reading them.
        columns: folded names of the columns of the files and their folders.
        required: columns as spelled in the SQL; those in none of the files are NULL.
        without: file → the numbers, from 0, of rows that the view leaves out.

    Returns:
        The names and types of the view's columns, without `_file` and `_line`.

    Raises:
        FilesChanged: DuckDB reads another number of rows of a file than its footer has.
    """
    path = "_path"
    while path in columns:
        path += "_"
    read = _read(con, [str(root / file) for file in rows], path, options)
    below = f"substr({path}, {len(str(root / 'x'))})"
    counted = con.execute(f"SELECT {below}, count(*) FROM {read(False)} GROUP BY ALL").fetchall()
    _confirm(root, rows, dict(counted))
    own = [name for name, *_ in con.execute(f"DESCRIBE FROM {read(False)}").fetchall() if name != path]
    folders = _folders(rows) if options.hive_partitioning else {}
    spelled = {folded(name): name for name in required}

    def called(key: str, name: str) -> str:
        wanted = spelled.get(key, normalize("NFC", name))
        return name if wanted.casefold() == name.casefold() else wanted

    alike: dict[str, list[str]] = {}
    for name in own:
        alike.setdefault(folded(name), []).append(name)
    selected: list[str] = []
    for key, names in alike.items():
        value = f"coalesce({', '.join(map(quote, names))})" if len(names) > 1 else quote(names[0])
        if folder := folders.pop(key, None):
            value = f"coalesce(CAST({value} AS VARCHAR), {_value(folder, below)})"
        selected.append(f"{value} AS {quote(called(key, names[0]))}")
    selected += [f"{_value(name, below)} AS {quote(called(key, name))}" for key, name in folders.items()]
    selected += [f"NULL::VARCHAR AS {quote(name)}" for key, name in spelled.items() if key not in columns]
    con.execute(f"DROP VIEW IF EXISTS {quote(relation_name)}")
    select = f"SELECT {', '.join(selected)}, {below} AS _file, {ROW_NUMBER} + 1 AS _line FROM {read(True)}"
    left_out = " OR ".join(
        f"({below} = {literal(file)} AND {ROW_NUMBER} IN ({', '.join(map(str, numbers))}))"
        for file, numbers in (without or {}).items()
        if file in rows
    )
    parts = " UNION ALL ".join(
        select + _where([part, f"NOT ({left_out})" if left_out else ""]) for part in _parts(con, root, rows)
    )
    con.execute(f"CREATE OR REPLACE TEMP VIEW {quote(relation_name)} AS {parts}")
    described = con.execute(f"DESCRIBE {quote(relation_name)}").fetchall()
    return tuple((name, type_) for name, type_, *_ in described[:-2])


def _parts(con: duckdb.DuckDBPyConnection, root: Path, rows: Mapping[str, int]) -> list[str]:
    """Conditions that split the rows of files into disjoint parts; usually a single empty one.

    DuckDB reads a row group with one thread. A single file with many rows in few row groups is read in one part per
    thread; with several files this would change the order of rows.
    """
    if len(rows) > 1 or max(rows.values()) < 2 * PART_ROWS:
        return [""]
    ((file, count),) = rows.items()
    ((groups, threads),) = con.execute(
        "SELECT num_row_groups, current_setting('threads') FROM parquet_file_metadata($path)",
        {"path": glob.escape(str(root / file))},
    ).fetchall()
    parts = 1 if groups >= threads else min(threads, count // PART_ROWS)
    if parts == 1:
        return [""]
    starts = [count * part // parts for part in range(1, parts)]
    return [
        f"{ROW_NUMBER} < {starts[0]}",
        *(f"{ROW_NUMBER} >= {start} AND {ROW_NUMBER} < {stop}" for start, stop in pairwise(starts)),
        f"{ROW_NUMBER} >= {starts[-1]}",
    ]


def _where(conditions: Sequence[str]) -> str:
    """WHERE clause of the conditions that are not empty."""
    given = [condition for condition in conditions if condition]
    return f" WHERE {' AND '.join(given)}" if given else ""


def _read(
    con: duckdb.DuckDBPyConnection, paths: Sequence[str], path: str, options: ParquetOptions
) -> Callable[[bool], str]:
    """FROM clause for the rows of files, with or without their numbers.

    Columns become text, as in CSV, where DuckDB would change values to unify types, or has no type for all: numbers in
    some files and times or truth values in others. A time with a zone in some files
    and without one in others would lose it, or become UTC in all. Integers and decimals mixed with floats would be
    rounded, which merges two customers into one. Times out of the range of nanoseconds (9999-12-31 for no end, say)
    become text too if other files have nanoseconds, because DuckDB could not read them.
    """

    def of(files: Collection[str], numbered: bool) -> str:
        # a view takes no bound parameters, so the paths become quoted literals
        listed = ", ".join(map(path_literal, files))
        return (
            f"read_parquet([{listed}], filename = {literal(path)}, union_by_name = true, "
            f"hive_partitioning = false, binary_as_string = {str(options.binary_as_string).lower()}"
            f"{f', {ROW_NUMBER} = true' if numbered else ''})"
        )

    groups = _alike(con, paths, of)
    if len(groups) == 1:
        return partial(of, paths)

    def united(numbered: bool) -> str:
        parts: list[str] = []
        for columns, files in groups:
            casts = ", ".join(f"CAST({quote(name)} AS {type_}) AS {quote(name)}" for name, type_ in columns)
            parts.append(f"SELECT *{f' REPLACE ({casts})' if casts else ''} FROM {of(files, numbered)}")
        return f"({' UNION ALL BY NAME '.join(parts)})"

    return united


def _alike(
    con: duckdb.DuckDBPyConnection, paths: Sequence[str], of: Callable[[Collection[str], bool], str]
) -> list[tuple[tuple[tuple[str, str], ...], Sequence[str]]]:
    """Files grouped by their columns that must become text, because the kinds in other files are incompatible.

    Args:
        con: the connection.
        paths: the files.
        of: returns the FROM item for some of them.

    Returns:
        Names of such columns with their new types, and the files that have exactly these and agree on their kinds;
        usually all files, with no names.
    """
    listed = f"[{', '.join(map(path_literal, paths))}]"
    found = con.execute(
        f"SELECT lower(name), list(DISTINCT {KIND}) FROM parquet_schema({listed}) WHERE {KIND} IS NOT NULL "
        "GROUP BY ALL"
    ).fetchall()
    mixed = {name: set(kinds) for name, kinds in found if are_apart(kinds)}
    if not mixed:
        return [((), paths)]
    columns: dict[str, list[tuple[str, str]]] = {}
    own_kinds: dict[str, set[str]] = {}
    nested: dict[str, list[str]] = {}
    outer = ""
    below = 0  # of the columns that follow, those that lie inside one that was met
    for file, name, children, kind in con.execute(
        f"SELECT file_name, name, coalesce(num_children, 0), {KIND} FROM parquet_schema({listed}) "
        "WHERE column_id > 0 ORDER BY file_name, column_id"
    ).fetchall():
        inside = below > 0
        below += children - inside
        outer = outer if inside else name
        if kind is None or name.lower() not in mixed:
            continue
        if not inside:
            columns.setdefault(file, []).append((name, kind))
            own_kinds.setdefault(name.lower(), set()).add(kind)
        elif kind in TIMES and outer not in nested.setdefault(file, []):
            nested[file].append(outer)
    mixed = {name: kinds for name, kinds in own_kinds.items() if are_apart(kinds)}
    columns = {
        file: [(name, kind) for name, kind in its if name.lower() in mixed] for file, its in columns.items()
    }
    narrow: dict[str, dict[tuple[str, tuple[str, str]], list[str]]] = {}
    for file, its in columns.items():
        for name, kind in its:
            if (allowed := exact_range(kind, mixed[name.lower()])) is not None:
                narrow.setdefault(name.casefold(), {}).setdefault((name, allowed), []).append(file)
    texts = _texts_inside(con, nested, of)
    exact = {
        folded
        for folded, spellings in narrow.items()
        if not any(_exceeds(con, of(files, False), *each) for each, files in spellings.items())
    }
    groups: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
    for path in paths:
        its = [
            (name, kind, "VARCHAR") for name, kind in columns.get(path, ()) if name.casefold() not in exact
        ]
        its += texts.get(path, [])
        groups.setdefault(tuple(its), []).append(path)
    return [(tuple((name, type_) for name, _, type_ in its), files) for its, files in groups.items()]


def _texts_inside(
    con: duckdb.DuckDBPyConnection,
    nested: Mapping[str, Collection[str]],
    of: Callable[[Collection[str], bool], str],
) -> dict[str, list[tuple[str, str, str]]]:
    """File → nested columns with times that must become text, each with its type and its new one."""
    types: dict[str, dict[str, tuple[str, str]]] = {}
    for file, names in nested.items():
        for name, type_, *_ in con.execute(f"DESCRIBE FROM {of([file], False)}").fetchall():
            if name in names:
                types.setdefault(name.casefold(), {})[file] = (name, type_)
    texts: dict[str, list[tuple[str, str, str]]] = {}
    for column in types.values():
        as_text = times_as_text({type_ for _, type_ in column.values()})
        for file, (name, type_) in column.items():
            if type_ in as_text:
                texts.setdefault(file, []).append((name, type_, as_text[type_]))
    return texts


def _exceeds(con: duckdb.DuckDBPyConnection, read: str, column: str, allowed: tuple[str, str]) -> bool:
    """Whether values of a column lie out of the range in which they stay the same."""
    name, (least, most) = quote(column), allowed
    ((exceeds,),) = con.execute(
        f"SELECT coalesce(max({name}) > {most} OR min({name}) < {least}, false) FROM {read}"
    ).fetchall()
    return exceeds


def _folders(files: Collection[str]) -> dict[str, str]:
    """The folder columns of the files by folded name, each spelled as in the first file."""
    folders: dict[str, str] = {}
    for file in files:
        if "=" in file:
            for name in folder_columns(file, frozenset(TRACED_COLUMNS)):
                folders.setdefault(folded(name), name)
    return folders


def _value(folder: str, path: str) -> str:
    """SQL for the value in a file's folder `folder=value`; NULL where there is none."""
    pattern = f"(?i:(?:^|/){re.escape(folder)}=([^/]*)/)"
    found = f"regexp_extract({path}, {literal(pattern)}, 1)"
    return f"nullif(nullif(url_decode({found}), {literal(NO_VALUE)}), '')"


def _confirm(root: Path, expected: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Raise FilesChanged if DuckDB reads another number of rows of a file than its footer has."""
    for file in sorted(expected.keys() | {name for name, rows in found.items() if rows}):
        if expected.get(file, 0) != found.get(file, 0):
            raise FilesChanged(
                f"The file {file} has another number of rows than its footer says.",
                expected=f"{expected.get(file, 0)} rows",
                found=f"{found.get(file, 0)} rows",
                where=str(root / file),
                advice="wait until the files are completely written, and run again",
            )
