"""`recsys runs` and `recsys logs`: the runs, their results, and the versions they made."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recsys_assets.cli.session import AsJson, console, opened_records
from recsys_lineage.cli.options import STATE_COLOURS
from recsys_lineage.errors import LineageError

if TYPE_CHECKING:
    from recsys_lineage.records.records import Records
    from recsys_lineage.records.run_record import RunRecord

app = typer.Typer()
_SHORT = 8


class UnknownRun(LineageError):
    """No run, or more than one, has an id that begins so."""


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, help="Number of runs, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the runs: when each began, how long it took, how it ended, and what started it."""
    with opened_records() as records:
        found = records.run_records()[-limit:][::-1]
    if as_json:
        print(json.dumps({"runs": [record.to_json() for record in found]}, default=str))
        return
    if not found:
        console.print("No run has ended yet.")
        return
    from rich.table import Table

    shown = Table()
    for column in ("run", "began", "took", "ended as", "job", "asked for by", "assets"):
        shown.add_column(column, justify="right" if column in ("took", "assets") else "left")
    for record in found:
        shown.add_row(
            record.id[:_SHORT],
            f"{record.started:%Y-%m-%d %H:%M:%S}",
            _seconds(record.ended - record.started),
            _coloured(record.state),
            escape(record.run.job or ""),
            escape(record.run.schedule or record.run.sensor or record.run.backfill or ""),
            str(len(record.assets) or len(record.steps)),
        )
    console.print(shown)


@app.command()
def logs(
    run: Annotated[str, typer.Argument(help="The run's id, or its first characters.")],
    as_json: AsJson = False,
) -> None:
    """Show what a run did: each asset with its version and rows, and what went wrong."""
    with opened_records() as records:
        record = _run_named(records, run)
        made = records.of_run(record.id)
        stayed = records.with_ids([kept for kept in record.kept.values() if kept is not None])
    if as_json:
        answer = {"run": record.to_json(), "records": [each.to_json() for each in made]}
        print(json.dumps(answer, default=str))
        return
    console.print(
        f"Run {record.id}: {_coloured(record.state)} after {_seconds(record.ended - record.started)}, "
        f"from {record.started:%Y-%m-%d %H:%M:%S} UTC"
    )
    from rich.table import Table

    shown = Table()
    for column in ("asset", "ended as", "version", "rows", "took"):
        shown.add_column(column, justify="left" if column in ("asset", "ended as") else "right")
    for each in made:
        shown.add_row(
            escape(each.asset),
            "kept" if each.kept else _coloured(each.status),
            "" if each.version is None else str(each.version),
            "" if each.rows is None else f"{each.rows:,}",
            _seconds(each.ended - each.started),
        )
    console.print(shown)
    for each in made:
        if each.failure is not None:
            console.print(f"[red]{escape(each.asset)} failed:[/red] {escape(each.failure.message)}")
    for step, state in record.steps.items():
        if state == "skipped":
            unchanged = stayed.get(record.kept.get(step) or "")
            version = "" if unchanged is None else f": it stays at version {unchanged.version}"
            console.print(f"{escape(step)} was skipped{version}")


def _run_named(records: Records, text: str) -> RunRecord:
    found = [record for record in records.run_records() if record.id.startswith(text)]
    if len(found) != 1:
        raise UnknownRun(
            f"{'No run has' if not found else f'{len(found)} runs have'} an id that begins with {text!r}.",
            expected="the id of one run that has ended, or its first characters",
            found=", ".join(record.id for record in found[:5]) or "none",
            advice="recsys runs lists them",
        )
    return found[0]


def _coloured(state: str) -> str:
    colour = STATE_COLOURS.get(state)
    return f"[{colour}]{state}[/{colour}]" if colour else state


def _seconds(time: timedelta | Any) -> str:
    return f"{time.total_seconds():.1f} s"
