"""Output of the command line: progress while assets run, tables and sentences afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from recsys_assets.runs.load_report import LoadReport
from recsys_assets.runs.queries import BOUGHT, CustomerAnswer
from recsys_lineage import progress as lineage_progress
from recsys_lineage.assets.reproduction import Reproduction
from recsys_lineage.records.parts.engine_versions import engine_versions

MOST_SHOWN = 10
MOST_REASONS = 4
_FEW_REJECTED = 0.01
SHOWN_METRICS = {
    "NDCG": "ndcg@20",
    "recall": "recall@20",
    "hit rate": "hit_rate@20",
    "MAP": "map@20",
    "coverage": "coverage@20",
    "novelty": "novelty@20",
}


@contextmanager
def asset_progress(console: Console, total: int) -> Iterator[None]:
    """A progress bar over the assets of a run, with a line for each one that is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=total)

        def listen(moment: lineage_progress.Progress) -> None:
            if moment.kind == "start":
                bar.update(task, description=moment.asset)
            elif moment.kind == "step":
                bar.update(task, description=f"{moment.asset}: {moment.text}")
            elif moment.kind == "note":
                bar.console.print(f"  [yellow]![/yellow] {moment.asset}: {escape(moment.text)}")
            elif moment.kind == "failed":
                bar.console.print(f"  [red]✗[/red] {moment.asset}")
                bar.advance(task)
            else:
                kept = "kept, unchanged" if moment.kind == "kept" else f"{moment.seconds or 0:.1f} s"
                bar.console.print(
                    f"  [green]✓[/green] {moment.asset:<26}{moment.rows or 0:>14,} rows   {kept}"
                )
                bar.advance(task)

        with lineage_progress.listening(listen):
            yield


def metrics_table(metrics: Mapping[str, Mapping[str, float]], champion: str, judged: str) -> Table:
    """Metrics of each family on the held-out weeks, best first.

    Args:
        metrics: of each family; empty if no customer could be used for evaluation.
        champion: the family that serves.
        judged: what they were evaluated on, in words.
    """
    if not metrics:
        return Table(
            title=f"Nothing could be evaluated in the held-out weeks; {champion} serves", title_justify="left"
        )
    what = "new to" if judged.startswith("new items") else "for"
    table = Table(title=f"20 items {what} each customer, in the held-out weeks", title_justify="left")
    table.add_column("family", no_wrap=True)
    for label in SHOWN_METRICS:
        table.add_column(label, justify="right", no_wrap=True)
    for family, values in sorted(metrics.items(), key=lambda pair: -pair[1]["ndcg@20"]):
        label = f"{family} (champion)" if family == champion else family
        table.add_row(label, *(f"{values[metric]:.4f}" for metric in SHOWN_METRICS.values()))
    return table


def customer_text(answer: CustomerAnswer) -> list[str]:
    """One customer's purchases (or other target behaviour) and recommendations, in words."""
    is_bought = answer.target in BOUGHT
    if answer.history:
        did = "bought most often" if is_bought else f"has most often ({escape(answer.target)})"
        lines = [f"[bold]Customer {answer.user_id}[/bold] {did}:"]
    else:
        did = "has bought nothing yet" if is_bought else f"has no {escape(answer.target)} yet"
        lines = [f"[bold]Customer {answer.user_id}[/bold] {did}"]
    shown = Counter({(row["item_id"], row["title"]) for row in [*answer.history, *answer.recommendations]})
    alike = {title for title, items in Counter(title for _, title in shown).items() if title and items > 1}

    def name(row: Mapping[str, Any]) -> str:
        """The title, with the id where several of the items shown have it, as where it is that of a category."""
        title = row["title"] or row["item_id"]
        return escape(f"{title} ({row['item_id']})" if title in alike else title)

    for row in answer.history:
        times = "once" if row["times"] == 1 else f"{row['times']} times"
        last = f", last on {row['last_time']:%Y-%m-%d}" if row["last_time"] else ""
        lines.append(f"  {name(row)} ({times}{last})")
    lines.append(
        "and is recommended:" if answer.recommendations else "and has every item that there is already."
    )
    for row in answer.recommendations:
        reason = row["reason"]
        if (like := row.get("like_item_id")) and any(reason.endswith(f" {title}") for title in alike):
            reason = f"{reason} ({like})"
        lines.append(f"  {row['rank']:>2}. {name(row)}, {escape(reason)}")
    return lines


def search_text(found: Mapping[str, Any]) -> list[str]:
    """Results of a query, in words."""
    meant = f", read as [bold]{escape(found['meant'])}[/bold]" if found["meant"] else ""
    if not found["items"]:
        nearest = ", ".join(escape(each["title"] or each["item"]) for each in found["nearest"])
        return [
            f"Nothing is found for {escape(found['query'])}{meant}.",
            *([f"Nearest: {nearest}"] if nearest else []),
        ]
    lines = [f"[bold]{escape(found['query'])}[/bold]{meant} finds:"]
    for each in found["items"]:
        title = escape(each["title"] or each["item"])
        lines.append(f"  {each['position']:>2}. {title} ({escape(each['item'])}): {each['reason']}")
    return lines


def reproduction_report(made: Reproduction) -> list[Table | str]:
    """Report of a reproduction: the inputs of the version then and now, and whether every bit is the same."""
    record = made.record
    table = Table(title=f"{record.asset}@{record.version}, made again", title_justify="left")
    for column in ("", "then", "now"):
        table.add_column(column, overflow="fold")
    now = {(read.kind, read.name): read for read in made.reads}
    for read in record.reads:
        again = now.get((read.kind, read.name))
        versions = [f"version {r.version}  {r.fingerprint[:16]}" if r else "not read" for r in (read, again)]
        table.add_row(read.name, *versions)
    table.add_section()
    for name, value in record.parameters.items():
        table.add_row(name, str(value), str(value))
    chosen = {key: record.statistics[key] for key in ("params", "chosen", "how") if key in record.statistics}
    for name, value in chosen.items():
        table.add_row(name, escape(str(value)), "")
    table.add_section()
    table.add_row("code version", record.code_version, _unlike(made.code_version, record.code_version))
    table.add_row("git commit", (record.git_commit or "")[:12], "")
    then = record.engine or record.statistics.get("libraries", {})
    for name, version in engine_versions().items():
        was = then.get(name, "")
        table.add_row(name, was, _unlike(version, was) if was else version)
    table.add_section()
    for name, (was, found) in made.files.items():
        table.add_row(
            f"sha256 of {name}", (was or "none")[:32], _unlike((found or "none")[:32], (was or "none")[:32])
        )
    table.add_row("fingerprint", made.before, _unlike(made.now, made.before))
    verdict = (
        "[green]identical: every bit is the same[/green]" if made.identical else "[red]not identical[/red]"
    )
    return [table, f"{verdict}, made again in {made.seconds:.1f} s"]


def _unlike(now: str, then: str) -> str:
    return now if now == then else f"[yellow]{escape(now)}[/yellow]"


def load_lines(report: LoadReport) -> tuple[list[str], list[str]]:
    """Lines about files and days that are not loaded, and other notes about files."""
    wrong = [
        f"[red]{escape(path)} was not loaded:[/red] {escape(text)}" for path, text in report.faulty.items()
    ]
    days = [*report.days]
    for day in days[:MOST_SHOWN]:
        reasons = [text for text in report.days[day] if text not in report.faulty.values()]
        why = f" {escape('; '.join(reasons))}" if reasons else " of the files above"
        wrong.append(f"[red]{day} was not loaded:[/red]{why}")
    if len(days) > MOST_SHOWN:
        wrong.append(f"[red]and {len(days) - MOST_SHOWN} more days[/red]")
    notes = [
        f"{escape(path)} is a copy of {escape(first)} and was not loaded again."
        for path, first in [*report.copies.items()][:MOST_SHOWN]
    ]
    if report.gone:
        shown = escape(", ".join(report.gone[:MOST_SHOWN])) + (" …" if len(report.gone) > MOST_SHOWN else "")
        notes.append(
            f"{len(report.gone)} files that were loaded are gone; their rows are kept: {shown}. "
            "recsys forget FILE drops them."
        )
    if report.passed:
        shown = escape(", ".join(report.passed[-MOST_SHOWN:]))
        more = (
            f" and {len(report.passed) - MOST_SHOWN} before these" if len(report.passed) > MOST_SHOWN else ""
        )
        notes.append(
            "Rows of days that lie before all those of a file that was replaced under its name are kept: "
            f"{shown}{more}. recsys materialize raw_events --partition DAY empties one."
        )
    notes += [
        f"No file fits the pattern {escape(repr(pattern))} of the source's SQL: copy its files into the data folder, "
        "or fix the pattern."
        for pattern in report.without_files[:MOST_SHOWN]
    ]
    notes += overlooked_lines(report.overlooked)
    if report.forgotten:
        notes.append(f"{len(report.forgotten)} files are left out because of recsys forget.")
    return wrong, notes


def overlooked_lines(overlooked: Mapping[str, str]) -> list[str]:
    """Lines about files that are not read though their names are similar to those of files that are."""
    from recsys_assets.assets.raw.overlooked_files import names_returns

    shown = []
    for path, like in [*overlooked.items()][:MOST_SHOWN]:
        if names_returns(path) and not names_returns(like):
            why = (
                "by its name it holds returns, which do not count as such: add it to raw_events.sql with 'return' AS "
                "behaviour"
            )
        elif path.casefold().endswith((".zip", ".7z", ".zst", ".bz2", ".xz")):
            why = "is compressed in a way that is not read: unpack it, or compress it by gzip"
        elif path.casefold().endswith((".xlsx", ".xls")):
            why = "is a workbook: save it as CSV"
        else:
            why = f"its name is like that of {escape(like)}: widen the pattern in the source's SQL"
        shown.append(f"{escape(path)} is read by no pattern of the source, and {why}, or move the file away.")
    more = len(overlooked) - len(shown)
    return [*shown, f"and {more} more files are read by no pattern."] if more > 0 else shown


def summary_lines(facts: Mapping[str, Any]) -> list[str]:
    """Lines with the demo's counts, and the most frequent reasons if more than a few rows are rejected."""
    few = facts["rows_rejected"] <= _FEW_REJECTED * facts["rows_read"]
    reasons = [] if few else facts["reasons"][:MOST_REASONS]
    return [
        f"{facts['rows_read']:,} rows read, {facts['rows_accepted']:,} accepted, "
        f"{facts['rows_rejected']:,} rejected with a reason (table rejected_rows).",
        *(f"  {each['rows']:,} of {each['table']}: {each['reason']}" for each in reasons),
        f"{facts['users']:,} customers, {facts['items']:,} items, {facts['interactions']:,} interactions.",
    ]
