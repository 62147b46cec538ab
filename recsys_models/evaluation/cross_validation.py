"""Cross-validation: one family, evaluated on several folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from recsys_models.data.interactions import Interactions
from recsys_models.evaluation.evaluation import Evaluation, evaluate
from recsys_models.recommender import Recommender
from recsys_models.training.holdout import hold_out


@dataclass(frozen=True)
class CrossValidation:
    """Results of one family on several folds.

    Attributes:
        evaluations: one per fold.
        per_user: the per-user tables of all folds, with the column `fold` (from 1) in front.
        folds: one row per fold: fold, users, then every metric.
        summary: one row per metric: metric, mean, deviation (between folds, n - 1 in the divisor; null for one fold),
            lowest, highest.
    """

    family: str
    evaluations: tuple[Evaluation, ...]

    @property
    def per_user(self) -> pl.DataFrame:
        """The per-user tables of all folds."""
        return pl.concat(
            [
                found.per_user.select(pl.lit(number, pl.Int64).alias("fold"), pl.all())
                for number, found in enumerate(self.evaluations, start=1)
            ]
        )

    @property
    def folds(self) -> pl.DataFrame:
        """The metrics of each fold."""
        return pl.DataFrame(
            [
                {"fold": number, "users": found.n_users, **found.metrics}
                for number, found in enumerate(self.evaluations, start=1)
            ]
        )

    @property
    def summary(self) -> pl.DataFrame:
        """Mean and spread of each metric over the folds."""
        values = self.folds.drop("fold", "users").unpivot(variable_name="metric")
        return values.group_by("metric", maintain_order=True).agg(
            pl.col("value").mean().alias("mean"),
            pl.col("value").std().alias("deviation"),
            pl.col("value").min().alias("lowest"),
            pl.col("value").max().alias("highest"),
        )

    def __getitem__(self, metric: str) -> float:
        """The mean of a metric over folds, by the names that `Evaluation` takes."""
        return sum(found[metric] for found in self.evaluations) / len(self.evaluations)

    def __str__(self) -> str:
        lines = [f"{self.family}: {len(self.evaluations)} folds"]
        lines.append(f"{'metric':<20}{'mean':>10}{'deviation':>11}{'lowest':>10}{'highest':>10}")
        for row in self.summary.iter_rows(named=True):
            deviation = "" if row["deviation"] is None else f"{row['deviation']:.4f}"
            lines.append(
                f"{row['metric']:<20}{row['mean']:>10.4f}{deviation:>11}{row['lowest']:>10.4f}{row['highest']:>10.4f}"
            )
        return "\n".join(lines)


def cross_validate(
    model: Recommender,
    folds: Iterable[tuple[Interactions, Interactions]],
    *,
    valid_share: float = 0.0,
    k: int = 20,
    exclude_seen: bool = True,
    segments: pl.DataFrame | Mapping[Any, str] | None = None,
    auc: bool = False,
    seed: int = 0,
    device: str = "auto",
) -> CrossValidation:
    """Evaluations of a fresh model on each fold: fitted on the train part, evaluated on the test part.

        cross_validate(Ease(), user_folds(interactions, folds=5))
        cross_validate(Ease(), rolling_folds(interactions, folds=4, test_days=14), valid_share=0.1)

    Args:
        model: model whose family, parameters, features and relations are taken; it stays as it is.
        folds: pairs of train and test, as `user_folds` and `rolling_folds` give them.
        valid_share: if above 0, this share of each train part is held out (`holdout.hold_out`) to choose the open
            parameters, and the model is then fitted on the whole train part. The test part chooses nothing.
        k, exclude_seen, segments, auc: as in `evaluate`.
        seed: seed of the fits, and of the hold-out for choosing.

    Raises:
        ValueError: there is no fold, or `valid_share` is not in [0, 1).
    """
    if not 0 <= valid_share < 1:
        raise ValueError(f"valid_share: expected a share in [0, 1), found {valid_share}")
    found: list[Evaluation] = []
    for train, test in folds:
        fresh = type(model)(**model.params()).with_side_information_of(model)
        if valid_share:
            known, valid = hold_out(train, share=valid_share, seed=seed)
            fresh.fit(known, validation=valid if len(valid) else None, seed=seed, device=device)
            fresh = fresh.retrained(train, seed=seed, device=device)
        else:
            fresh.fit(train, seed=seed, device=device)
        found.append(
            evaluate(
                fresh, train, test, k=k, exclude_seen=exclude_seen, segments=segments, auc=auc, seed=seed
            )
        )
    if not found:
        raise ValueError("folds: expected at least one pair of train and test, found none")
    return CrossValidation(model.name, tuple(found))
