"""Results of validation, comparison and import, as text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from recsys_lineage.cli.show import shown
from recsys_lineage.openlineage.catalog.repair import Comparison
from recsys_lineage.openlineage.intake.receiving import Received
from recsys_lineage.openlineage.validation.fault import Fault
from recsys_lineage.openlineage.validation.report import Report
from recsys_lineage.openlineage.validation.validator import RULES

_MOST = 100
_STATES = {"missing": "red", "stale": "yellow", "different": "red", "extra": "yellow"}


@shown.register
def _(answer: Report) -> Iterator[RenderableType]:
    yield from _faults(answer.faults)
    for rule, count in answer.rules.items():
        yield f"[red]{count:,}[/red] of {rule}: {RULES[rule]}"
    if answer.unknown_schemas:
        yield f"{sum(answer.unknown_schemas.values()):,} facets have unofficial schemas, which is not a fault:"
        yield from (f"  {escape(url)} ({count:,})" for url, count in answer.unknown_schemas.items())
    state = "[green]valid[/green]" if answer.found else f"{sum(answer.rules.values()):,} faults"
    yield f"{escape(answer.source)}: {answer.events:,} events of {answer.runs:,} runs, {state}"


@shown.register
def _(answer: Comparison) -> Iterator[RenderableType]:
    if answer.differences:
        table = Table()
        for column in ("", "what", "of", "the records say", "the catalog says"):
            table.add_column(column, overflow="fold")
        for each in answer.differences[:_MOST]:
            colour = _STATES[each.state]
            table.add_row(
                f"[{colour}]{each.state}[/{colour}]",
                each.what,
                escape(each.name),
                escape(each.expected),
                escape(each.found),
            )
        yield table
        if len(answer.differences) > _MOST:
            yield f"only {_MOST} of {len(answer.differences):,} are shown: --json shows all"
    counts = f"{answer.datasets:,} tables, {answer.edges:,} edges, {answer.columns:,} of columns, {answer.runs:,} runs"
    state = "[green]understood[/green]" if answer.found else f"{len(answer.differences):,} differences"
    yield f"{escape(answer.catalog)}: {counts}: {state}"


@shown.register
def _(answer: Received) -> Iterator[RenderableType]:
    for each in answer.refused[:_MOST]:
        yield f"[red]line {each.line}[/red]: {escape(each.reason)}"
    yield from _faults(answer.faults)
    if answer.violating:
        yield f"[yellow]{answer.violating:,} events violate the official schemas, and are kept all the same[/yellow]"
    if answer.unchecked is not None:
        yield f"[yellow]they were not validated against the official schemas: {escape(answer.unchecked)}[/yellow]"
    refused = f", [red]{len(answer.refused):,} refused[/red]" if answer.refused else ""
    yield f"{escape(answer.source)}: {answer.new:,} new events, {answer.known:,} known already{refused}"


def _faults(faults: tuple[Fault, ...]) -> Iterator[RenderableType]:
    for each in faults:
        line = f"line {each.line}: " if each.line else ""
        yield f"{line}{escape(each.event)} [bold]{each.rule}[/bold] at {escape(each.place)}: {escape(each.message)}"
