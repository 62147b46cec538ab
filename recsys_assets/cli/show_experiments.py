"""How reports of experiments look at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from recsys_assets.cli.session import console

if TYPE_CHECKING:
    from recsys_assets.service.experiment_reports import ExperimentReport, Reports

_PLACES = 10
"""Places of a list whose clicks are shown."""


def show_experiments(found: Reports) -> None:
    """Print each experiment's arms and decision, and how the places of a list are taken to."""
    from rich.table import Table

    for report in found.reports:
        _show(report)
    if not found.reports:
        console.print("There is no experiment; experiments.toml in the home describes them.")
    if not found.positions.is_empty():
        table = Table("place", "shown", "taken to", "rate", title="Places of all lists", title_justify="left")
        for position, shown, clicks, rate in found.positions.head(_PLACES).iter_rows():
            table.add_row(str(position), f"{shown:,}", f"{clicks:,}", f"{rate:.2%}")
        console.print(table)
    if found.damaged:
        more = f" and {len(found.damaged) - 3} more" if len(found.damaged) > 3 else ""
        console.print(f"{', '.join(found.damaged[:3])}{more} cannot be read and did not count.", markup=False)


def _show(report: ExperimentReport) -> None:
    from rich.table import Table

    console.print(f"[bold]{escape(report.experiment.name)}[/bold]: {escape(report.decision)}")
    if report.report is None:
        return
    table = Table("metric", "arm", "units", "value", "against control", "verdict")
    before = ""
    for row in report.report.table.iter_rows(named=True):
        metric = f"{row['metric']} ({row['role']})"
        table.add_row(
            "" if metric == before else metric,
            row["arm"],
            f"{row['units']:,}",
            _between(row, "value", ".4g"),
            _between(row, "relative", "+.1%"),
            row["verdict"],
        )
        before = metric
    console.print(table)
    if report.units.in_two_arms:
        console.print(f"{report.units.in_two_arms:,} units saw two arms and are left out.")
    if report.units.unpriced:
        console.print(
            f"{report.units.unpriced:,} purchases have no known price and count nothing as revenue."
        )
    shown = ", ".join(f"{arm} {count:,}" for arm, count in report.units.items.items())
    console.print(f"Items shown: {escape(shown)}.")


def _between(row: dict[str, Any], name: str, form: str) -> str:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if value is None:
        return ""
    if low is None or high is None:
        return f"{value:{form}}"
    return f"{value:{form}} ({low:{form}} to {high:{form}})"
