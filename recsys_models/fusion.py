"""Fusion of several families by weights that are learned on validation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.fitted.fitted_model import FittedModel
from recsys_models.recommender import Recommender
from recsys_models.training.fit_run import FitRun
from recsys_models.training.holdout import hold_out
from recsys_models.training.validation import validation_ndcg

STEPS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Values that are tried for each weight."""


@dataclass(kw_only=True, eq=False)
class Fusion(Recommender):
    """Weighted sum of the scores of several families, each user's scores standardised to mean 0 and deviation 1.

    Weights start equal and are improved one at a time on validation NDCG@20, over `STEPS`, in two rounds. Without
    validation a part of the interactions is held out for that; the members are then fitted on all.

    Args:
        members: names of the families.
        settings: family → its parameters, where they differ from the defaults.
    """

    family: ClassVar[str] = "fusion"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"behaviour", "timestamp", "weight"})
    side_information: ClassVar[frozenset[str]] = frozenset({"item_features", "relations", "user_features"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    members: tuple[str, ...] = ("item_neighbours", "user_neighbours", "spectral")
    settings: dict[str, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.members = tuple(self.members)
        self._unfitted()
        self._models: list[Recommender] = []
        self._weights: NDArray[np.float32] = np.empty(0, np.float32)

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each family."""
        return dict(zip(self.members, self._weights.tolist(), strict=True))

    def params(self) -> dict[str, Any]:
        """Parameters as in `Recommender.params`, the members as a list."""
        return {**super().params(), "members": list(self.members)}

    def _unfitted(self) -> list[Recommender]:
        """The members, unfitted, with their settings."""
        from recsys_models.single_families import single_families

        settings = self.settings or {}
        unknown = [name for name in self.members if name not in single_families]
        if unknown or not self.members or len(set(self.members)) < len(self.members):
            raise ValueError(
                f"fusion: members: expected other families of {sorted(single_families)}, each once, "
                f"found {self.members}"
            )
        if not settings.keys() <= set(self.members):
            raise ValueError(
                f"fusion: settings: expected parameters of {self.members}, found {sorted(settings)}"
            )
        try:
            return [single_families[name](**settings.get(name, {})) for name in self.members]
        except TypeError as error:
            raise ValueError(f"fusion: settings: expected the members' parameters, found {error}") from error

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        known, held = (
            (interactions, validation) if validation else hold_out(interactions, share=0.2, seed=run.seed)
        )
        self._models = [
            model.with_side_information_of(self).fit(
                known, validation=validation, seed=run.seed, device=run.device, threads=run.threads
            )
            for model in self._unfitted()
        ]
        self._weights = np.ones(len(self.members), np.float32)
        if held is not None and len(held):
            self._learn(known, held)
        if validation is None:
            self._models = [model.retrained(interactions, **_run(run)) for model in self._models]

    def _retrain(self, interactions: Interactions, run: FitRun, before: Any) -> None:
        self._models = [
            model.with_side_information_of(self).retrained(
                interactions, seed=run.seed, device=run.device, threads=run.threads
            )
            for model in before._models
        ]
        self._weights = before._weights

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        self._models = [
            model.with_side_information_of(self).refit(
                interactions, seed=run.seed, device=run.device, threads=run.threads
            )
            for model in before._models
        ]
        self._weights = before._weights
        if validation is not None:
            self._learn(interactions, validation)

    def _learn(self, known: Interactions, held: Interactions) -> None:
        """Improve the weights, one at a time, on held-out interactions."""
        seen = known.user_items()

        def reached(weights: NDArray[np.float32]) -> float:
            return validation_ndcg(
                lambda rows: blended_scores(self._models, weights, rows), seen, held, max_users=1000
            )

        weights = self._weights.copy()
        best = reached(weights)
        for _ in range(2):
            for place in range(weights.size):
                for step in STEPS:
                    trial = weights.copy()
                    trial[place] = step
                    if trial.any() and (value := reached(trial)) > best:
                        best, weights = value, trial
        self._weights = weights

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return blended_scores(self._models, self._weights, user_rows)

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return blended_scores(self._models, self._weights, customers)

    def _evidence(
        self, who: NDArray[np.integer] | Interactions, scores: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Items for which any member has evidence; members whose evidence follows from their scores are only computed
        for the rest."""
        weighted = [model for model, weight in zip(self._models, self._weights, strict=True) if weight]
        by_scores = [model for model in weighted if not _judges_without_scores(model)]
        known = np.zeros(self.n_items, bool)
        for model in weighted:
            if _judges_without_scores(model):
                known = known | model._evidence(who, scores)
        if self._facts().had[~known if known.ndim == 1 else ~known.all(0)].any():
            for model in by_scores:
                known = known | model._evidence(who, model._raw_scores(who))
        return known

    def _state(self) -> dict[str, NDArray[Any]]:
        state: dict[str, NDArray[Any]] = {"weights": self._weights}
        for name, model in zip(self.members, self._models, strict=True):
            state[f"{name}.params"] = np.array([json.dumps([model.params(), model.chosen], sort_keys=True)])
            state |= {f"{name}.state.{key}": array for key, array in model._state().items()}
        return state

    def _folds_at_once(self) -> bool:
        return all(model._folds_at_once() for model in self._models)

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        from recsys_models.single_families import single_families

        self._weights = state["weights"]
        self._models = []
        for name in self.members:
            params, chosen = json.loads(str(state[f"{name}.params"][0]))
            prefix = f"{name}.state."
            own = {key.removeprefix(prefix): a for key, a in state.items() if key.startswith(prefix)}
            self._models.append(single_families[name].restored(params, chosen, self.basis, own))


def _judges_without_scores(model: Recommender) -> bool:
    """Whether a model's evidence does not depend on its scores."""
    return type(model)._evidence is FittedModel._evidence


def blended_scores(
    models: Sequence[Recommender], weights: NDArray[np.float32], who: NDArray[np.integer] | Interactions
) -> NDArray[np.float32]:
    """Weighted sum of the models' scores, those of each user standardised to mean 0 and deviation 1.

    Args:
        models: fitted on the same id maps.
        weights: one per model; a model of weight 0 is skipped.
        who: rows of users of the fit, or customers that are folded in.

    Returns:
        Shape (users, n_items).
    """
    n = who.n_users if isinstance(who, Interactions) else who.size
    total = np.zeros((n, models[0].n_items), np.float32)
    for model, weight in zip(models, weights, strict=True):
        if weight:
            scores = model._raw_scores(who)
            scores -= scores.mean(1, keepdims=True)
            total += weight * scores / np.maximum(scores.std(1, keepdims=True), 1e-12)
    return total


def _run(run: FitRun) -> dict[str, Any]:
    """Settings that the members' fits inherit from the fusion's."""
    return {"seed": run.seed, "device": run.device, "threads": run.threads}
