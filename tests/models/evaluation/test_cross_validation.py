"""A family on folds: one model a fold, fitted on its train part only."""

from typing import ClassVar

import numpy as np
import pytest

from recsys_models import (
    Interactions,
    Popularity,
    cross_validate,
    evaluate,
    interaction_graph,
    rolling_folds,
    user_folds,
)
from recsys_models.data.recency import DAY
from recsys_models.training.fit_run import FitRun


def timed(n: int = 600) -> Interactions:
    generator = np.random.default_rng(0)
    return Interactions.from_arrays(
        generator.integers(0, 30, n),
        (20 * generator.random(n) ** 2).astype(int),
        timestamp=np.sort(generator.integers(0, 100 * DAY, n)),
    )


def test_each_fold_is_what_evaluate_says_of_a_model_fitted_on_it() -> None:
    folds = list(user_folds(timed(), folds=4, share=0.5))
    found = cross_validate(Popularity(), folds, k=5, auc=True)
    for (train, test), result in zip(folds, found.evaluations, strict=True):
        assert result.metrics == evaluate(Popularity().fit(train), train, test, k=5, auc=True).metrics
    assert found["ndcg"] == pytest.approx(np.mean([result["ndcg"] for result in found.evaluations]))


def test_tables_of_all_folds() -> None:
    found = cross_validate(Popularity(), rolling_folds(timed(), folds=3, test_days=10), k=5)
    assert found.folds["fold"].to_list() == [1, 2, 3]
    assert found.per_user.height == found.folds["users"].sum()
    row = found.summary.filter(found.summary["metric"] == "ndcg@5").row(0, named=True)
    values = found.folds["ndcg@5"].to_numpy()
    assert row["mean"] == pytest.approx(values.mean()) and row["deviation"] == pytest.approx(
        values.std(ddof=1)
    )
    assert (row["lowest"], row["highest"]) == (values.min(), values.max())
    assert "popularity: 3 folds" in str(found) and "ndcg@5" in str(found)


class Watched(Popularity):
    """Notes what it is fitted on and chosen by."""

    seen_by_fits: ClassVar[list[tuple[int, int]]] = []

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        self.seen_by_fits.append((len(interactions), 0 if validation is None else len(validation)))
        super()._fit(interactions, validation, run)


def test_what_is_left_open_is_chosen_inside_the_train_part() -> None:
    folds = list(rolling_folds(timed(), folds=2, test_days=10))
    model = Watched()
    cross_validate(model, folds, k=5, valid_share=0.1)
    fits = iter(Watched.seen_by_fits)
    for train, _ in folds:
        known, chosen_by = next(fits)
        assert chosen_by > 0 and 0.85 < known / len(train) < 0.95
        assert known + chosen_by <= len(train), "validation is part of the train part"
        assert next(fits) == (len(train), 0), "the evaluated model knows the whole train part"
    assert not model.item_ids.size, "the given model is left as it is"


def test_no_folds_and_a_wrong_share_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        cross_validate(Popularity(), [])
    with pytest.raises(ValueError, match="valid_share"):
        cross_validate(Popularity(), user_folds(timed(), folds=2), valid_share=1.0)
    with pytest.raises(ValueError, match="at least 1"):
        list(rolling_folds(timed(), folds=0, test_days=10))
    with pytest.raises(ValueError, match="share"):
        list(user_folds(timed(), folds=2, share=0.0))


class Related(Popularity):
    """Notes the side information that its fits have."""

    informed: ClassVar[list[tuple[object, object, object]]] = []

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        self.informed.append((self.user_features, self.item_features, self.relations))
        super()._fit(interactions, validation, run)


def test_every_fold_has_the_side_information_of_the_given_model() -> None:
    data = timed()
    relations = interaction_graph(data, {"like": (data.item_ids[:2], data.item_ids[1:3])})
    model = Related().with_relations(relations)
    for share in (0.0, 0.1):
        cross_validate(model, rolling_folds(data, folds=2, test_days=10), valid_share=share)
    # with a share for choosing, each fold is fitted twice
    assert Related.informed == [(None, None, relations)] * (2 + 2 * 2)
