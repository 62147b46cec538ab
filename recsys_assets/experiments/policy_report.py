"""The policy report: rewards that recommenders would have had at the places drawn by lot, before they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.experiments.drawn_places import REWARDS, expected_rewards
from recsys_assets.experiments.interval import LEAST_UNITS
from recsys_assets.experiments.off_policy import Value, doubly_robust, inverse_propensity, self_normalised

SCHEMA = {
    "policy": pl.String,
    "kind": pl.String,
    "version": pl.Int64,
    "reward": pl.String,
    "places": pl.Int64,
    "customers": pl.Int64,
    "agreed": pl.Int64,
    "support": pl.Float64,
    "effective": pl.Float64,
    "shown": pl.Float64,
    "shown_low": pl.Float64,
    "shown_high": pl.Float64,
    **{
        f"{estimator}{end}": pl.Float64
        for estimator in ("ips", "snips", "dr")
        for end in ("", "_low", "_high")
    },
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "verdict": pl.String,
    "words": pl.String,
}
NOTHING_SHOWN = "Nothing was shown to a named customer {since}."
NOT_DRAWN = (
    "Nothing can be said: what was shown {since} was not drawn by lot, so nobody knows what another item would have"
    " earned. Set exploration.share in rules.toml, or let it run in an experiment."
)


def judged_policy(
    policy: str,
    version: int | None,
    places: pl.DataFrame,
    chosen: pl.Series | None,
    *,
    since: str = "",
    alpha: float = 0.05,
) -> pl.DataFrame:
    """The rows of a recommender that was not shown, one per reward.

    Each place that was drawn by lot is a decision: the customer and the items above are given, and the recommender
    shows its best remaining item. Its reward is what this item would have earned there; nothing is assumed about how
    customers read lists. If its item could not be drawn, the log has no evidence, so the estimate by inverse
    propensities is a lower bound: it can show that a recommender is better, never that it is worse.

    Args:
        policy: its name.
        version: of its table; None if it was not read.
        places: of `drawn_places`, of lists that were shown after it was fitted.
        chosen: of `choices`, shape (n,); None if no place was drawn by lot.
        since: start of the period that counts, in words.
        alpha: of the intervals, which are for one look.
    """
    drawn = places.with_columns(chosen=pl.lit(None, pl.String) if chosen is None else chosen).filter("drawn")
    if chosen is None or drawn.is_empty():
        silent = NOT_DRAWN if places.height else NOTHING_SHOWN
        words = " ".join(silent.format(since=since).replace(" .", ".").replace(" ,", ",").split())
        return _frame(
            [_row(policy, "candidate", version, reward, drawn, "no support", words) for reward in REWARDS]
        )
    return _frame([_judged(policy, version, drawn, reward, alpha) for reward in REWARDS])


def shown_policies(places: pl.DataFrame, *, alpha: float = 0.05) -> pl.DataFrame:
    """The rows of the models that were shown, from the outcomes of their own places, without an estimate."""
    drawn = places.filter("drawn")
    rows: list[dict[str, object]] = []
    for (table, version), own in drawn.group_by("model_table", "model_version", maintain_order=True):
        for reward in REWARDS:
            words = f"What it showed by lot and by itself earned {_rate(_of_the_log(own, reward, alpha))} a place."
            rows.append(
                {
                    **_row(str(table), "shown", version, reward, own, "shown", words),
                    **_shown(own, reward, alpha),
                }
            )
    return _frame(rows).sort("policy", "version", "reward")


def _judged(
    policy: str, version: int | None, drawn: pl.DataFrame, reward: str, alpha: float
) -> dict[str, object]:
    values, customers = drawn[reward].to_numpy(), drawn["user_id"].to_numpy()
    propensity = drawn["propensity"].to_numpy()
    agrees = (drawn["item_id"] == drawn["chosen"]).fill_null(False).to_numpy().astype(np.float64)
    options = {"alpha": alpha, "groups": customers}
    ips = inverse_propensity(values, propensity, agrees, **options)
    base = {
        **_row(policy, "candidate", version, reward, drawn, "", ""),
        **_shown(drawn, reward, alpha),
        "agreed": int(agrees.sum()),
        "support": min(1.0, ips.mean_weight),
        "effective": ips.effective,
    }
    if ips.effective < LEAST_UNITS:
        words = (
            f"Too little is known: at {int(agrees.sum()):,} of {drawn.height:,} places it would have shown what was"
            f" shown there, which weighs as much as {ips.effective:.0f} places of its own; {LEAST_UNITS} are needed."
        )
        return {**base, "verdict": "too little", "words": words}
    snips = self_normalised(values, propensity, agrees, **options)
    expected = expected_rewards(drawn, reward, drawn["chosen"])
    robust = doubly_robust(values, propensity, agrees, *expected, **options)
    gain = _difference(values, propensity, agrees, customers, alpha)
    weights_fit = ips.weights_fit
    found = {**base, **_ends("ips", ips), **_ends("snips", snips), **_ends("dr", robust)}
    if not weights_fit and ips.mean_weight > 1:
        words = (
            f"Do not trust this: weights have the mean {ips.mean_weight:.3f} instead of 1, so the propensities that the"
            " service wrote down are not those by which it showed."
        )
        return {**found, "verdict": "propensities wrong", "words": words}
    found |= {
        "difference": gain.estimate,
        "difference_low": gain.low,
        "difference_high": gain.high if weights_fit else None,
    }
    if gain.low > 0:
        verdict, words = (
            "better",
            f"It earns more than what was shown: {gain.low:+.3%} to {_up(gain, weights_fit)} a place.",
        )
    elif not weights_fit:
        verdict = "partly supported"
        words = (
            f"At {1 - ips.mean_weight:.0%} of the places its item could not have been drawn, of which the log says"
            f" nothing; by the others it earns at least {max(0.0, ips.low):.2%} a place."
        )
    elif gain.high < 0:
        verdict, words = (
            "worse",
            f"It earns less than what was shown: {gain.low:+.3%} to {gain.high:+.3%} a place.",
        )
    else:
        verdict, words = (
            "open",
            f"It may earn {-gain.low:.3%} less or {gain.high:.3%} more a place than what was shown.",
        )
    return {**found, "verdict": verdict, "words": words}


def _up(gain: Value, weights_fit: bool) -> str:
    return f"{gain.high:+.3%}" if weights_fit else "more"


def _difference(
    values: NDArray[np.float64],
    propensity: NDArray[np.float64],
    agrees: NDArray[np.float64],
    customers: NDArray[np.str_],
    alpha: float,
) -> Value:
    """Difference in reward to the shown lists, at the same places."""
    # inverse propensities of a policy that was logged are 1, so r (w - 1) is the gain's term
    ones = np.ones_like(values)
    return inverse_propensity(values * (agrees / propensity - 1), ones, ones, alpha=alpha, groups=customers)


def _of_the_log(drawn: pl.DataFrame, reward: str, alpha: float) -> Value:
    ones = np.ones(drawn.height)
    return inverse_propensity(
        drawn[reward].to_numpy(), ones, ones, alpha=alpha, groups=drawn["user_id"].to_numpy()
    )


def _shown(drawn: pl.DataFrame, reward: str, alpha: float) -> dict[str, object]:
    return _ends("shown", _of_the_log(drawn, reward, alpha))


def _row(
    policy: str, kind: str, version: object, reward: str, drawn: pl.DataFrame, verdict: str, words: str
) -> dict[str, object]:
    return {
        "policy": policy, "kind": kind, "version": version, "reward": reward, "places": drawn.height,
        "customers": drawn["user_id"].n_unique(), "verdict": verdict, "words": words,
    }  # fmt: skip


def _ends(name: str, value: Value) -> dict[str, object]:
    ends = {name: value.estimate, f"{name}_low": value.low, f"{name}_high": value.high}
    return {end: number if math.isfinite(number) else None for end, number in ends.items()}


def _rate(value: Value) -> str:
    return f"{value.estimate:.2%}" if not math.isfinite(value.low) else f"{value.low:.2%} to {value.high:.2%}"


def _frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)
