"""`recsys show` and `recsys ls`: the rows of a table, and the list of tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recsys_assets.cli.session import AsJson, console, opened_lake
from recsys_lineage.errors import LineageError, did_you_mean

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.lake.versions.table_version import TableVersion

app = typer.Typer()
_SHOWN_ROWS = 20
_WIDEST = 60


class NotInTable(LineageError):
    """A column or a condition that does not fit a table."""


@app.command()
def show(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE[@VERSION]", help="A table and its version; by default the newest."),
    ],
    where: Annotated[
        str | None, typer.Option(help="SQL condition that rows must meet: \"user_id = '79'\".")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Only these columns, separated by commas.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Maximum number of rows; 0: all. Default 20, or all with --parquet."),
    ] = None,
    version: Annotated[int | None, typer.Option(min=0, help="The version, as in TABLE@VERSION.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write the rows into this Parquet file.")] = None,
) -> None:
    """Show rows of a table.

    The order of rows is arbitrary, because a table has none. For ORDER BY use `duckdb` and other tools, which read the
    same files.
    """
    import polars as pl

    if as_json + as_csv + (parquet is not None) > 1:
        raise typer.BadParameter("choose one of --json, --csv and --parquet")
    if parquet is not None and not parquet.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {parquet.absolute().parent}", param_hint="--parquet")
    with opened_lake() as lake:
        found = table_version(lake, table, version)
        with lake.reading(), lake.connect() as connection:
            rows = _selected(connection, lake, found, where, columns)
            most = limit if limit is not None else 0 if parquet is not None else _SHOWN_ROWS
            if most:
                rows = rows.limit(most + 1)
            with _faults_of(found, where):
                frame = rows.pl()
    if most and frame.height > most:
        frame = frame.head(most)
        if limit is None and (as_json or as_csv):
            print(f"{most} rows of more; --limit 0 gives all", file=sys.stderr)
    if parquet is not None:
        frame.write_parquet(parquet)
        console.print(f"{frame.height:,} rows written to {escape(str(parquet))}")
        return
    # what is stored as bytes, such as a model's weights, is nothing to read on a screen
    frame = frame.with_columns(
        pl.format("<{} bytes>", pl.col(name).bin.size())
        for name, type_ in frame.schema.items()
        if type_ == pl.Binary
    )
    if as_csv:
        sys.stdout.write(_csv(frame))
    elif as_json:
        for row in frame.iter_rows(named=True):
            print(json.dumps(row, default=str, ensure_ascii=False))
    else:
        _print_rows(found, frame)


def _csv(frame: pl.DataFrame) -> str:
    """The rows as CSV, nested values as JSON."""
    import polars as pl

    texts = {
        name: [None if value is None else json.dumps(value, default=str) for value in frame[name].to_list()]
        for name, type_ in frame.schema.items()
        if type_.is_nested()
    }
    return frame.with_columns(
        pl.Series(name, values, pl.String) for name, values in texts.items()
    ).write_csv()


def _print_rows(version: TableVersion, frame: pl.DataFrame) -> None:
    from rich.table import Table

    shown = Table(title=f"{version.table}@{version.version}, {version.rows:,} rows", title_justify="left")
    for name in frame.columns:
        shown.add_column(escape(name), overflow="fold", max_width=_WIDEST)
    for row in frame.iter_rows():
        shown.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(shown)


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List the tables of the lake: versions, rows, bytes, and when each was last written."""
    with opened_lake() as lake:
        found = [lake.version(table) for table in sorted(lake.tables())]
    if as_json:
        print(json.dumps({"tables": [_listed(version) for version in found]}))
        return
    from rich.table import Table

    shown = Table()
    for column in ("table", "version", "rows", "bytes", "partitions", "written"):
        shown.add_column(column, justify="left" if column in ("table", "written") else "right")
    for version in found:
        shown.add_row(
            version.table,
            str(version.version),
            f"{version.rows:,}",
            f"{version.bytes:,}",
            str(len(version.partitions)) if version.partition_column else "",
            f"{version.committed:%Y-%m-%d %H:%M:%S}",
        )
    console.print(shown)


def table_version(lake: Lake, text: str, version: int | None = None) -> TableVersion:
    """The version that `TABLE`, or `TABLE@VERSION`, names.

    Raises:
        TableNotFound: there is no such table or version.
        NotInTable: the version is not a number, or is given twice.
    """
    table, at, number = text.partition("@")
    if at and (not number.isdecimal() or version is not None):
        raise NotInTable(
            f"{text!r} names no version.",
            expected="TABLE, TABLE@VERSION, or TABLE and --version",
            found=text if version is None else f"{text} and --version {version}",
        )
    if not lake.has(table):
        tables = sorted(lake.tables())
        raise NotInTable(
            f"There is no table {table!r} in the lake.",
            expected=", ".join(tables) or "a table; nothing was materialized yet",
            where=lake.uri,
            advice=did_you_mean(table, tables)
            or ("recsys ls lists them" if tables else "recsys demo makes them"),
        )
    return lake.version(table, int(number) if at else version)


def _selected(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    version: TableVersion,
    where: str | None,
    columns: str | None,
) -> duckdb.DuckDBPyRelation:
    rows = connection.sql(f"SELECT * FROM {lake.relation(version)}")
    if where is not None:
        with _faults_of(version, where):
            rows = rows.filter(where)
    if columns is None:
        return rows
    there = {column.name.casefold(): column.name for column in version.schema}
    wanted = [name.strip() for name in columns.split(",") if name.strip()]
    for name in wanted:
        if name.casefold() not in there:
            raise NotInTable(
                f"{version.table} has no column {name!r}.",
                expected=", ".join(there.values()),
                found=name,
                where="--columns",
                advice=did_you_mean(name, there.values()) or None,
            )
    from recsys_lineage.sql.names import quote

    return rows.project(", ".join(quote(there[name.casefold()]) for name in wanted))


@contextmanager
def _faults_of(version: TableVersion, where: str | None) -> Iterator[None]:
    """Context that turns DuckDB's errors about the condition into messages."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise NotInTable(
            "The condition cannot be used.",
            expected=f"one SQL condition over {', '.join(column.name for column in version.schema)}",
            found=str(error).splitlines()[0],
            where=f"--where {where!r}",
            advice="quote texts by single quotes, as in --where \"user_id = '79'\"",
        ) from None


def _listed(version: TableVersion) -> dict[str, Any]:
    return {
        "table": version.table,
        "version": version.version,
        "rows": version.rows,
        "bytes": version.bytes,
        "partitions": len(version.partitions) if version.partition_column else None,
        "written": version.committed.isoformat(),
    }
