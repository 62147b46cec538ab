"""Tuning: search for a family's parameters by validation, with Optuna."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recsys_models.data.interactions import Interactions
from recsys_models.recommender import Recommender
from recsys_models.training.validation import validation_ndcg

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Between:
    """A range of numbers, searched uniformly or logarithmically; of whole numbers if both ends are."""

    low: float
    high: float
    log: bool = False

    def suggest(self, trial: optuna.Trial, name: str) -> float:
        """The number that the trial proposes."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class OneOf:
    """A choice of values."""

    values: tuple[Any, ...]

    def suggest(self, trial: optuna.Trial, name: str) -> Any:
        """The value that the trial proposes."""
        return trial.suggest_categorical(name, self.values)


HALF_LIVES = OneOf((None, 14.0, 28.0, 56.0, 112.0))
SPACES: dict[str, dict[str, Between | OneOf]] = {
    "popularity": {"half_life_days": Between(3.0, 365.0, log=True), "power": Between(0.0, 1.0)},
    "item_neighbours": {
        "neighbours": Between(20, 1000, log=True),
        "power": Between(0.3, 3.0),
        "half_life_days": Between(7.0, 365.0, log=True),
    },
    "user_neighbours": {
        "neighbours": Between(50, 2000, log=True),
        "power": Between(0.3, 4.0),
        "rarity": Between(0.0, 1.0),
        "popularity_damping": Between(0.0, 0.6),
        "half_life_days": Between(7.0, 365.0, log=True),
    },
    "spectral": {
        "exponent": Between(0.1, 0.6),
        "ridge": Between(0.1, 30.0, log=True),
        "item_scale": Between(0.0, 0.5),
        "half_life_days": Between(7.0, 365.0, log=True),
    },
    "matrix_factorization": {
        "dim": OneOf((32, 64, 128)),
        "loss": OneOf(("bpr", "logistic", "squared")),
        "negatives": Between(1, 16, log=True),
        "learning_rate": Between(1e-3, 5e-2, log=True),
        "l2": Between(1e-6, 1e-1, log=True),
    },
    "lightgcn": {
        "dim": OneOf((32, 64, 128, 256)),
        "layers": Between(1, 4),
        "exponent": Between(0.1, 0.6),
        "half_life_days": HALF_LIVES,
        "filter_power": Between(0.5, 3.0),
        "epochs": Between(0, 5),
        "learning_rate": Between(1e-4, 3e-3, log=True),
    },
    "ease": {"items": OneOf((2000, 4000, 6000)), "penalty": Between(10.0, 3000.0, log=True)},
    "ials": {
        "dim": OneOf((32, 64, 128)),
        "unobserved": Between(0.01, 1.0, log=True),
        "penalty": Between(1e-4, 1e-1, log=True),
    },
    "content": {
        "feedback": OneOf(("binary", "log_count", "recent_28")),
        "popularity_weight": Between(0.0, 2.0),
    },
    "gcn": {
        "dim": OneOf((32, 64, 128)),
        "layers": Between(1, 3),
        "dropout": Between(0.0, 0.5),
        "negatives": Between(1, 16, log=True),
        "learning_rate": Between(1e-3, 5e-2, log=True),
    },
    "gat": {
        "dim": OneOf((32, 64, 128)),
        "layers": Between(1, 3),
        "heads": OneOf((1, 2, 4)),
        "dropout": Between(0.0, 0.5),
        "learning_rate": Between(1e-3, 5e-2, log=True),
    },
    "gnn_r": {
        "parts": OneOf(("both", "gcn", "gat")),
        "exponent": Between(0.1, 0.6),
        "half_life_days": HALF_LIVES,
        "filter_power": Between(0.5, 3.0),
        "epochs": Between(1, 8),
        "learning_rate": Between(1e-3, 5e-2, log=True),
    },
    "sequence": {
        "encoder": OneOf(("gru", "attention")),
        "dim": OneOf((32, 64, 128)),
        "half_life_days": HALF_LIVES,
        "dropout": Between(0.0, 0.5),
        "learning_rate": Between(1e-4, 3e-3, log=True),
    },
    "multi_behaviour": {
        "dim": OneOf((32, 64, 128, 256)),
        "layers": Between(1, 4),
        "exponent": Between(0.1, 0.6),
        "half_life_days": HALF_LIVES,
        "learning_rate": Between(1e-4, 3e-3, log=True),
    },
    "ranker": {
        "candidates": Between(60, 240),
        "trees": Between(100, 600),
        "leaves": Between(7, 63, log=True),
        "learning_rate": Between(0.02, 0.15, log=True),
        "negative_share": Between(0.05, 0.5),
    },
}
"""Search spaces: family → parameter → range or choice. Other parameters keep their defaults."""


@dataclass(frozen=True)
class Trial:
    """One fit of a search: its parameters that differ from the defaults, its NDCG@20 on validation, and its duration.

    `state` is complete or failed; a failed trial has no `ndcg`, and `error` says what went wrong.
    """

    number: int
    params: Mapping[str, Any]
    ndcg: float | None
    seconds: float
    state: str
    error: str = ""


def tune(
    make: Callable[[Mapping[str, Any]], Recommender],
    space: Mapping[str, Between | OneOf],
    train: Interactions,
    validation: Interactions,
    *,
    trials: int = 20,
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    known: Sequence[Trial] = (),
    on_trial: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Trials of a search: a fit with the defaults, then fits with parameters that a tree-structured Parzen estimator
    proposes (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"), judged by NDCG@20 on validation.

    The same seed proposes the same parameters, as long as the same number of trials finishes.

    Args:
        make: makes an unfitted model from the parameters that differ from the defaults.
        trials: number of fits, including the one with the defaults.
        minutes: time after which no trial starts; None: no limit. Known trials count with their seconds.
        known: trials of the same search before it was interrupted, from the first on. They are not fitted again, and
            the search continues as if it had not stopped.
        on_trial: called after each new trial.

    Returns:
        All trials, in order; the first has the defaults.

    Raises:
        ImportError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "tuning: expected the package optuna, found none; pip install 'recsys-platform[tuning]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    done: list[Trial] = []
    began = time.perf_counter() - sum(trial.seconds for trial in known)

    def judged(params: Mapping[str, Any]) -> float:
        if len(done) < len(known) and known[len(done)].params == params:
            done.append(known[len(done)])
            return float("nan") if done[-1].ndcg is None else done[-1].ndcg
        started = time.perf_counter()
        value, state, text = None, "complete", ""
        try:
            model = make(params).fit(train, validation=validation, seed=seed, device=device)
            value = validation_ndcg(model.score_block, model.seen, validation)
        except (ValueError, ArithmeticError) as error:
            state, text = "failed", str(error)
        done.append(
            Trial(len(done), dict(params), value, round(time.perf_counter() - started, 3), state, text)
        )
        if on_trial is not None:
            on_trial(done[-1])
        return float("nan") if value is None else value

    def proposed(trial: optuna.Trial) -> float:
        return judged({name: where.suggest(trial, name) for name, where in space.items()})

    judged({})
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    taken = min(trials, len(known)) - 1
    if taken > 0:
        study.optimize(proposed, n_trials=taken)
    left = None if minutes is None else max(0.0, minutes * 60 - (time.perf_counter() - began))
    if trials > len(done) and left != 0:
        study.optimize(proposed, n_trials=trials - len(done), timeout=left)
    return done


def best(trials: Sequence[Trial]) -> Trial:
    """The complete trial with the highest NDCG@20, the earliest of equals.

    Raises:
        ValueError: none is complete.
    """
    complete = [trial for trial in trials if trial.ndcg is not None]
    if not complete:
        errors = sorted({trial.error for trial in trials})
        raise ValueError(f"tuning: expected one complete trial, found {len(trials)} failed: {errors}")
    return max(complete, key=lambda trial: (trial.ndcg or 0.0, -trial.number))
