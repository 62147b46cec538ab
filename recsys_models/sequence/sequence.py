"""The sequence encoder: a recurrent or attentive network that reads a user's latest items in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.feedback import edge_weights
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.fitted.fitted_model import Embeddings
from recsys_models.fitted.state_arrays import must_be
from recsys_models.kernels.degrees import degrees, inverse_power, normalised
from recsys_models.kernels.spectral_filter import item_gain, spectral_filter
from recsys_models.kernels.spectral_start import logit_scale
from recsys_models.kernels.truncated_svd import truncated_svd
from recsys_models.parameters.parameters import (
    Above0,
    AtLeast0,
    Auto,
    Count,
    Depth,
    Drawn,
    Dropout,
    Length,
    RoundsOrNone,
    Width,
)
from recsys_models.sequence.histories import Histories
from recsys_models.training.fit_run import FitRun
from recsys_models.training.validation import choices, validation_ndcg
from recsys_models.training.warm_start import warm_start

if TYPE_CHECKING:
    import torch

EXPONENT, RIDGE, ITEM_SCALE = 0.3, 4.0, 0.2
"""Settings of the spectral start; see `Spectral`."""
POPULARITIES = (0.0, 0.1, 0.3, 1.0)
"""Values of `popularity` that validation chooses from."""


@dataclass(kw_only=True, eq=False)
class SequenceEncoder(EmbeddingRecommender):
    """Recommendations from the order of a user's interactions.

    score(u, i) = ⟨state of u, offered vector of i⟩ + popularity · log(share of i)

    A share is (popularity of i + 1) / (popularity of all + 1). The state after each of the user's interactions is the
    decayed sum of the vectors of the items so far, divided by (sum of its weights)^0.3, plus the output of an encoder
    that reads them in order: a GRU (Hidasi et al. 2016, "Session-based recommendations with
    recurrent neural networks") or causal self-attention (Kang & McAuley 2018, "Self-attentive sequential
    recommendation"). It learns to predict one of the next items by a softmax over sampled items. The encoder's output
    starts at zero and the item vectors at the singular vectors of the normalised matrix, so that epoch 0 is the
    spectral model of the latest interactions.

    Args:
        encoder: "gru" or "attention".
        dim: length of the vectors.
        length: number of a user's latest interactions that are read, by timestamp; without, in the order given.
        horizon: number of following interactions from which each state's target is drawn, because those of one basket
            have no order (Pancha et al. 2022, "PinnerFormer", section 4.2); 1: the next one.
        repeats: whether items that the user had already can be targets.
        start: start vectors of items, "spectral" or "normal" (standard deviation 0.1).
        half_life_days: age at which an interaction counts half in the sum and as a target; None: no decay.
        layers: number of layers of the encoder.
        dropout: share of the encoder's inputs that is set to 0 in training.
        popularity: weight of the popularity term; "auto": the best of `POPULARITIES` on validation, 0 without.
        epochs, patience: as in `LightGCN`; epoch 0, the start, may be the best.
        batch: users per step.
        negatives: sampled items per step.
        learning_rate: learning rate of Adam for the item vectors.
        encoder_rate: learning rate of Adam for everything else; 0 keeps the encoder as it starts.
    """

    family: ClassVar[str] = "sequence"
    counted_columns: ClassVar[frozenset[str]] = frozenset({"timestamp", "weight"})
    learns_by_gradient: ClassVar[bool] = True
    depends_on_threads: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    encoder: Literal["gru", "attention"] = "gru"
    dim: Width = 64
    length: Length = 100
    horizon: Length = 50
    repeats: bool = False
    start: Literal["spectral", "normal"] = "spectral"
    half_life_days: Above0 | None = 28.0
    layers: Depth = 1
    dropout: Dropout = 0.1
    popularity: AtLeast0 | Auto = "auto"
    epochs: RoundsOrNone = 8
    patience: Count = 2
    batch: Count = 64
    negatives: Drawn = 512
    learning_rate: Above0 = 0.0003
    encoder_rate: AtLeast0 = 0.00005

    def __post_init__(self) -> None:
        super().__post_init__()
        self._learned: dict[str, NDArray[Any]] = {}
        self._prior = np.empty(0, np.float32)
        self._reader: tuple[dict[str, NDArray[Any]], torch.nn.Module] | None = None

    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        if self.start == "spectral":
            tables = self._spectral_start(interactions, run.seed)
        else:
            shape = (interactions.n_items, 2 * self.dim)
            tables = np.random.default_rng(run.seed).standard_normal(shape, np.float32) * 0.1
        self._train(interactions, tables, {}, validation, run)

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        items = np.hstack([before._learned["taken.weight"], before._learned["offered.weight"]])
        users = (before.seen @ items) / np.maximum(np.diff(before.seen.indptr), 1)[:, None]
        start = warm_start(
            np.vstack([users, items]), before.user_ids, before.item_ids, interactions, self.seen
        )
        tables = start[interactions.n_users :].astype(np.float32)
        self._train(interactions, tables, before._learned, validation, run)

    def _spectral_start(self, interactions: Interactions, seed: int) -> NDArray[np.float32]:
        """Start vectors of items as taken and as offered, side by side, shape (n_items, 2 dim).

        With R ≈ U S Vᵀ normalised, rows of R times D^-exponent V w(S) / S times (D^item_scale V)ᵀ are the spectral
        model's scores.
        """
        matrix = edge_weights(interactions, self.half_life_days)
        _, values, right = truncated_svd(normalised(matrix, EXPONENT, EXPONENT), self.dim, seed=seed)
        by_user, by_item = degrees(matrix)
        half = np.sqrt(spectral_filter(values, RIDGE))
        taken = right * (half / np.maximum(values, 1e-6)) * inverse_power(by_item, EXPONENT)[:, None]
        offered = right * half * item_gain(matrix, ITEM_SCALE)
        state = (matrix @ taken) * inverse_power(by_user, EXPONENT)[:, None]
        scale = logit_scale(matrix, state, offered, seed)
        missing = ((0, 0), (0, self.dim - right.shape[1]))
        return np.hstack([np.pad(table * scale, missing) for table in (taken, offered)]).astype(np.float32)

    def _train(
        self,
        interactions: Interactions,
        tables: NDArray[np.float32],
        learned: Mapping[str, NDArray[Any]],
        validation: Interactions | None,
        run: FitRun,
    ) -> None:
        from recsys_models.sequence.sequence_fit import SequenceFit
        from recsys_models.training.trainer import Training

        histories = Histories.of(interactions, self.length)
        training = Training(self.epochs, self.patience, self.batch, from_start=True)
        training.run(
            self,
            lambda device: SequenceFit(self, histories, tables, learned, run.seed, device),
            validation,
            run,
        )
        self._choose_prior(validation)

    def _choose_prior(self, validation: Interactions | None) -> None:
        best, best_state = -1.0, self._prior
        share = np.log((self.popular + 1) / (self.popular.sum() + 1)).astype(np.float32)
        search = validation is not None
        for weight in choices(self.popularity, POPULARITIES, search, 0.0):
            self._prior = np.float32(weight) * share
            reached = 0.0
            if validation is not None:
                reached = validation_ndcg(self.score_block, self.seen, validation)
                if reached > best:
                    self.chosen["popularity"] = weight
            if reached > best:
                best, best_state = reached, self._prior
        self._prior = best_state

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return super().score_block(user_rows) + self._prior

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        return super()._fold_scores(customers) + self._prior

    def _queries(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.hstack([vectors, np.ones((vectors.shape[0], 1), np.float32)])

    def _scored_by(self) -> tuple[Any, ...]:
        return *super()._scored_by(), self._prior

    def _fold_vectors(self, customers: Interactions) -> NDArray[np.float32]:
        """The states after the customers' latest interactions."""
        from recsys_models.sequence.history_encoder import last_states, restored

        if self._reader is None or self._reader[0] is not self._learned:
            self._reader = (self._learned, restored(self, self._learned))
        return last_states(self, self._reader[1], Histories.of(customers, self.length), "cpu")

    def _learn_folding(self, interactions: Interactions) -> None:
        """Nothing: the encoder reads any history."""

    def embeddings(self) -> Embeddings:
        one = np.ones((self._user_vectors.shape[0], 1), np.float32)
        return Embeddings(
            np.hstack([self._user_vectors, one]), np.hstack([self._item_factors, self._prior[:, None]])
        )

    def _item_vectors(self) -> NDArray[np.float32]:
        norm = np.linalg.norm(self._item_factors, axis=1, keepdims=True)
        return self._item_factors / np.maximum(norm, 1e-12)

    def _state(self) -> dict[str, NDArray[Any]]:
        learned = {f"learned.{name}": array for name, array in self._learned.items()}
        return {"user": self._user_vectors, "prior": self._prior, **learned}

    def _folds_at_once(self) -> bool:
        return True

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._learned = {
            name.removeprefix("learned."): array
            for name, array in state.items()
            if name.startswith("learned.")
        }
        self._user_vectors, self._item_factors = state["user"], self._learned["offered.weight"]
        self._check_vectors()
        self._prior = state.get("prior", np.zeros(self._item_factors.shape[0], np.float32))
        must_be(self._prior, "prior", shape=(self.item_ids.size,), kind="f")
