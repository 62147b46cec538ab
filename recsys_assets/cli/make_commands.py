"""`recsys demo`, `materialize` and `nightly`, which make tables; `forget` and `adopt`, which change their input."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from recsys_assets.cli.command_output import errors_in_words, fail, print_error
from recsys_assets.cli.session import AsJson, console, load_settings, opened_platform

if TYPE_CHECKING:
    from recsys_assets.runs.foreground_run import RunOutcome
    from recsys_assets.runs.load_report import LoadReport
    from recsys_assets.runs.platform import Platform
    from recsys_assets.runs.run_plan import PlannedAsset

app = typer.Typer()
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Fail, instead of waiting, if another process writes to the home.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be made, and why; no table is written.")
]
_SECONDS_TO_DELIVER, _PATIENCE_TO_DELIVER = 20.0, 2.0
_NOT_LOADED = "Files or days of the source were not loaded."


@app.command()
def demo(
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option("--force", help="Make everything again, even what is up to date.")
    ] = False,
    as_json: AsJson = False,
    no_wait: NoWait = False,
) -> None:
    """Run the whole asset graph on the source's data and show the results.

    What is up to date is kept, so a second run takes seconds.
    """
    began = time.perf_counter()
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.cli.terminal_output import customer_text, load_lines, metrics_table, summary_lines
        from recsys_assets.runs.queries import judgement, summary, typical_customer

        if dry_run:
            _show_plan(platform.plan(platform.names(), reuse=not force), out, as_json)
            return
        with platform.writers.exclusive(wait=not no_wait, notify=partial(out.print, markup=False)):
            platform.recover()
            names = platform.names() if force else platform.outdated()
            errors: dict[str, str] = {}
            if names:
                made = _made(platform, names, out, reuse=not force)
                errors = made.errors
                _print_warnings(platform, made, out)
            else:
                out.print("Nothing changed since the last run; every table is kept as it is.")
            faulty = platform.show_faulty_days()
        if errors:
            fail(errors)
        facts = summary(platform.records, platform.settings.source, time.perf_counter() - began)
        files = platform.load_report(loaded=True)
        delivered, delivery_lines = _delivered(platform)
        if as_json:
            plain = {"faulty_days": faulty, "files": files.to_json(), "openlineage": delivered}
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
        for line in delivery_lines:
            out.print(line, markup=False)
        out.print(f"\n{facts['seconds']} s. What to do next:")
        out.print(
            "  recsys ui                    see the asset graph, plots and checks at http://127.0.0.1:3000"
        )
        out.print(f"  {f'recsys recommend {shown}':<27}  any customer's recommendations")
        out.print("  recsys status                every table's version, and what is stale and why")


@app.command()
def materialize(
    selection: Annotated[
        list[str] | None,
        typer.Argument(
            help="Assets in Dagster's syntax, such as group:clean, champion+ or 'events or 1+split'; of several, all."
        ),
    ] = None,
    partition: Annotated[str | None, typer.Option(help="One day of raw_events, as 2017-03-01.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day of raw_events to make.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last day of raw_events to make.")] = None,
    reuse: Annotated[
        bool,
        typer.Option("--reuse", help="Keep what is up to date; otherwise everything selected is made again."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Make everything again, even what is up to date: the default without --reuse.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    no_wait: NoWait = False,
) -> None:
    """Materialize assets; without a SELECTION, all of them.

    Without --reuse, everything selected is made again, even what is up to date. With --from and --to, the days of
    raw_events from the first to the last are made; with --reuse, only those whose files changed.
    Exits with 1 when an asset failed, and when a file or a day of the source was not loaded.
    """
    if reuse and force:
        raise typer.BadParameter("choose one of --reuse and --force")
    if partition is not None and (first or last) is not None:
        raise typer.BadParameter("choose --partition, or --from and --to")
    with opened_platform(quiet=as_json) as (platform, out):
        from recsys_assets.runs.selection import in_one_selection

        names = platform.names(in_one_selection(selection or ()))
        if dry_run:
            days = _days(platform, partition, first, last)
            _show_plan(platform.plan(names, reuse=reuse, days=days), out, as_json)
            return
        with platform.writers.exclusive(wait=not no_wait, notify=partial(out.print, markup=False)):
            platform.recover()
            _print_on_request(platform, names, out)
            began = time.perf_counter()
            days = _days(platform, partition, first, last)
            if days is not None and partition is None and reuse:
                (planned,) = platform.plan(names, reuse=True, days=days)
                days = sorted({*planned.days, *planned.refused})
            if days is None:
                outcomes = [_made(platform, names, out, reuse=reuse)]
            else:
                outcomes = _made_by_day(platform, names, days, out)
            _print_outcomes(
                platform, outcomes, names, out, began=began, all_days=days is None, as_json=as_json
            )


@app.command()
def nightly(dry_run: DryRun = False, as_json: AsJson = False, no_wait: NoWait = False) -> None:
    """Run the nightly job now, for cron, Airflow and the like.

    It is the job of the nightly schedule: new data is loaded, what is up to date is kept, models start from the
    previous ones, and old versions are pruned at the end. Exits with 0 when everything succeeded; with 1 when an asset
    failed, a file or a day of the source was not loaded, or with --no-wait another process writes to the home; with
    130 or 143 when it was stopped by SIGINT or SIGTERM.
    """
    with opened_platform(quiet=as_json) as (platform, out):
        names = platform.nightly_names()
        if dry_run:
            _show_plan(platform.plan(names, reuse=True), out, as_json)
            return
        with platform.writers.exclusive(wait=not no_wait, notify=partial(out.print, markup=False)):
            platform.recover()
            began = time.perf_counter()
            from recsys_assets.cli.terminal_output import asset_progress

            with asset_progress(out, len(names)):
                outcome = platform.run_nightly()
            _print_outcomes(platform, [outcome], names, out, began=began, all_days=True, as_json=as_json)


@app.command()
def forget(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Files of the source, by their paths in the data folder."),
    ],
) -> None:
    """Forget files: rows of deleted files leave the raw tables, existing files are no longer loaded.

    Versions made with them stay until they are pruned. An existing file is loaded again once its content changes.
    """
    with (
        opened_platform() as (platform, out),
        platform.writers.exclusive(wait=True, notify=partial(out.print, markup=False)),
    ):
        platform.recover()
        done = platform.forget(files)
        if done.errors:
            fail(done.errors)
        out.print(f"{len(files)} files are forgotten, and their rows are no longer in any raw table.")
        out.print("recsys materialize --reuse brings all other tables up to date.")


@app.command()
def adopt() -> None:
    """Assign the home to the source and files of the settings, if it belonged to others."""
    with errors_in_words():
        settings = load_settings()
        from recsys_assets.instance import prepare_home
        from recsys_assets.shop.home_source import adopt_source

        prepare_home(settings)
        adopt_source(settings)
        console.print(f"{settings.home} belongs to {settings.source} now.", markup=False)


def _delivered(platform: Platform) -> tuple[list[dict[str, Any]], list[str]]:
    """Send the records' events; returns the result for each destination, as JSON and as text.

    A destination that does not accept them is reported and no failure; they are sent later.
    """
    from recsys_lineage.cli.openlineage.sending import delivery_text
    from recsys_lineage.errors import LineageError

    try:
        done = platform.deliver(_SECONDS_TO_DELIVER, _PATIENCE_TO_DELIVER)
    except LineageError as error:
        found = "; ".join(part for part in (error.message, error.where, error.advice) if part)
        return [{"error": found}], [f"OpenLineage: {found}"]
    return [each.to_json() for each in done], [f"OpenLineage, {delivery_text(each)}" for each in done]


def _days(platform: Platform, partition: str | None, first: str | None, last: str | None) -> list[str] | None:
    """The requested days; None without a request."""
    if partition is not None:
        return platform.event_days().one(partition)
    if first is None and last is None:
        return None
    return platform.event_days().between(first, last)


def _made(platform: Platform, names: Sequence[str], out: Console, *, reuse: bool) -> RunOutcome:
    from recsys_assets.cli.terminal_output import asset_progress

    with asset_progress(out, len(names)):
        return platform.run(names, reuse=reuse)


def _made_by_day(
    platform: Platform, names: Sequence[str], days: Sequence[str], out: Console
) -> list[RunOutcome]:
    from recsys_assets.cli.terminal_output import asset_progress

    if not days:
        out.print("The days are up to date; nothing is made.")
        return []
    with asset_progress(out, len(names)):
        return platform.run_days(names, days)


def _print_on_request(platform: Platform, names: Sequence[str], out: Console) -> None:
    """Name selected assets that are made on request only, because they may take hours or delete old versions."""
    if on_request := [name for name in names if platform.is_on_request(name)]:
        out.print(f"Selected, and made on request only: {', '.join(on_request)}.", markup=False)


def _print_outcomes(
    platform: Platform,
    outcomes: Sequence[RunOutcome],
    names: Sequence[str],
    out: Console,
    *,
    began: float,
    all_days: bool,
    as_json: bool,
) -> None:
    """Print how runs ended and which files were loaded, and exit with 1 after a failure.

    `all_days`: no single days were requested.
    """
    errors = {step: text for outcome in outcomes for step, text in outcome.errors.items()}
    files = None
    if any(name == "source_files" or name.startswith("raw_") for name in names):
        files = platform.load_report(loaded=all_days and "raw_events" in names)
    if not as_json:
        for outcome in outcomes:
            _print_warnings(platform, outcome, out)
        complete = files is None or _print_loaded(files, out)
        if errors:
            fail(errors)
        if not complete:
            sys.exit(1)
        return
    answer = {
        "runs": [outcome.run_id for outcome in outcomes],
        "assets": _assets_of(platform, outcomes),
        "files": files.to_json() if files else {},
        "seconds": round(time.perf_counter() - began, 1),
    }
    if errors:
        fail(errors, **answer)
    if files is not None and not files.complete:
        lost = [*files.faulty, *files.days]
        print_error(
            _NOT_LOADED,
            expected="every file and day to be loaded",
            found=", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else ""),
            advice="`files` says why; fix them, or drop them with recsys forget",
            **answer,
        )
        sys.exit(1)
    print(json.dumps(answer))


def _assets_of(platform: Platform, outcomes: Sequence[RunOutcome]) -> dict[str, dict[str, Any]]:
    """Outcome of each asset of the runs, from the records."""
    return {
        record.asset: {
            "state": record.status,
            "version": record.version,
            "rows": record.rows,
            "seconds": round(record.seconds, 3),
        }
        for outcome in outcomes
        for record in platform.records.of_run(outcome.run_id)
        if record.kind == "asset"
    }


def _print_warnings(platform: Platform, outcome: RunOutcome, out: Console) -> None:
    """Print the findings of checks that are not blocking."""
    for asset, found in platform.warnings(outcome.run_id).items():
        out.print(f"[yellow]{escape(asset)}:[/yellow] {escape(found)}")


def _print_loaded(files: LoadReport, out: Console) -> bool:
    """Print which files were loaded; returns whether all were."""
    from recsys_assets.cli.terminal_output import load_lines

    wrong, notes = load_lines(files)
    screen = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in notes:
        out.print(line)
    for line in wrong:
        screen.print(line)
    return files.complete


def _show_plan(plan: Sequence[PlannedAsset], out: Console, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"dry_run": True, "assets": {asset.asset: asset.to_json() for asset in plan}}))
        return
    from rich.table import Table

    words = {"make": "[green]make[/green]", "keep": "keep", "decide": "[yellow]make or keep[/yellow]"}
    table = Table()
    for column in ("asset", "would", "why"):
        table.add_column(column, overflow="fold")
    for asset in plan:
        table.add_row(asset.asset, words[asset.action], escape(asset.why))
    out.print(table)
    for asset in plan:
        for day, reasons in [*asset.refused.items()][:10]:
            out.print(f"[red]{day} cannot be loaded:[/red] {escape('; '.join(reasons))}")
    out.print("Nothing was written.")
