"""The user's latest items in order, read by a recurrent or attentive encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.answering import Embeddings
from recsys_models.data.feedback import latest_weights
from recsys_models.data.interactions import Interactions
from recsys_models.embedding_recommender import EmbeddingRecommender
from recsys_models.kernels.spectrum import degrees, inverse_power, normalised, truncated_svd
from recsys_models.lightgcn import logit_scale
from recsys_models.sequence.histories import Histories
from recsys_models.sequence.sequence_fit import SequenceFit
from recsys_models.spectral import item_gain, spectral_filter
from recsys_models.training.fit_run import FitRun
from recsys_models.training.trainer import Training
from recsys_models.training.validation import choices, validation_ndcg
from recsys_models.training.warm_start import warm_start

EXPONENT = 0.3
RIDGE = 4.0
ITEM_SCALE = 0.2
POPULARITIES = (0.0, 0.1, 0.3, 1.0)


@dataclass(kw_only=True, eq=False)
class SequenceEncoder(EmbeddingRecommender):
    """score(u, i) = ⟨state of u, offered vector of i⟩ + popularity · log(popularity of i).

    The state after each of the user's interactions is the decayed sum of what was taken up to then plus what an encoder
    makes of its order: a GRU (Hidasi et al. 2016, "Session-based recommendations with recurrent neural networks") or
    causal self-attention (Kang & McAuley 2018, "Self-attentive sequential recommendation"). It learns to tell an item
    of the next ones by a softmax over sampled items. The encoder's output starts at zero and the item vectors at the
    singular vectors of the normalised matrix, so that epoch 0 is the spectral model of the latest interactions.

    Args:
        encoder: "gru" or "attention".
        dim: length of the vectors.
        length: how many of a user's latest interactions are read, by timestamp, without timestamps in the order given.
        horizon: each state's right answer is drawn from so many interactions after it, for those of one basket have no
            order (Pancha et al. 2022, "PinnerFormer", section 4.2); 1: the next one.
        repeats: whether items that the user had already can be right answers.
        start: "spectral", or "normal" (standard deviation 0.1).
        half_life_days: after how long an interaction counts half in the sum and as a right answer; None for no decay.
        layers: of the encoder.
        dropout: on the encoder's input and output.
        popularity: "auto": the best of `POPULARITIES` on validation, 0 without.
        epochs, patience: as in LightGCN; epoch 0, the start, may be the best.
        batch: users a step.
        negatives: items sampled a step.
        learning_rate: of Adam for the item vectors; `encoder_rate` for all else.
    """

    family: ClassVar[str] = "sequence"
    learns_by_gradient: ClassVar[bool] = True
    starts_from_before: ClassVar[bool] = True

    encoder: str = "gru"
    dim: int = 64
    length: int = 100
    horizon: int = 50
    repeats: bool = False
    start: str = "spectral"
    half_life_days: float | None = 28.0
    layers: int = 1
    dropout: float = 0.1
    popularity: float | str = "auto"
    epochs: int = 8
    patience: int = 2
    batch: int = 64
    negatives: int = 512
    learning_rate: float = 0.0003
    encoder_rate: float = 0.00005

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("encoder", ("gru", "attention")), ("start", ("spectral", "normal"))):
            if getattr(self, name) not in known:
                raise ValueError(f"sequence: {name}: expected one of {known}, found {getattr(self, name)!r}")
        for name in ("dim", "length", "horizon", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"sequence: {name}: expected a number ≥ 1, found {getattr(self, name)}")
        self._learned: dict[str, NDArray[Any]] = {}
        self._prior = np.empty(0, np.float32)

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
        """Vectors of items taken beside those of items offered, shape (n_items, 2 dim): with R ≈ U S Vᵀ normalised,
        rows of R times D^-exponent V w(S) / S times (D^item_scale V)ᵀ are the spectral model's scores."""
        matrix = self._matrix(interactions)
        _, values, right = truncated_svd(normalised(matrix, EXPONENT, EXPONENT), self.dim, seed=seed)
        by_user, by_item = degrees(matrix)
        half = np.sqrt(spectral_filter(values, RIDGE))
        taken = right * (half / np.maximum(values, 1e-6)) * inverse_power(by_item, EXPONENT)[:, None]
        offered = right * half * item_gain(matrix, ITEM_SCALE)
        state = (matrix @ taken) * inverse_power(by_user, EXPONENT)[:, None]
        scale = logit_scale(matrix, state, offered, seed)
        missing = ((0, 0), (0, self.dim - right.shape[1]))
        return np.hstack([np.pad(table * scale, missing) for table in (taken, offered)]).astype(np.float32)

    def _matrix(self, interactions: Interactions) -> sp.csr_array:
        if self.half_life_days is None:
            return interactions.user_items()
        matrix = latest_weights(interactions, self.half_life_days)
        matrix.data = np.maximum(matrix.data, 1e-4)
        return matrix

    def _train(
        self,
        interactions: Interactions,
        tables: NDArray[np.float32],
        learned: Mapping[str, NDArray[Any]],
        validation: Interactions | None,
        run: FitRun,
    ) -> None:
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
        best, kept = -1.0, self._prior
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
                best, kept = reached, self._prior
        self._prior = kept

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return super().score_block(user_rows) + self._prior

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

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self._learned = {
            name.removeprefix("learned."): array
            for name, array in state.items()
            if name.startswith("learned.")
        }
        self._user_vectors, self._item_factors = state["user"], self._learned["offered.weight"]
        self._prior = state.get("prior", np.zeros(self._item_factors.shape[0], np.float32))
