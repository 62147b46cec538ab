"""Status: the state of a running service for people, as one JSON object and as the page at /."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from datetime import date, datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recsys_assets.experiments.experiment import Arm, Experiment
from recsys_assets.experiments.report_summary import ExperimentSummary
from recsys_assets.service.answers.rules import Rules
from recsys_assets.service.answers.served_search import TABLE as SEARCH
from recsys_assets.service.answers.served_search import ServedSearch
from recsys_assets.service.answers.serving import Canary, Serving
from recsys_assets.service.feedback.feedback_log import FeedbackLog
from recsys_assets.service.rotation import Rotation
from recsys_assets.service.service_metrics import ServiceMetrics

_REPORTED = (
    "arm", "metric", "role", "units", "value", "relative", "relative_low", "relative_high", "difference_low",
    "difference_high", "verdict", "sample_ratio_p",
)  # fmt: skip
"""Columns of `ab_report` that the status shows."""


def status_of(
    rotation: Rotation, log: FeedbackLog, metrics: ServiceMetrics, workers: int = 1
) -> dict[str, Any]:
    """State of the service: what serves, its metrics, rules and experiments.

    Args:
        workers: number of processes; swaps are those of this one.
    """
    seen = metrics.seen
    now, serving = datetime.now(timezone.utc), rotation.now
    n_items = 0 if serving is None else serving.champion.served.model.n_items
    return {
        "service": version("recsys-platform"),
        "now": now,
        "process": os.getpid(),
        "workers": workers,
        "started": datetime.fromtimestamp(seen.started, timezone.utc),
        "serves": None if serving is None else _served(serving, rotation, now),
        "problems": problems_of(rotation, log),
        **metrics.team_requests.summed(),
        "arms": seen.arms(n_items),
        "swaps": rotation.swaps,
        "swap_failures": rotation.failures,
        "rules": [] if serving is None else list(rules_in_words(serving.champion.rules.rules)),
        "experiments": [] if serving is None else [_experiment(e, now.date()) for e in serving.experiments],
        "reports": [
            {"name": each.name, "decision": each.decision, "rows": _report(each)} for each in rotation.reports
        ],
    }


def problems_of(rotation: Rotation, log: FeedbackLog) -> list[str]:
    """Problems that need attention, in words."""
    problems = [] if rotation.now is None else [*rotation.now.problems]
    if rotation.fault is not None:
        problems.append(f"the newest could not be loaded: {rotation.fault}")
    if log.failure is not None:
        problems.append(f"feedback cannot be written: {log.failure}")
    return problems


def _served(serving: Serving, rotation: Rotation, now: datetime) -> dict[str, Any]:
    served = serving.champion.served
    decision = rotation.decision
    is_in_force = decision is not None and (decision.asset, decision.version) == (
        served.table,
        served.version,
    )
    return {
        "table": served.table,
        "version": served.version,
        "record": served.record,
        "family": served.model.name,
        "items": served.model.n_items,
        "customers": len(served.histories.rows),
        "made": served.made,
        "since": rotation.since,
        "age_seconds": max(0.0, (now - served.made).total_seconds()),  # a clock may go back
        "prepared": None if serving.prepared is None else serving.prepared.version,
        "search": None if serving.search is None else _searched(serving.search[0]),
        "canary": None if serving.canary is None else _canary(serving.canary),
        "decided": f"{decision.who}: {decision.reason}" if decision is not None and is_in_force else None,
    }


def _searched(search: ServedSearch) -> dict[str, Any]:
    by = "words alone" if search.encoder is None else f"words and meaning ({search.encoder.name})"
    return {"table": f"{SEARCH}@{search.version}", "items": search.n_items, "by": by}


def _canary(canary: Canary) -> dict[str, Any]:
    served = canary.variant.served
    return {
        "arm": canary.arm,
        "table": f"{served.table}@{served.version}",
        "share": canary.share,
        "decided": f"{canary.who}: {canary.reason}",
    }


def _experiment(experiment: Experiment, today: date) -> dict[str, Any]:
    total = sum(arm.share for arm in experiment.arms)
    return {
        "name": experiment.name,
        "kind": experiment.kind,
        "unit": experiment.unit,
        "metric": "clicks" if experiment.interleaves else experiment.metric,
        "first_day": experiment.first_day,
        "last_day": experiment.last_day,
        "runs_today": experiment.runs_on(today),
        "arms": [
            {"name": arm.name, "share": arm.share / total, "answers": _what_answers(arm)}
            for arm in experiment.arms
        ],
    }


def _report(experiment: ExperimentSummary) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in _REPORTED} for row in experiment.rows]


def _what_answers(arm: Arm) -> str:
    model = "the champion" if arm.version is None else f"champion@{arm.version}"
    model = (
        model
        if arm.family is None
        else f"candidate_{arm.family}" + (f"@{arm.version}" if arm.version is not None else "")
    )
    return model if arm.rules is None else f"{model} by {arm.rules}"


def rules_in_words(rules: Rules) -> Iterator[str]:
    """Each rule as a sentence."""
    days = rules.bought.again_after_days
    yield (
        "What was bought is never recommended again."
        if days is None
        else f"What was bought is recommended again after {days} {'day' if days == 1 else 'days'}."
    )
    for each in rules.filter:
        if each.only:
            yield f"Only {each.column}: {', '.join(each.only)}."
        if each.never:
            yield f"Never {each.column}: {', '.join(each.never)}."
    if rules.stock.out:
        yield f"{len(rules.stock.out)} items are out of stock."
    if rules.stock.table is not None:
        yield f"The table {rules.stock.table} says what is in stock."
    for pin in rules.pin:
        yield f"{pin.item} stands at place {pin.position}{_days(pin.first_day, pin.last_day)}."
    for boost in rules.boost:
        what = boost.item if boost.value is None else f"{boost.column} {boost.value}"
        way = "higher" if boost.up >= 0 else "lower"
        yield f"{what} stands {abs(boost.up)} places {way}{_days(boost.first_day, boost.last_day)}."
    for limit in rules.at_most:
        yield f"At most {limit.n} of a {limit.column}."
    if rules.exploration.share:
        yield f"{rules.exploration.share:.0%} of places are drawn among the {rules.exploration.among} best."


def _days(first: date | None, last: date | None) -> str:
    return (f" from {first}" if first else "") + (f" to {last}" if last else "")


@cache
def page() -> tuple[bytes, str]:
    """The page at /, and the content security policy that allows only its own scripts and styles."""
    html = Path(__file__).with_name("page.html").read_text()
    hashes: dict[str, str] = {}
    for kind in ("script", "style"):
        (text,) = re.findall(f"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        hashes[kind] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html.encode(), policy
