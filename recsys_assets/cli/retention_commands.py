"""`recsys lake`: prune old versions, and hold those that must stay."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recsys_assets.cli.session import AsJson, opened_platform

if TYPE_CHECKING:
    from rich.table import Table

    from recsys_assets.upkeep import Upkeep

app = typer.Typer(help="Prune old versions, and hold those that must stay.", no_args_is_help=True)
_RUN = "run:"
Version = Annotated[
    str, typer.Argument(metavar="ASSET[@VERSION]", help="A table and its version; by default the newest.")
]


@app.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what RECSYS_RETENTION does not keep: files of old versions, orphaned files, Dagster's old runs.

    The champion, promoted champions and held versions stay, with everything needed to reproduce them. Records are
    never deleted. A version is marked first; the first prune after RECSYS_RETENTION_GRACE_HOURS deletes its files.
    Table lake_retention says what was deleted.
    """
    with opened_platform(quiet=as_json) as (platform, out):
        done, unrecorded = platform.keep_up(dry_run=dry_run)
        if as_json:
            print(json.dumps({**done.to_json(), "dry_run": dry_run, "recorded": not (dry_run or unrecorded)}))
            return
        out.print(_table(done))
        runs = f"{len(done.runs.runs)} runs of Dagster"
        joined = sum(made.files for made in done.compactions)
        would = "would be deleted" if dry_run else "deleted"
        out.print(
            f"{done.prune.files:,} files with {done.prune.bytes:,} bytes and {runs} {would}; {joined} files joined."
        )
        if done.prune.unlisted:
            out.print(f"[yellow]{escape(done.prune.unlisted)}[/yellow]")
        if unrecorded is not None:
            out.print(f"[yellow]It is not on record: {escape(unrecorded.message)}[/yellow]")
        for name in done.runs.busy:
            out.print(f"[yellow]{escape(name)} was in use and was not shrunk[/yellow]")


@app.command()
def hold(
    version: Annotated[
        str,
        typer.Argument(
            metavar="ASSET[@VERSION]|run:ID",
            help="A table and its version, or a run: all versions that it wrote or kept.",
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why it is kept, for those who find it years later.")],
    as_json: AsJson = False,
) -> None:
    """Keep a version, and everything needed to reproduce it that is still there, until it is released."""
    from recsys_lineage.retention.holds import Holds
    from recsys_lineage.retention.needs import pruned_needs

    with opened_platform(quiet=as_json) as (platform, out):
        placed = [
            Holds(platform.lake).place(table, number, who=getpass.getuser(), reason=reason)
            for table, number in platform.versions_named(version)
        ]
        gone = {
            each: [
                f"{table}@{number}" for table, number in pruned_needs(platform.lake, each.table, each.version)
            ]
            for each in placed
        }
        if as_json:
            print(json.dumps({"holds": [{**_plain(each), "gone": gone[each]} for each in placed]}))
            return
        for each in placed:
            out.print(f"{each.table}@{each.version} is held.")
            if gone[each]:
                names = ", ".join(gone[each])
                out.print(f"[yellow]It can be read, but not reproduced: {names} went before.[/yellow]")


@app.command()
def release(version: Version) -> None:
    """End a hold; the next prune may delete what it kept."""
    from recsys_lineage.retention.holds import Holds

    with opened_platform() as (platform, out):
        for table, number in platform.versions_named(version):
            ended = Holds(platform.lake).release(table, number)
            out.print(f"{table}@{number} is no longer held ({escape(ended.who)}: {escape(ended.reason)}).")


@app.command()
def holds(as_json: AsJson = False) -> None:
    """List the holds: what is held, by whom, since when and why."""
    from recsys_lineage.retention.holds import Holds

    with opened_platform(quiet=as_json) as (platform, out):
        found = Holds(platform.lake).all()
        if as_json:
            print(json.dumps({"holds": [_plain(each) for each in found]}))
            return
        from rich.table import Table

        table = Table("version", "who", "since", "why")
        for each in found:
            named = f"{each.table}@{each.version}"
            table.add_row(named, escape(each.who), f"{each.placed:%Y-%m-%d %H:%M}", escape(each.reason))
        out.print(table if found else "Nothing is held.")


def _plain(hold: Any) -> dict[str, Any]:
    return {**asdict(hold), "placed": hold.placed.isoformat()}


def _table(done: Upkeep) -> Table:
    from rich.table import Table

    table = Table()
    for column in (
        "table",
        "policy",
        "versions pruned",
        "kept",
        "files",
        "bytes",
        "orphans",
        "uploads",
        "leftovers",
    ):
        table.add_column(column, justify="left" if column == "table" else "right")
    for each in done.prune.tables:
        deleted = each.to_json()
        numbers = (
            len(each.dropped),
            each.kept,
            deleted["files"],
            deleted["bytes"],
            deleted["orphans"],
            deleted["uploads"],
            deleted["leftovers"],
        )
        table.add_row(each.table, str(each.policy), *(f"{number:,}" for number in numbers))
    return table
