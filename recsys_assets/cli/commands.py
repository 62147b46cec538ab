"""The command `recsys`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from recsys_assets.cli.command_output import Commands, errors_in_words
from recsys_assets.cli.lineage_commands import app as lineage_app
from recsys_assets.cli.make_commands import app as make_app
from recsys_assets.cli.openlineage_commands import app as openlineage_app
from recsys_assets.cli.retention_commands import app as lake_app
from recsys_assets.cli.run_commands import app as run_app
from recsys_assets.cli.service_commands import app as service_app
from recsys_assets.cli.service_commands import champion_app, experiments_app, token_app
from recsys_assets.cli.session import AsJson, console, load_settings, opened_lake, opened_platform
from recsys_assets.cli.source_commands import app as source_app
from recsys_assets.cli.table_commands import app as table_app

app = typer.Typer(
    cls=Commands,
    help="A recommender platform whose lineage is observed: from files to recommendations, and back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(lake_app, name="lake")
app.add_typer(lineage_app, name="lineage")
app.add_typer(openlineage_app, name="openlineage")
app.add_typer(champion_app, name="champion")
app.add_typer(token_app, name="token")
app.add_typer(experiments_app, name="experiments")
for _commands in (source_app, make_app, table_app, run_app, service_app):
    app.add_typer(_commands)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"recsys {version('recsys-platform')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def ui(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    nightly: Annotated[bool, typer.Option("--nightly", help="Switch the nightly retraining on.")] = False,
) -> None:
    """Serve Dagster's interface and daemon until Ctrl-C."""
    from recsys_assets.dagster_ui import run_ui

    with errors_in_words():
        run_ui(load_settings(), port=port, nightly=nightly or None, notify=console.print)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every asset's version, rows and fingerprint, whether it is stale, and why."""
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.terminal_output import load_lines

        statuses = platform.statuses()
        if as_json:
            print(json.dumps({"assets": {name: _status_json(status) for name, status in statuses.items()}}))
            return
        from rich.table import Table

        table = Table()
        for column in ("asset", "version", "rows", "fingerprint", "materialized", "stale"):
            table.add_column(column, justify="right" if column in ("version", "rows") else "left")
        for name, state in statuses.items():
            table.add_row(
                name,
                "" if state.version is None else str(state.version),
                "" if state.rows is None else f"{state.rows:,}",
                (state.fingerprint or "")[:12],
                f"{state.materialized:%Y-%m-%d %H:%M:%S}" if state.materialized else "",
                f"[yellow]{escape(state.stale)}[/yellow]" if state.stale else "no",
            )
        out.print(table)
        for lines in load_lines(platform.load_report()):
            for line in lines:
                out.print(line)
        changes = {change for state in statuses.values() for change in state.engine}
        if changes:
            made = sum(bool(state.engine) for state in statuses.values())
            out.print(
                f"{made} tables were made with other libraries ({', '.join(sorted(changes))}); that makes none stale."
            )


@app.command()
def recommend(
    user: Annotated[str, typer.Argument(help="The customer's id, as in the source's files.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show one customer's purchases and recommendations."""
    with opened_lake() as lake:
        from recsys_assets.cli.terminal_output import customer_text
        from recsys_assets.runs.queries import customer
        from recsys_assets.shop.loaded_source import load_source

        dated = not load_source(load_settings().source).settings.undated
        answer = customer(lake, user, k, dated=dated)
        if as_json:
            plain = {"user_id": user, "recommendations": answer.recommendations, "history": answer.history}
            print(json.dumps(plain, default=str))
            return
        for line in customer_text(answer):
            console.print(line)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="The search query.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Search items by words, as `GET /search` does for an anonymous visitor, with the reasons for each result."""
    with opened_lake() as lake:
        from recsys_assets.cli.terminal_output import search_text
        from recsys_assets.service.answers.searching import SearchQuestion, searched_alone
        from recsys_assets.service.answers.served_search import ServedSearch

        found = searched_alone(ServedSearch.load(lake), SearchQuestion(query, k=k))
        if as_json:
            print(json.dumps(found))
            return
        for line in search_text(found):
            console.print(line)


@app.command()
def reproduce(
    version: Annotated[
        str,
        typer.Argument(metavar="[ASSET[@VERSION]]", help="A table and its version; by default the newest."),
    ] = "champion",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Reproduce even if the code has changed since.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Reproduce a version from exactly the versions it was made from, and compare it bit for bit.

    Nothing is committed. Exits with 1 when a bit differs. Weights are equal to the last bit on the CPU; a CUDA device
    sums in varying order.
    """
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.terminal_output import reproduction_report

        asset, number = platform.version_named(version)
        with out.status(f"making {asset} again"):
            made = platform.reproduce(asset, number, anyway=anyway)
        if as_json:
            print(json.dumps(made.to_json(), default=str))
        else:
            for part in reproduction_report(made):
                out.print(part)
        if not made.identical:
            sys.exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what is installed, the settings in force, what is wrong and how to fix it."""
    from dataclasses import asdict

    from recsys_assets.cli.doctor import diagnose

    with errors_in_words():
        checks = diagnose(load_settings())
    if as_json:
        print(json.dumps({"checks": [asdict(check) for check in checks]}, default=str))
    else:
        for check in checks:
            mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
            console.print(f"{mark} {check.name:<18}{escape(str(check.found))}")
            if not check.ok and check.advice:
                console.print(f"  {escape(check.advice)}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _status_json(state: Any) -> dict[str, Any]:
    return {
        "version": state.version,
        "rows": state.rows,
        "fingerprint": state.fingerprint,
        "materialized": state.materialized.isoformat() if state.materialized else None,
        "stale": state.stale is not None,
        "reason": state.stale,
        "engine": list(state.engine),
    }
