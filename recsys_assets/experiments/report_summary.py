"""ReportSummary: the lake's reports on experiments, candidates, positions and searches, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from recsys_lineage.lake.lake import Lake

REPORT = "ab_report"
NOT_MADE = "There is no report yet: run `recsys nightly`."
EMPTY = (
    "There is no experiment in experiments.toml of the home, or nothing was shown in one yet. The service tells what "
    "it showed once a file of it is closed: when it stops, or at the end of the day."
)
FIRST_POSITIONS = 10
COMMONEST_QUERIES = 10


@dataclass(frozen=True)
class ExperimentSummary:
    """One experiment: the recommended action, and a row per arm and metric."""

    name: str
    decision: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class ReportSummary:
    """The newest reports of the lake.

    Attributes:
        experiments: in the order of their names.
        positions: clicks on the first places of the lists.
        policies: estimates for each candidate that was not shown.
        searches: results of the most frequent queries.
        nothing: the reason why there is no experiment, in words; None if there is one.
    """

    experiments: list[ExperimentSummary]
    positions: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    searches: list[dict[str, Any]]
    nothing: str | None = None

    def to_json(self) -> Mapping[str, Any]:
        """The report as plain values."""
        return asdict(self)


def report_summary(lake: Lake) -> ReportSummary:
    """The newest version of each report."""
    if not lake.has(REPORT):
        return ReportSummary([], [], [], [], NOT_MADE)
    experiments = experiment_summaries(lake)
    positions: list[dict[str, Any]] = []
    if lake.has("clicks_by_position"):
        positions = _rows(lake, "clicks_by_position", f"position <= {FIRST_POSITIONS}")
        positions.sort(key=lambda row: (row["arm"], row["position"]))
    policies: list[dict[str, Any]] = []
    if lake.has("off_policy_report"):
        policies = _rows(lake, "off_policy_report", "kind = 'candidate' AND reward = 'click'")
        policies.sort(key=lambda row: row["policy"])
    searches: list[dict[str, Any]] = []
    if lake.has("search_quality"):
        searches = _rows(lake, "search_quality", "TRUE")
        searches.sort(key=lambda row: (-row["searches"], row["query"]))
    return ReportSummary(
        experiments, positions, policies, searches[:COMMONEST_QUERIES], None if experiments else EMPTY
    )


def experiment_summaries(lake: Lake) -> list[ExperimentSummary]:
    """The newest version of `ab_report` for each experiment, in the order of their names."""
    rows = _rows(lake, REPORT, "TRUE")
    return [
        ExperimentSummary(name, of_it[0]["decision"], of_it)
        for name in sorted({row["experiment"] for row in rows})
        if (of_it := [row for row in rows if row["experiment"] == name])
    ]


def _rows(lake: Lake, table: str, condition: str) -> list[dict[str, Any]]:
    with lake.reading(), lake.connect() as connection:
        found = connection.sql(f"SELECT * FROM {lake.relation(lake.version(table))} WHERE {condition}")
        return found.pl().to_dicts()
