"""The command `recsys`."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from recsys_assets.cli.lake_commands import app as lake_app
from recsys_assets.cli.run_commands import app as run_app
from recsys_assets.cli.session import AsJson, console, errors_in_words, load_settings, opened_platform
from recsys_assets.cli.source_commands import app as source_app
from recsys_assets.cli.table_commands import app as table_app

NoWait = Annotated[bool, typer.Option("--no-wait", help="Fail where another process writes to the home.")]

app = typer.Typer(
    help="A recommender data platform whose lineage is observed: from files to recommendations, and back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(lake_app, name="lake")
for _commands in (source_app, table_app, run_app):
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
def demo(as_json: AsJson = False, no_wait: NoWait = False) -> None:
    """Run the whole asset graph on the source's data and show what came of it.

    What is up to date is kept, so a second run takes seconds.
    """
    began = time.perf_counter()
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.answers import judgement, summary, typical_customer
        from recsys_assets.cli.show import customer_text, load_lines, metrics_table, summary_lines

        with platform.writers.alone(wait=not no_wait, say=partial(out.print, markup=False)):
            platform.recover()
            errors = _materialize(platform, platform.outdated(), out, reuse=True)
            faulty = platform.show_faulty_days()
        if errors:
            _fail(errors)
        facts = summary(platform.records, platform.settings.source, time.perf_counter() - began)
        files = platform.load_report(loaded=True)
        if as_json:
            plain = {"faulty_days": faulty, "files": files.to_json()}
            print(json.dumps(facts | {name: value for name, value in plain.items() if value}))
            return
        target, judged = judgement(platform.records)
        for line in [*summary_lines(facts), f"Target behaviour: {target}. Judged: {judged}."]:
            out.print(line)
        for lines in load_lines(files):
            for line in lines:
                out.print(line)
        out.print(metrics_table(facts["metrics"], facts["champion"], judged))
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
    no_wait: NoWait = False,
) -> None:
    """Materialize assets, all of them when no SELECTION is given.

    Exits with 1 when an asset failed, and when a file or a day of the source was not loaded.
    """
    with (
        opened_platform() as (platform, out),
        platform.writers.alone(wait=not no_wait, say=partial(out.print, markup=False)),
    ):
        platform.recover()
        names = platform.names(selection)
        errors = _materialize(platform, names, out, reuse=reuse, partition=partition)
        complete = _say_what_was_loaded(platform, names, out, whole=partition is None)
        if errors:
            _fail(errors)
        if not complete:
            sys.exit(1)


@app.command()
def forget(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Files of the source, by their paths in the data folder."),
    ],
) -> None:
    """Give up files: the rows of those that are gone leave the raw tables, those that are there are not loaded.

    Versions that were made with them stay until they are pruned. A file that is there is loaded again once its content
    is another.
    """
    with (
        opened_platform() as (platform, out),
        platform.writers.alone(wait=True, say=partial(out.print, markup=False)),
    ):
        platform.recover()
        done = platform.forget(files)
        if done.errors:
            _fail(done.errors)
        out.print(f"{len(files)} files are forgotten, and their rows are in no raw table any more.")
        out.print("recsys materialize --reuse brings all other tables up to date.")


@app.command()
def adopt() -> None:
    """Have the home belong to the source of the settings, where it belonged to another one or to other files."""
    with errors_in_words():
        settings = load_settings()
        from recsys_assets.home_source import adopt_source
        from recsys_assets.instance import prepare_home

        prepare_home(settings)
        adopt_source(settings)
        console.print(f"{settings.home} belongs to {settings.source} now.", markup=False)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every asset's version, rows and fingerprint, and whether it is stale and why."""
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.show import load_lines

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
        done = platform.run(names, reuse=reuse, partition=partition)
    for asset, found in platform.warnings(done.run_id).items():
        out.print(f"[yellow]{escape(asset)}:[/yellow] {escape(found)}")
    return done.errors


def _say_what_was_loaded(platform: Any, names: list[str], out: Console, *, whole: bool) -> bool:
    """Print what became of the files, where assets that load them were materialized; whether all is loaded.

    `whole` says that no single day was asked for.
    """
    from recsys_assets.cli.show import load_lines

    if not any(name == "source_files" or name.startswith("raw_") for name in names):
        return True
    files = platform.load_report(loaded=whole and "raw_events" in names)
    wrong, notes = load_lines(files)
    screen = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in notes:
        out.print(line)
    for line in wrong:
        screen.print(line)
    return files.complete


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
    screen = Console(stderr=True, soft_wrap=True)
    for step, text in errors.items():
        screen.print(f"[red]{escape(step)} failed:[/red] {escape(text)}", highlight=False)
    sys.exit(1)
