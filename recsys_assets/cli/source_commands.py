"""`recsys init` and `recsys check`: from a folder of files to a source that loads them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from recsys_assets.cli.command_output import errors_in_words
from recsys_assets.cli.session import AsJson, console, load_settings

if TYPE_CHECKING:
    from recsys_assets.proposal.proposal import Proposal
    from recsys_assets.runs.trial import Trial

app = typer.Typer()
_SHOWN_SAMPLES = 40
_SHOWN_ROWS = 5


@app.command()
def init(
    shop: Annotated[
        Path, typer.Argument(help="The folder to write the source's SQL into; it must be new or empty.")
    ],
    files: Annotated[list[Path], typer.Argument(help="The shop's files, or the folder that holds them.")],
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="Meaning of a column of the files, as user_id=CUST_CODE, or item_id=orders.csv:column_2 for some "
            "files; may be repeated."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Inspect a shop's files and write a source for them: SQL for each raw table, and source.toml.

    It guesses by names and by the first rows of some files. Review the SQL before you load it.
    """
    with errors_in_words():
        from recsys_assets.proposal.names.named_columns import NamedColumn
        from recsys_assets.proposal.proposal import propose

        missing = [str(path) for path in files if not path.exists()]
        if missing:
            raise typer.BadParameter(f"there is no {', '.join(missing)}", param_hint="FILES")
        named = [NamedColumn.of(text) for text in column or []]
        with console.status("looking at the files"):
            proposal = propose(shop.resolve().name, files, named)
        written = proposal.write(shop)
    if as_json:
        tables = {
            table: {role: column.name for part in parts for role, column in part.columns.items()}
            for table, parts in proposal.tables.items()
        }
        answer = {"data": str(proposal.root), "files": [str(path) for path in written], "tables": tables}
        print(json.dumps(answer | {"notes": list(proposal.notes), "unread": dict(proposal.unread)}))
        return
    _show(proposal)
    console.print("\nWritten, for you to review:")
    for path in written:
        console.print(f"  {escape(str(path))}")
    from recsys_assets.settings import variable

    # a home belongs to one source, and the usual one may be the demo's
    home = shlex.quote(f".{shop.resolve().name}")
    export = (
        f"{variable('home')}={home} {variable('source')}={shlex.quote(str(shop))} "
        f"{variable('data')}={shlex.quote(str(proposal.root))}"
    )
    console.print("What to do next:")
    console.print(f"  export {escape(export)}")
    console.print("  recsys check      tries the source on a few rows, in seconds; nothing is written")
    console.print("  recsys demo       loads everything and recommends")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Try the source on the first rows of a few of its files, in seconds; nothing is written.

    Exits with 1 when a scan finds no file, a file has a fault, or no event is accepted.
    """
    with errors_in_words():
        from recsys_assets.assets.raw.source_folder import source_folder
        from recsys_assets.runs.trial import try_source

        with console.status("trying the source"):
            trial = try_source(source_folder(load_settings()))
    if as_json:
        print(json.dumps(trial.to_json()))
    else:
        _show_trial(trial)
    if not trial.is_good:
        raise typer.Exit(1)


def _show_trial(trial: Trial) -> None:
    from recsys_assets.assets.raw.file_rows import failing_advice
    from recsys_assets.cli.terminal_output import overlooked_lines

    for scan in trial.scans:
        mark = "[green]✓[/green]" if scan.files and not scan.faults else "[red]✗[/red]"
        looked = f", sampled {escape(', '.join(scan.looked_at))}" if scan.looked_at else ""
        many = "1 file" if scan.files == 1 else f"{scan.files:,} files"
        console.print(f"{mark} {escape(scan.scan)}: {many}{looked}")
        for fault in scan.faults:
            console.print(f"  [red]{escape(fault)}[/red]")
    for table in trial.tables:
        good = table.accepted and not table.stopped
        mark = "[green]✓[/green]" if good else "[red]✗[/red]"
        console.print(f"{mark} {table.table}: {table.accepted:,} of {table.read:,} rows are accepted")
        for reason, refused in table.rejected.items():
            console.print(
                f"  [yellow]{refused.rows:,} of {table.read:,}: {escape(reason)}[/yellow], as "
                f"{escape(refused.example.removeprefix(f'{reason}, '))}"
            )
            if refused.hint and refused.hint not in refused.example:
                console.print(f"    {escape(refused.hint)}")
        for row in table.stopped[:_SHOWN_ROWS]:
            console.print(f"  [red]the SQL stops at {escape(row)}[/red]")
        for doubt in table.doubts:
            console.print(f"  [yellow]{escape(doubt)}[/yellow]")
        if table.stopped:
            console.print(f"    {escape(failing_advice(table.stopped))}")
        for row in table.sample.head(1).iter_rows(named=True):
            values = {
                name: value
                for name, value in row.items()
                if value not in (None, "unknown") and name != "filled"
            }
            shown = ", ".join(f"{name} {value}" for name, value in values.items())
            console.print(f"  for example: {escape(shown)}")
    for line in overlooked_lines(trial.overlooked):
        console.print(f"[yellow]{line}[/yellow]")
    if trial.target:
        console.print(f"[yellow]{escape(trial.target)}[/yellow]")
    console.print(f"The sampled events cover {'1 day' if trial.days == 1 else f'{trial.days:,} days'}.")
    if trial.is_good:
        console.print("What to do next:\n  recsys demo")


def _show(proposal: Proposal) -> None:
    from rich.table import Table

    for files in proposal.groups:
        many = f"{len(files.paths)} files" if len(files.paths) > 1 else "1 file"
        table = Table(
            title=f"{escape(files.scan)}: {many}, {files.rows:,} rows sampled", title_justify="left"
        )
        for column in ("column", "holds", "for example", "becomes"):
            table.add_column(column, overflow="fold")
        for column in files.columns:
            becomes = [
                f"{name.removeprefix('raw_')}.{role}"
                for name, parts in proposal.tables.items()
                for part in parts
                if part.files is files
                for role, other in part.columns.items()
                if column.name in other.names
            ]
            kind = "ids" if becomes and all(name.endswith("_id") for name in becomes) else column.kind
            table.add_row(
                escape(column.name),
                kind
                if column.filled == 1 or column.kind == "nothing"
                else f"{kind}, {_percent(column.filled)} filled",
                escape(", ".join(column.samples)[:_SHOWN_SAMPLES]),
                ", ".join(becomes),
            )
        console.print(table)
    for path, fault in proposal.unread.items():
        console.print(f"[yellow]not read:[/yellow] {escape(path)}: {escape(fault)}")
    for note in proposal.notes:
        console.print(f"[yellow]please check:[/yellow] {escape(note)}")


def _percent(share: float) -> str:
    """A share as a percentage, not rounded to 0 or 100 % unless it is exactly that."""
    return f"{min(max(round(100 * share), 1), 99)}%"
