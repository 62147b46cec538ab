"""`off_policy_report`: what each candidate would have earned at the places drawn by lot, before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.model.competing import candidate_name
from recsys_assets.assets.model.training import stored_model
from recsys_assets.experiments.drawn_places import choices, drawn_places
from recsys_assets.experiments.policy_report import SCHEMA, judged_policy, shown_policies
from recsys_assets.plots import png
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import Origins
from recsys_lineage.lake.blobs import CONTENT
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.progress import Progress, tell

if TYPE_CHECKING:
    from recsys_models import Recommender

NAME = "off_policy_report"
TEXTS = {
    "policy": "the table of the model",
    "kind": "candidate, which was not shown, or shown",
    "version": "version of the table; NULL where the candidate could not be evaluated, so that it was not read",
    "reward": "outcome of a place: click (view, cart or purchase of the item from there) or purchase",
    "places": "places that were drawn by lot, of lists to named customers after the candidate's data end",
    "customers": "whose lists these are",
    "agreed": "places where the candidate would have shown what was shown",
    "support": "mean weight: the share of places where its item could have been drawn; 1, up to chance, where all",
    "effective": "Kish's effective sample size: the number of own places that these are worth",
    "shown": "reward per place of what was shown there",
    "shown_low": "lower end of its 95 % interval, for one look, clustered by customer",
    "shown_high": "upper end of that interval",
    "ips": "reward per place that the candidate would have had, by inverse propensities; "
    "a lower bound where support is below 1",
    "ips_low": "lower end of its 95 % interval",
    "ips_high": "upper end of that interval",
    "snips": "the same, self-normalised: of the places where its item could have been drawn",
    "snips_low": "lower end of its 95 % interval",
    "snips_high": "upper end of that interval",
    "dr": "the same, doubly robust: where the log is silent, a model of position and item estimates it",
    "dr_low": "lower end of its 95 % interval",
    "dr_high": "upper end of that interval",
    "difference": "by inverse propensities, what the candidate earns beyond what was shown",
    "difference_low": "lower end of its 95 % interval",
    "difference_high": "upper end of that interval; NULL where support is below 1, because nothing bounds it",
    "verdict": "better, worse, open, partly supported, too little, no support, propensities wrong or shown",
    "words": "the verdict in words",
}
_SHOWN = ("time", "query_id", "user_id", "item_id", "position", "propensity", "model_table", "model_version")
_DONE = ("query_id", "item_id", "action")
_HAD = ("user_id", "item_id", "is_target", "subset")


def off_policy_report(inputs: Inputs, families: list[str]) -> Output:
    """Estimated reward of each candidate at the places of shown lists that were drawn by lot, before it is shown.

    A candidate is judged on lists shown after the end of its training data; otherwise it would have learned from the
    clicks that judge it. It chooses by what it knew then.
    """
    places = drawn_places(inputs.frame("exposures", _SHOWN), inputs.frame("feedback", _DONE))
    tables = [pl.DataFrame(schema=SCHEMA), shown_policies(places)]
    had = inputs.frame("split", _HAD) if places["drawn"].any() else None
    for family in families:
        table = candidate_name(family)
        if not inputs.exists(table):
            continue
        if had is None:  # no model need be read to know that nothing can be said
            tables.append(judged_policy(table, None, places, None))
            continue
        tell(Progress(NAME, "step", family))
        model = stored_model(inputs, table)
        later, since = _later(places, model)
        chosen = _chosen(later, model, had) if later["drawn"].any() else None
        version = inputs.version(table).version
        tables.append(judged_policy(table, version, later, chosen, since=since))
    report = pl.concat(tables)
    clicks = report.filter(pl.col("kind") == "candidate", pl.col("reward") == "click")
    findings = "\n\n".join(
        f"**{policy}**: {words}" for policy, words in clicks.select("policy", "words").iter_rows()
    )
    metadata = {"what is known": dg.MetadataValue.md(findings or "There is no candidate yet.")}
    if clicks["dr"].count():
        metadata["clicks a place"] = _plot(clicks)
    counts = {"places": places.height, "places drawn by lot": int(places["drawn"].sum())}
    return Output(report, statistics=counts, metadata=metadata)


def _later(places: pl.DataFrame, model: Recommender) -> tuple[pl.DataFrame, str]:
    """The places of lists shown after the end of a model's training data, and that time in words."""
    if model.latest is None:
        return places, ""
    end = datetime.fromtimestamp(model.latest / 1e6, timezone.utc).replace(tzinfo=None)
    return places.filter(
        pl.col("time") > end
    ), f"after {end:%Y-%m-%d %H:%M}, up to which it knows what was done"


def _chosen(places: pl.DataFrame, model: Recommender, split: pl.DataFrame) -> pl.Series:
    """The item that a model chooses at each place.

    Items that customers had before are left out, unless the rules let the service show such items too.
    """
    from recsys_models import Interactions

    users = places["user_id"].unique().sort()
    length = int(places["position"].max() or 0)  # type: ignore[arg-type]
    had = split.filter("is_target", pl.col("subset") != "test").select("user_id", "item_id")
    again = places.join(had, on=["user_id", "item_id"], how="semi").height > 0
    exclude = None if again or had.is_empty() else Interactions.from_frame(had.unique())
    ids, scores = model.recommend(users, length, exclude=exclude)
    rankings = (
        (user, [str(item) for item, score in zip(own, scored, strict=True) if score > float("-inf")])
        for user, own, scored in zip(users, ids.tolist(), scores.tolist(), strict=True)
    )
    return choices(places, rankings)


def _plot(clicks: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Plot of each candidate's doubly robust reward next to that of the shown lists."""
    import altair as alt

    rows = clicks.filter(pl.col("dr").is_not_null())
    base = alt.Chart(rows).encode(y=alt.Y("policy:N", title=None))
    line = base.mark_rule(strokeWidth=3).encode(x=alt.X("dr_low:Q", title="clicks a place"), x2="dr_high:Q")
    point = base.mark_point(filled=True, size=70).encode(x="dr:Q", color="verdict:N")
    shown = base.mark_tick(thickness=2, color="gray").encode(x="shown:Q")
    return png(line + point + shown)


CHECKS = (
    unique("policy", "version", "kind", "reward"),
    TableCheck(
        "propensities_are_true",
        "items were shown as often as their logged propensities say; else no candidate can be evaluated on the log",
        f"SELECT policy, reward FROM {OUTPUT} WHERE verdict = 'propensities wrong'",
    ),
)


def asset(families: Sequence[str]) -> dg.AssetsDefinition:
    """`off_policy_report` over the candidates of these families."""
    tables = [candidate_name(family) for family in families]
    made_of: Origins = {
        "exposures": _SHOWN, "feedback": _DONE, "split": _HAD, **dict.fromkeys(tables, CONTENT)
    }  # fmt: skip
    return frame_asset(
        off_policy_report,
        parameters={"families": list(families)},
        reads=("exposures", "feedback", "split", *tables),
        checks=CHECKS,
        columns=TEXTS,
        columns_from=dict.fromkeys(TEXTS, made_of),
        rows_from=made_of,
        look=look(
            "feedback",
            kinds={"python"},
            personal="rewards of candidates over all customers; none is named",
        ),
    )
