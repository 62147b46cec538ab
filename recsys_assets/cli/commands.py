"""The command `recsys`."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_assets.cli.lake_commands import app as lake_app
from recsys_assets.cli.run_commands import app as run_app
from recsys_assets.cli.session import AsJson, console, errors_in_words, opened_platform
from recsys_assets.cli.source_commands import app as source_app
from recsys_assets.cli.table_commands import app as table_app
from recsys_assets.settings import load_settings

app = typer.Typer(
    help="A recommender data platform whose lineage is observed: from files to recommendations, and back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(lake_app, name="lake")
for _commands in (source_app, table_app, run_app):
    app.add_typer(_commands)


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Run the whole asset graph on the source's data and show what came of it.

    What is up to date is kept, so a second run takes seconds.
    """
    began = time.perf_counter()
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.answers import summary, typical_customer
        from recsys_assets.cli.show import customer_text, metrics_table, summary_lines

        platform.recover()
        errors = _materialize(platform, platform.outdated(), out, reuse=True)
        faulty = platform.show_faulty_days()
        if errors:
            _fail(errors)
        facts = summary(platform.records, platform.settings.source, time.perf_counter() - began)
        if as_json:
            print(json.dumps(facts | ({"faulty_days": faulty} if faulty else {})))
            return
        for line in summary_lines(facts):
            out.print(line)
        for day, text in faulty.items():
            out.print(f"[red]{day} was not loaded:[/red] {escape(text)}")
        out.print(metrics_table(facts["metrics"], facts["champion"]))
        shown = typical_customer(platform.lake)
        for line in customer_text(platform.customer(shown, 5)):
            out.print(line)
        out.print(f"\n{facts['seconds']} s. What to do next:")
        out.print(
            "  recsys ui                    see the asset graph, plots and checks at http://127.0.0.1:3000"
        )
        out.print(f"  recsys recommend {shown:<12}any customer's recommendations")
        out.print("  recsys status                every table's version, and what is stale and why")


@app.command()
def ui(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    nightly: Annotated[bool, typer.Option("--nightly", help="Have the nightly retraining running.")] = False,
) -> None:
    """Serve Dagster's interface and daemon until Ctrl-C."""
    from recsys_assets.serve import run_ui

    with errors_in_words():
        run_ui(load_settings(), port=port, nightly=nightly or None, say=console.print)


@app.command()
def materialize(
    selection: Annotated[
        str | None, typer.Argument(help="Assets in Dagster's syntax, such as group:clean or champion+.")
    ] = None,
    partition: Annotated[str | None, typer.Option(help="One event day, as 2017-03-01.")] = None,
    reuse: Annotated[bool, typer.Option("--reuse", help="Keep what would come out unchanged.")] = False,
) -> None:
    """Materialize assets, all of them when no SELECTION is given."""
    with opened_platform() as (platform, out):
        platform.recover()
        errors = _materialize(platform, platform.names(selection), out, reuse=reuse, partition=partition)
        if errors:
            _fail(errors)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every asset's version, rows and fingerprint, and whether it is stale and why."""
    with opened_platform(quiet=as_json) as (platform, out):
        statuses = platform.statuses()
        if as_json:
            print(json.dumps({"assets": {name: _status_json(status) for name, status in statuses.items()}}))
            return
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
        changes = {change for state in statuses.values() for change in state.engine}
        if changes:
            made = sum(bool(state.engine) for state in statuses.values())
            out.print(
                f"{made} tables were made with other libraries ({', '.join(sorted(changes))}); none is stale for that."
            )


@app.command()
def recommend(
    user: Annotated[str, typer.Argument(help="The customer's id, as in the source's files.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show one customer's purchases and recommendations."""
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.show import customer_text

        answer = platform.customer(user, k)
        if as_json:
            plain = {"user_id": user, "recommendations": answer.recommendations, "history": answer.history}
            print(json.dumps(plain, default=str))
            return
        for line in customer_text(answer):
            out.print(line)


@app.command()
def reproduce(
    version: Annotated[
        str,
        typer.Argument(
            metavar="[ASSET[@VERSION]]", help="A table and its version; the newest when left out."
        ),
    ] = "champion",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on where the code is not the code of then.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version again from exactly the versions it was made of, and compare the bits.

    Nothing is committed. Exits with 1 when a bit differs. Weights are the same to the last bit on the CPU; a CUDA
    device sums in an order of its own.
    """
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.show import reproduction_report

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
    """Say what is installed, which settings hold, what is wrong and how to mend it."""
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


def main() -> None:
    """Run the command line, and leave at once when it is done.

    Without `os._exit` the interpreter takes the engines' native modules apart in an order that makes one of them
    print pages of warnings about leaks after the last line that a person should read.
    """
    code: object = 0
    try:
        app()
    except SystemExit as done:
        code = done.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _materialize(
    platform: Any, names: list[str], out: Console, *, reuse: bool, partition: str | None = None
) -> dict[str, str]:
    from recsys_assets.cli.show import asset_progress

    if not names:
        out.print("Nothing changed since the last run; every table is kept as it is.")
        return {}
    with asset_progress(out, len(names)):
        return platform.run(names, reuse=reuse, partition=partition).errors


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


def _fail(errors: dict[str, str]) -> None:
    screen = Console(stderr=True)
    for step, text in errors.items():
        screen.print(f"[red]{escape(step)} failed:[/red] {escape(text)}", highlight=False)
    sys.exit(1)
