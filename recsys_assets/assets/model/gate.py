"""`gate`: a challenger replaces the champion only if it is better by more than chance."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.model.competing import BASELINES
from recsys_assets.assets.model.training import KINDS
from recsys_assets.assets.run_options import setting_options
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.nights_plot import NDCG, families_over_nights
from recsys_assets.plots import intervals
from recsys_assets.service.champion_decisions import Decided
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.parts.check_outcome import CheckOutcome

_log = logging.getLogger(__name__)
METRIC = "ndcg"
_READ = ("family", "kind", "level", "member", "metric", "value")
_CHOSEN = dict.fromkeys(("kind", "level", "metric"), "FILTER") | {"member": "JOIN"}
_VALUES: Origins = {"evaluation": {"value": "AGGREGATION", "family": "GROUP_BY", **_CHOSEN}}
_FAMILY: Origins = {"evaluation": {"family": "IDENTITY", "value": "CONDITIONAL", **_CHOSEN}}
COLUMNS_FROM: ColumnsFrom = {
    "champion_before": _FAMILY,
    "challenger": _FAMILY,
    "metric": {"evaluation": ("kind",)},
    "users": {"evaluation": {"family": "GROUP_BY", **_CHOSEN, "member": "GROUP_BY"}},
    "reason": {"evaluation": {"family": "TRANSFORMATION", "value": "AGGREGATION", **_CHOSEN}},
    **dict.fromkeys(
        ("champion_value", "challenger_value", "difference", "low", "high", "p", "better", "promoted"),
        _VALUES,
    ),
}
ROWS_FROM: Origins = {"evaluation": {"family": "GROUP_BY", "value": "SORT", **_CHOSEN}}
LARGEST_DROP = 0.2


class GateColumns:
    """Columns of `gate`, one row a challenger."""

    champion_before = pl.String
    """The family that was champion."""
    challenger = pl.String
    """The family that challenges it."""
    metric = pl.String
    """Name of the metric that they are compared by."""
    champion_value = pl.Float64
    """The champion's mean over customers."""
    challenger_value = pl.Float64
    """The challenger's mean over customers."""
    difference = pl.Float64
    """Challenger minus champion."""
    low = pl.Float64
    """Lower end of the difference's 95 % interval (paired bootstrap over customers)."""
    high = pl.Float64
    """Upper end of that interval."""
    p = pl.Float64
    """Probability of such a difference by chance."""
    users = pl.Int64
    """Customers compared."""
    better = pl.Boolean
    """True where the whole interval lies above zero."""
    promoted = pl.Boolean
    """True where the challenger is the new champion."""
    reason = pl.String
    """Reason for the decision, in words."""


@dataclass(frozen=True)
class Promotion:
    """Decision of the gate: the family that is champion from now on, the previous one, and its mean NDCG@20."""

    champion: str
    before: str
    ndcg: float

    def as_statistics(self) -> dict[str, Any]:
        """The decision as the gate's record keeps it."""
        return {
            "champion": self.champion,
            "champion before": self.before,
            "champion ndcg@20": self.ndcg,
        }

    @classmethod
    def of(cls, inputs: Inputs) -> Promotion | None:
        """The gate's last decision; None before the first."""
        previous = inputs.previous()
        return None if previous is None else cls.read(previous.statistics)

    @classmethod
    def read(cls, statistics: Mapping[str, Any]) -> Promotion:
        """The decision of a gate's record, which `as_statistics` gave it."""
        return cls(statistics["champion"], statistics["champion before"], statistics["champion ndcg@20"])


def gate(inputs: Inputs, seed: int, promoted: str | None, canary: str | None) -> Output:
    """The evidence for tonight's champion: each challenger against it, user by user (paired bootstrap).

    The first champion is the better baseline. A challenger is promoted when the whole 95 % interval of its NDCG@20
    gain lies above zero; of several, the one with the highest NDCG@20. A family that a person promoted stays champion
    until the next decision; where another one is better, a warning says so.

    Args:
        inputs: the evaluation.
        seed: of the bootstrap.
        promoted: the family that a person promoted.
        canary: the family whose candidate answers a share of the customers.
    """
    from recsys_models import paired_bootstrap

    evaluation = inputs.frame("evaluation", _READ)
    kind, scores = _scores_by_user(evaluation)
    last = Promotion.of(inputs)
    if scores.is_empty():
        return _nothing_judged(evaluation, last, promoted)
    means = {name: float(scores[name].to_numpy().mean()) for name in scores.columns if name != "member"}
    is_settled = promoted in means
    before = promoted if is_settled else last.champion if last is not None else None
    if before not in means:
        before = max((f for f in BASELINES if f in means), key=lambda family: means[family])
    rows = []
    for family in sorted(means, key=lambda family: -means[family]):
        if family == before:
            continue
        gain = paired_bootstrap(scores[family], scores[before], seed=seed)
        rows.append((family, means[family], gain, gain.low > 0))
    better = [row for row in rows if row[3]]
    champion = before if is_settled or not better else max(better, key=lambda row: row[1])[0]
    warnings = _decision_warnings([row[0] for row in better], champion, promoted, canary, is_settled)
    inputs.vouch_for(warnings)  # names of families, no cells
    table = pl.DataFrame(
        [
            (
                before, family, f"{METRIC}@20, {kind}", means[before], mean, gain.mean, gain.low, gain.high,
                gain.p, scores.height, is_better, family == champion,
                _reason(family, champion, is_better, gain, is_settled),
            )
            for family, mean, gain, is_better in rows
        ],
        schema=types_of(GateColumns),
        orient="row",
    )  # fmt: skip
    return Output(
        table,
        statistics={
            **Promotion(champion, before, means[champion]).as_statistics(),
            **{f"{NDCG}{family}": round(mean, 6) for family, mean in sorted(means.items())},
        },
        metadata={"evidence": Plot(table, intervals)},
        warnings=warnings,
    )


def _decision_warnings(
    better: list[str], champion: str, promoted: str | None, canary: str | None, is_settled: bool
) -> list[str]:
    """Warnings about people's decisions, in words."""
    words: list[str] = []
    if is_settled and better:
        words.append(
            f"{' and '.join(better)} would be champion by the evidence, but {promoted} was promoted by a person: it"
            " stays until the next decision (recsys champion promote VERSION gives the choice back to the gate)"
        )
    elif promoted is not None and not is_settled:
        words.append(
            f"{promoted} was promoted by a person, but is not among the evaluated families, so {champion} is"
            " champion"
        )
    if canary == champion:
        words.append(
            f"{canary} is champion, and its candidate still answers a share of the customers: recsys champion canary"
            f" {canary} 0 ends that"
        )
    return words


def not_much_worse_than_before(inputs: Inputs) -> CheckOutcome:
    """Whether tonight's best model is about as good as the one promoted before."""
    name = "not_much_worse_than_before"
    best = inputs.query(f"SELECT max(greatest(champion_value, challenger_value)) AS best FROM {OUTPUT}")[
        "best"
    ][0]
    before = Promotion.of(inputs)
    if before is None or best is None:
        return CheckOutcome(name, True, "there is nothing to compare with yet")
    change = (best - before.ndcg) / before.ndcg if before.ndcg else 0.0
    found = f"NDCG@20 of the best model is {best:.4f}, it was {before.ndcg:.4f} ({change:+.1%})"
    passed = change > -LARGEST_DROP
    if not passed:
        found += "; recsys lineage diff evaluation shows what changed since the run before"
    return CheckOutcome(name, passed, found, counts={"now": best, "before": before.ndcg})


CHECKS = (
    TableCheck(
        "not_much_worse_than_before",
        f"the best model's NDCG@20 is at most {LARGEST_DROP:.0%} below that of the previous champion",
        function=not_much_worse_than_before,
    ),
)


def _nothing_judged(evaluation: pl.DataFrame, last: Promotion | None, promoted: str | None) -> Output:
    """The gate's table if no customer of the held-out weeks can be used for evaluation: the champion stays."""
    families = evaluation["family"].unique(maintain_order=True).to_list()
    champion = last.champion if last is not None and last.champion in families else None
    champion = promoted if promoted in families else champion
    before = champion or next(family for family in BASELINES if family in families)
    reason = "no customer of the held-out weeks can be used for evaluation, so the champion stays"
    table = pl.DataFrame(
        [
            (before, family, METRIC, None, None, None, None, None, None, 0, False, False, reason)
            for family in families
            if family != before
        ],
        schema=types_of(GateColumns),
        orient="row",
    )
    ndcg = last.ndcg if last is not None and champion else 0.0
    return Output(table, statistics=Promotion(before, before, ndcg).as_statistics(), warnings=[reason])


def _scores_by_user(evaluation: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """The kind of evaluation that decides, new items where there are any, and each family's scores by customer."""
    by_user = evaluation.filter((pl.col("level") == "user") & (pl.col("metric") == METRIC))
    kind = next((kind for kind in KINDS if kind in by_user["kind"]), next(iter(KINDS)))
    chosen = by_user.filter(pl.col("kind") == kind)
    return kind, chosen.pivot(on="family", index="member", values="value").sort("member")


def _reason(family: str, champion: str, is_better: bool, gain, is_settled: bool) -> str:
    interval = f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
    if not is_better:
        return f"not better by more than chance: {gain.mean:+.4f}, {interval}"
    if is_settled:
        return f"better by more than chance: {gain.mean:+.4f}, {interval}, but a person promoted {champion}"
    if family == champion:
        return f"better by more than chance: {gain.mean:+.4f}, {interval}"
    return f"better than the champion, but {champion} has the higher NDCG@20"


def decided_so_far(settings: Settings) -> Decided:
    """People's decisions so far; none if the lake cannot be read, which every run will report."""
    try:
        return Decided.of(Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads)))
    except (LineageError, OSError) as error:
        _log.warning("Decisions about what serves cannot be read: %s", error)
        return Decided()


def asset(settings: Settings, decided: Decided | None = None) -> dg.AssetsDefinition:
    """`gate`, with the settings' seed for its bootstrap and people's decisions as parameters, by default those in the
    lake."""
    decided = decided_so_far(settings) if decided is None else decided
    parameters = {"seed": settings.seed, "promoted": decided.promoted, "canary": decided.canary}
    return frame_asset(
        gate,
        parameters=parameters,
        options=setting_options(parameters),
        checks=CHECKS,
        reads=("evaluation",),
        columns=texts_of(GateColumns),
        columns_from=COLUMNS_FROM,
        rows_from=ROWS_FROM,
        look=look(
            "model",
            personal="averages over all customers; none is named",
            shown=families_over_nights("gate"),
        ),
    )
