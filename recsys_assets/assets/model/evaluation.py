"""`evaluation`: every candidate ranks the whole catalogue for every test user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.model.competing import candidate_name
from recsys_assets.assets.model.training import KINDS, SPLIT_FROM, split_data, stored_model
from recsys_assets.assets.schema import texts_of, types_of
from recsys_assets.nights_plot import NDCG, families_over_nights
from recsys_assets.plots import bars
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.options import Option
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import ColumnsFrom, Origins
from recsys_lineage.lake.blobs import CONTENT
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.progress import Progress, tell

if TYPE_CHECKING:
    from recsys_models import Evaluation, Interactions

SEGMENTS = ("segment",)
"""Columns of user_profiles by which the metrics are given separately."""
PER_USER_METRICS = ("ndcg", "recall")
SPREADS = {"gap": "ndcg_gap", "ratio": "ndcg_ratio", "deviation": "ndcg_deviation"}
"""Column of the fairness report → metric: best - worst group, worst / best, deviation over groups by users."""


DECIDING = 20
"""The length of list by whose NDCG candidates are compared."""
CUT_OFFS = (10, DECIDING)
CUT_OFFS_TEXT = (
    f"list lengths at which candidates are evaluated; {DECIDING}, by which the gate decides, is among them"
)


class EvaluationColumns:
    """Columns of `evaluation`."""

    family = pl.String
    """The model family."""
    kind = pl.String
    """Items that count: new items (those that the customer had before are left out), or with repeat purchases."""
    level = pl.String
    """all, segment, fairness (how far NDCG lies apart between groups) or user."""
    segment = pl.String
    """The column of user_profiles that customers are grouped by."""
    member = pl.String
    """The group, or the customer."""
    metric = pl.String
    """Name of the metric."""
    k = pl.Int64
    """Length of the list that is judged; null for metrics of the whole catalogue, as AUC."""
    value = pl.Float64
    """The metric's value."""
    users = pl.Int64
    """Number of customers that the value is a mean over."""


_SEGMENTS = {"user_profiles": ("user_id", *SEGMENTS)}


def _columns_from(models: Origins) -> ColumnsFrom:
    """Column lineage of the table.

    Args:
        models: the tables of the candidates, with the columns that hold the models.
    """
    customers: Origins = {"split": {"user_id": "IDENTITY"}, "interaction_graph": CONTENT}
    measured: Origins = {**SPLIT_FROM, **_SEGMENTS}
    return {
        **{name: {} for name in ("family", "kind", "level", "segment", "metric", "k")},
        "member": {**customers, "user_profiles": {"user_id": "JOIN", **dict.fromkeys(SEGMENTS, "IDENTITY")}},
        "value": {**measured, **models},
        "users": measured,
    }


def evaluation(inputs: Inputs, families: list[str], cut_offs: list[int]) -> Output:
    """Metrics of all candidates on the held-out weeks, by customer segment and user, without and with repeats.

    Only the target behaviour counts: an item that was only viewed can be recommended and is no hit. If no customer of
    those weeks bought an item that was new to them, only repeat purchases are judged.

    `level` is all, segment, fairness (how far NDCG lies apart between the groups of a segmentation) or user; `member`
    is the segment's value or the user's id. `cut_offs` are the lengths of list that are judged. `k` is null for metrics
    of the whole catalogue, as AUC.
    """
    from recsys_models import evaluations

    data = split_data(inputs)
    before, test = data.of_target(data.before_test), data.of_target(data.test)
    judged, warnings = _judged(before, test, data.target)
    profiles = inputs.frame("user_profiles", _SEGMENTS["user_profiles"])
    parts: list[pl.DataFrame] = []
    for family in families:
        model = stored_model(inputs, candidate_name(family))
        tell(Progress("evaluation", "step", family))
        if not judged:
            kind = next(iter(KINDS))
            parts.append(_rows(family, kind, "all", metric=["test users"], k=[None], value=[0.0], users=0))
            continue
        results = evaluations(
            model, before, test,
            k=DECIDING, ks=cut_offs, exclude_seen=tuple(judged.values()), segments=profiles, auc=True,
        )  # fmt: skip
        for kind, result in zip(judged, results, strict=True):
            parts += [
                _overall(family, kind, result),
                _by_segment(family, kind, result),
                _fairness(family, kind, result),
                _by_user(family, kind, result),
            ]
    table = pl.concat(parts)
    shown = table.filter(
        (pl.col("level") == "all") & (pl.col("metric") == "ndcg") & (pl.col("k") == DECIDING)
    )
    found = {
        "target behaviour": data.target,
        "judged": "; ".join([", ".join(judged) or "nothing", *warnings]),
    }
    if not judged:
        return Output(table, statistics=found | {"test users": 0}, warnings=warnings)
    kind = next(iter(judged))
    for segment in SEGMENTS:
        inputs.shared_values("user_profiles", segment, "user_id")
    best = shown.filter(pl.col("kind") == kind).sort("value", descending=True).row(0, named=True)
    return Output(
        table,
        statistics={
            "best family": best["family"],
            "best ndcg@20": best["value"],
            "test users": best["users"],
            **ndcg_by_family(shown, kind),
            **found,
        },
        metadata={
            "ndcg": Plot(shown.with_columns(target=pl.lit(data.target)), _by_family),
            "fairness": Plot(_groups(table, kind), _by_group),
        },
        warnings=warnings,
    )


def ndcg_by_family(shown: pl.DataFrame, kind: str) -> dict[str, float]:
    """NDCG@20 of each family by the kind of evaluation that decides, as the record keeps it."""
    rows = shown.filter(pl.col("kind") == kind).sort("family").select("family", "value").iter_rows()
    return {f"{NDCG}{family}": round(value, 6) for family, value in rows}


def _judged(before: Interactions, test: Interactions, target: str) -> tuple[dict[str, bool], list[str]]:
    """The kinds of evaluation that have a relevant item in the held-out weeks, and the reasons why others have none."""
    wanted = test.user_items()
    new = wanted - wanted.multiply(before.user_items())
    new.eliminate_zeros()
    pairs = {"new items": new.nnz, "with repeat purchases": wanted.nnz}
    judged = {kind: hidden for kind, hidden in KINDS.items() if pairs[kind]}
    if not wanted.nnz:
        return judged, [f"the held-out weeks have no {target}: nothing is judged, and the champion stays"]
    if not new.nnz:
        return judged, [
            f"all {wanted.nnz:,} {target}s of the held-out weeks are of items that the customer had before: "
            "models are evaluated with repeat purchases"
        ]
    return judged, []


def _overall(family: str, kind: str, result: Evaluation) -> pl.DataFrame:
    names = [name.partition("@") for name in result.metrics]
    return _rows(
        family,
        kind,
        "all",
        metric=[name for name, _, _ in names],
        k=[int(k) if k else None for _, _, k in names],
        value=list(result.metrics.values()),
        users=result.n_users,
    )


def _by_segment(family: str, kind: str, result: Evaluation) -> pl.DataFrame:
    assert result.segments is not None
    names = [name for name in result.segments.columns if name not in ("segment", "value", "users")]
    long = result.segments.rename({"value": "member"}).unpivot(
        on=names, index=["segment", "member", "users"], variable_name="metric", value_name="value"
    )
    return _rows(
        family,
        kind,
        "segment",
        segment=long["segment"],
        member=long["member"],
        metric=long["metric"],
        k=[result.k if f"{name}@{result.k}" in result.metrics else None for name in long["metric"]],
        value=long["value"],
        users=long["users"],
    )


def _fairness(family: str, kind: str, result: Evaluation) -> pl.DataFrame:
    assert result.fairness is not None
    long = result.fairness.unpivot(
        on=list(SPREADS), index=["segment", "users"], variable_name="metric", value_name="value"
    )
    return _rows(
        family,
        kind,
        "fairness",
        segment=long["segment"],
        metric=[SPREADS[name] for name in long["metric"]],
        k=result.k,
        value=long["value"],
        users=long["users"],
    )


def _by_user(family: str, kind: str, result: Evaluation) -> pl.DataFrame:
    long = result.per_user.select(
        pl.col("user_id").cast(pl.String).alias("member"), *PER_USER_METRICS
    ).unpivot(index="member", variable_name="metric", value_name="value")
    return _rows(
        family,
        kind,
        "user",
        member=long["member"],
        metric=long["metric"],
        k=result.k,
        value=long["value"],
        users=1,
    )


def _rows(family: str, kind: str, level: str, **columns: Any) -> pl.DataFrame:
    """Rows of the table; the other arguments are the same in all rows."""
    row = {"family": family, "kind": kind, "level": level, "segment": None, "member": None, **columns}
    long = {name: values for name, values in row.items() if isinstance(values, list | pl.Series)}
    frame = pl.DataFrame(long)
    constant = [pl.lit(value).alias(name) for name, value in row.items() if name not in long]
    return frame.with_columns(constant).select(
        pl.col(name).cast(dtype) for name, dtype in types_of(EvaluationColumns).items()
    )


def _groups(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """NDCG@20 of each customer group and family."""
    return table.filter(
        (pl.col("level") == "segment") & (pl.col("metric") == "ndcg") & (pl.col("kind") == kind)
    )


def _by_family(shown: pl.DataFrame) -> dg.MarkdownMetadataValue:
    title = f"NDCG@20 on the held-out weeks, by {shown['target'].first()}"
    return bars(shown, value="value", label="family", colour="kind", title=title)


def _by_group(groups: pl.DataFrame) -> dg.MarkdownMetadataValue:
    named = groups.with_columns(pl.format("{} ({} customers)", "member", "users").alias("group"))
    title = f"NDCG@20 by customer group, {groups['kind'].first()}"
    return bars(named, value="value", label="group", colour="family", title=title)


def checked_cut_offs(values: Any) -> list[int]:
    """List lengths at which models are evaluated, in order.

    Raises:
        ValueError: they are not whole numbers from 1 to 1000, or lack the one that the gate decides by.
    """
    if not isinstance(values, list | tuple) or not all(type(k) is int and 1 <= k <= 1000 for k in values):
        raise ValueError(f"cut_offs: expected whole numbers from 1 to 1000, found {values!r}")
    if DECIDING not in values:
        raise ValueError(
            f"cut_offs: expected {DECIDING} among them, by which the gate decides, found {values!r}"
        )
    return sorted(set(values))


def asset(families: list[str]) -> dg.AssetsDefinition:
    """`evaluation` of the candidates of these families."""
    models = dict.fromkeys(map(candidate_name, families), CONTENT)
    return frame_asset(
        evaluation,
        parameters={"families": families, "cut_offs": list(CUT_OFFS)},
        options={"cut_offs": Option(list[int], list(CUT_OFFS), CUT_OFFS_TEXT, checked_cut_offs)},
        reads=("split", "interaction_graph", "user_profiles", *models),
        columns=texts_of(EvaluationColumns),
        columns_from=_columns_from(models),
        rows_from={**SPLIT_FROM, **_SEGMENTS, **models},
        look=look(
            "model",
            personal="averages over all customers and over groups of them; none is named",
            shown=families_over_nights("evaluation"),
        ),
    )
