"""`ab_report`: the results of each experiment's arms, and what to do now."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.experiments.ab_report import SCHEMA, AbReport, ab_report
from recsys_assets.experiments.experiment import ExperimentError, Experiments
from recsys_assets.experiments.interleaving_report import WINS, interleaving_report
from recsys_assets.experiments.sample_ratio import ALARM
from recsys_assets.experiments.units import experiment_units, with_past
from recsys_assets.plots import png
from recsys_assets.service.service_files import ServiceFiles
from recsys_lineage.assets.asset_code import AssetCode, Output, Request
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.code.covered_code import CoveredCode
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.orchestration.lineage_asset import lineage_asset
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome

NAME = "ab_report"
NO_EXPERIMENT = "There is no experiment: define one in experiments.toml in the home."
NOTHING_SHOWN = (
    "Nothing was shown in this experiment yet: exposures appear once the service closes their file."
)
REPORT = {**SCHEMA, "sample_ratio_p": pl.Float64, "decision": pl.String}
_TEXTS = {
    "experiment": "its name",
    "arm": "the arm; the first of an experiment is the control",
    "metric": "the metric by which the arms are compared",
    "role": "decides, guard rail or described",
    "units": "customers or sessions that saw the arm; for wins, those with lists that an arm won",
    "value": "value of the metric, adjusted for what was known before (CUPED)",
    "value_low": "lower end of the interval of the value, valid at any time",
    "value_high": "upper end of the interval of the value",
    "difference": "to the control",
    "difference_low": "lower end of the interval of the difference, valid at any time",
    "difference_high": "upper end of the interval of the difference",
    "relative": "the difference as a share of the control's value",
    "relative_low": "lower end of the interval of the relative difference, valid at any time",
    "relative_high": "upper end of the interval of the relative difference",
    "units_needed": "units of both arms together needed to find the smallest effect that matters",
    "verdict": "what is known of the arm in this metric",
    "sample_ratio_p": "probability of such uneven numbers of units (for wins: first picks); alarms below 0.001",
    "decision": "what to do now, in words",
}
_READS = {
    "exposures": ("experiments", "query_id", "user_id", "client_id", "item_id", "time", "position", "credit"),
    "feedback": ("query_id", "user_id", "client_id", "item_id", "time", "day", "action", "value"),
    "item_profiles": ("item_id", "price_mean"),
    "events": ("user_id", "order_id", "day", "event_time", "amount", "behaviour"),
}
_PAST = """SELECT user_id, min(event_time) AS time, sum(amount) AS amount
FROM events
WHERE behaviour = 'purchase' AND user_id IN (SELECT DISTINCT user_id FROM exposures)
GROUP BY user_id, coalesce(order_id, day::VARCHAR)"""


def experiment_report(files: ServiceFiles, inputs: Inputs, request: Request) -> Output:
    """Results of each experiment's arms, and what to do now; empty while there is no experiment."""
    path, content = files.experiments, b""
    if path.exists():
        with inputs.open_file(path) as file:
            content = file.read()
    experiments = Experiments.load(path, content).experiments
    shown, done, prices = (
        inputs.frame(table, _READS[table]) for table in ("exposures", "feedback", "item_profiles")
    )
    prices = prices.select("item_id", price="price_mean")
    past = inputs.query(_PAST)
    tables, words = [], {}
    for each in experiments:
        if each.interleaves:
            shared = interleaving_report(shown, done, each)
            words[each.name] = NOTHING_SHOWN if shared is None else shared.decision
            tables += [] if shared is None else [_report_frame(shared)]
            continue
        units = experiment_units(shown, done, prices, each)
        if units.is_empty():
            words[each.name] = NOTHING_SHOWN
            continue
        try:
            report = ab_report(with_past(units, past), each, prices.height)
        except ValueError as error:
            raise ExperimentError(
                f"The experiment {each.name!r} cannot be evaluated.",
                expected="the columns that its metric and its guard rails need",
                found=str(error),
                where=str(path),
                advice="name another metric; revenue needs prices in item_profiles",
            ) from None
        words[each.name] = report.decision
        tables.append(_report_frame(report))
    table = pl.concat([pl.DataFrame(schema=REPORT), *tables])
    decisions = "\n\n".join(f"**{name}**: {text}" for name, text in words.items()) or NO_EXPERIMENT
    # names stand in the file of experiments, and a decision is made of sums over an arm's units
    inputs.vouch_for([*words, *words.values(), *(arm.name for each in experiments for arm in each.arms)])
    metadata: dict[str, Any] = {"decision": dg.MetadataValue.md(decisions)}
    if tables:
        metadata["differences"] = Plot(table, _plot)
    return Output(
        table, statistics={"experiments": len(experiments), "shown": len(tables)}, metadata=metadata
    )


def _report_frame(report: AbReport) -> pl.DataFrame:
    return report.table.with_columns(
        sample_ratio_p=pl.lit(report.sample_ratio_p), decision=pl.lit(report.decision)
    )


def _plot(table: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The relative differences to the control with their intervals."""
    import altair as alt

    # lists that one arm won are a share already, so their difference is shown as it is
    of_wins = pl.when(pl.col("metric") == WINS)
    ends = [
        pl.coalesce(each, of_wins.then(each.replace("relative", "difference")))
        for each in ("relative", "relative_low", "relative_high")
    ]
    known = table.with_columns(ends).drop_nulls(["relative_low", "relative_high"])
    rows = known.with_columns(what=pl.concat_str("experiment", "arm", "metric", separator=" · "))
    base = alt.Chart(rows).encode(y=alt.Y("what:N", title=None))
    low = alt.X("relative_low:Q", title="difference to the control", axis=alt.Axis(format="+%"))
    line = base.mark_rule(strokeWidth=3).encode(x=low, x2="relative_high:Q")
    point = base.mark_point(filled=True, size=70).encode(x="relative:Q", color="verdict:N")
    return png(line + point)


def arms_have_their_shares(inputs: Inputs) -> CheckOutcome:
    """Whether the arms of every experiment have as many units as they should."""
    found = inputs.query(
        f"""SELECT count(DISTINCT experiment) AS experiments,
            count(DISTINCT experiment) FILTER (WHERE sample_ratio_p < {ALARM}) AS uneven FROM {OUTPUT}"""
    )
    experiments, uneven = (int(each) for each in found.row(0))
    words = (
        "nothing was shown in an experiment yet"
        if not experiments
        else f"{uneven} of {experiments} experiments have arms of the wrong size"
    )
    counts = {"experiments": experiments, "uneven": uneven}
    return CheckOutcome("arms_have_their_shares", not uneven, words, counts=counts)


CHECKS = (
    unique("experiment", "arm", "metric"),
    TableCheck(
        "arms_have_their_shares",
        "arms have as many units as their shares imply; otherwise units are lost or counted twice",
        function=arms_have_their_shares,
    ),
    TableCheck(
        "guard_rails_hold",
        "no arm harms a guard rail",
        f"SELECT experiment, arm, metric FROM {OUTPUT} WHERE verdict = 'harmed'",
    ),
)


def _observed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()


def asset(files: ServiceFiles) -> dg.AssetsDefinition:
    """`ab_report` over the experiments of a home."""
    compute = partial(experiment_report, files)
    origins = {table: list(columns) for table, columns in _READS.items()}
    code = AssetCode(
        name=NAME,
        code=Code("python", _PAST, __file__),
        code_version=code_version(compute, {}),
        covers=CoveredCode(compute),
        upstream=tuple(_READS),
        compute=compute,
        checks=CHECKS,
        column_descriptions=_TEXTS,
        observe=partial(_observed, files.experiments),
        columns_from=dict.fromkeys(REPORT, origins),
    )
    return lineage_asset(
        code,
        look(
            "feedback",
            kinds={"python", "deltalake"},
            description=experiment_report.__doc__,
            personal="aggregates over the customers of an arm; none is named",
        ),
    )
