"""The contract that every model family fulfils."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_models.features import Features
from recsys_models.fit_run import FitRun, OnEpoch
from recsys_models.graph import InteractionGraph
from recsys_models.ids import Ids, as_ids, rows_of
from recsys_models.interactions import Interactions
from recsys_models.model_files import ModelFileError, from_files, read_folder, to_files, write_folder
from recsys_models.ranking import block_rows, mask_items, top_k
from recsys_models.recency import recency_weights

if TYPE_CHECKING:
    from typing_extensions import Self

COLD_HALF_LIFE_DAYS = 28.0


class _Fitted:
    """Stands for: exclude what the model was fitted on."""

    def __repr__(self) -> str:
        return "<the fitted interactions>"


FITTED = _Fitted()


class Embeddings(NamedTuple):
    """Vectors whose inner product is the score: `user` (n_users, d) and `item` (n_items, d), float32."""

    user: NDArray[np.float32]
    item: NDArray[np.float32]


@dataclasses.dataclass(kw_only=True, eq=False)
class Recommender(ABC):
    """A recommender: fit it on Interactions, then ask for items by the caller's own ids.

    A family is a keyword-only dataclass whose fields are its parameters. It implements `_fit`, `score_block`,
    `_state` and `_restore`, and adds itself to `families.families`.

    Attributes after `fit`:
        user_ids, item_ids: id maps; row r of every array of the model belongs to id r.
        seen: users by items, CSR of ones: what the model was fitted on.
        chosen: the parameters that validation chose (empty without validation).
        history: one dict an epoch, for iterative families.
        incidents: what went wrong in training and how it went on, in words.
        user_features, item_features: what `with_features` gave, or None.
        relations: what `with_relations` gave, or None.
    """

    family: ClassVar[str]

    def __post_init__(self) -> None:
        self.user_ids: Ids = np.empty(0, np.int64)
        self.item_ids: Ids = np.empty(0, np.int64)
        self.seen: sp.csr_array = sp.csr_array((0, 0), dtype=np.float32)
        self.popular: NDArray[np.float32] = np.empty(0, np.float32)
        self.chosen: dict[str, Any] = {}
        self.history: list[dict[str, float]] = []
        self.incidents: list[str] = []
        self.user_features: Features | None = None
        self.item_features: Features | None = None
        self.relations: InteractionGraph | None = None

    # --- what a family implements -------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        """Learn. `validation` is on the id maps of `interactions`."""

    @abstractmethod
    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Scores of all items for users by row number, a fresh float32 array of shape (len(user_rows), n_items)."""

    @abstractmethod
    def _state(self) -> dict[str, NDArray[Any]]:
        """The learned arrays."""

    @abstractmethod
    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `_state` gave."""

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        """Learn, starting from `before`, a fitted model of the same family. Families in closed form just fit again."""
        self._fit(interactions, validation, run)

    def _retrain(self, interactions: Interactions, run: FitRun, before: Any) -> None:
        """Learn with what validation chose for `before`. Families that learned from labels keep that."""
        self._fit(interactions, None, run)

    def embeddings(self) -> Embeddings | None:
        """Vectors of users and items, or None for families without any."""
        return None

    # --- what every family has ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The family's name, as in the registry."""
        return self.family

    @property
    def n_items(self) -> int:
        return self.item_ids.size

    def params(self) -> dict[str, Any]:
        """The parameters the model was made with: plain JSON values that `type(model)(**params)` takes."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}

    def with_features(self, *, users: Features | None = None, items: Features | None = None) -> Self:
        """This model, to be fitted with what is known of users and items; families without use for it ignore it.

        Features are not saved with a model: a loaded model needs them again to be retrained or refitted.
        """
        self.user_features, self.item_features = users, items
        return self

    def with_relations(self, graph: InteractionGraph | None) -> Self:
        """This model, to be fitted with the item relations of a graph: its edges from items to items. Families without
        use for them ignore them.

        Relations are not saved with a model: a loaded model needs them again to be retrained or refitted.
        """
        self.relations = graph
        return self

    def informed_like(self, other: Recommender) -> Self:
        """This model, to be fitted with the features and relations that another one has."""
        self.with_features(users=other.user_features, items=other.item_features)
        return self.with_relations(other.relations)

    def chosen_model(self) -> Self:
        """An unfitted model with the parameters that validation chose, to fit on train and validation together."""
        return type(self)(**{**self.params(), **self.chosen}).informed_like(self)

    def retrained(
        self,
        interactions: Interactions,
        *,
        seed: int = 0,
        device: str = "auto",
        on_epoch: OnEpoch | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """A new model fitted on `interactions`, usually train and validation together, with what validation chose:
        parameters, epochs, and in families that learn from validation labels what was learned."""
        self._must_be_fitted()
        model = self.chosen_model()
        model._remember(interactions)
        run = model._run((interactions, None), seed, device, on_epoch, checkpoint, before=self)
        model._retrain(interactions, run, self)
        return model

    def fit(
        self,
        interactions: Interactions,
        *,
        validation: Interactions | None = None,
        seed: int = 0,
        device: str = "auto",
        on_epoch: OnEpoch | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Learn from interactions.

        Args:
            validation: later interactions, by which parameters left open and the number of epochs are chosen.
                Users and items unknown to `interactions` are left out of it.
            seed: the same seed on the same device gives the same model.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            on_epoch: progress of iterative families.
            checkpoint: a folder where iterative families keep their last epoch; a fit that was interrupted and is
                started again with the same data, parameters and seed goes on there, and ends with the same bits.

        Raises:
            ValueError: there is no interaction.
        """
        self._remember(interactions)
        run = self._run((interactions, validation), seed, device, on_epoch, checkpoint)
        self._fit(interactions, self._aligned(validation, interactions), run)
        return self

    def refit(
        self,
        interactions: Interactions,
        *,
        validation: Interactions | None = None,
        seed: int = 0,
        device: str = "auto",
        on_epoch: OnEpoch | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """A new model fitted on `interactions` (all that is to count now, not only what is new), started from this one.

        Rows known to this model keep their state as the start; new users and items start from their neighbours.
        Families in closed form compute their state anew. This model is left as it is.
        """
        self._must_be_fitted()
        model = type(self)(**self.params()).informed_like(self)
        model._remember(interactions)
        run = model._run((interactions, validation), seed, device, on_epoch, checkpoint, before=self)
        model._refit(interactions, self._aligned(validation, interactions), run, self)
        return model

    def rows(self, users: ArrayLike | Iterable[int | str]) -> NDArray[np.int32]:
        """Row number of each user id, -1 where unknown."""
        return rows_of(as_ids(users, "user"), self.user_ids, "user")

    def is_cold(self, users: ArrayLike | Iterable[int | str]) -> NDArray[np.bool_]:
        """Which users are answered from popularity, because the model knows no interaction of theirs."""
        self._must_be_fitted()
        return self._cold(self.rows(users))

    def scores(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """`score_block`, with popularity for cold users (row -1, or a row without interactions)."""
        cold = self._cold(user_rows)
        if not cold.any():
            return self.score_block(user_rows)
        scores = np.empty((user_rows.size, self.n_items), np.float32)
        scores[cold] = self.popular
        if not cold.all():
            scores[~cold] = self.score_block(user_rows[~cold])
        return scores

    def recommend(
        self,
        users: ArrayLike | Iterable[int | str],
        k: int = 20,
        *,
        exclude: Interactions | _Fitted | None = FITTED,
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The k best items of each user, best first; equal scores by item row ascending.

        Args:
            users: ids, known or not. Unknown users and users without interactions get popular items (`is_cold`).
            exclude: the Interactions whose items are not to come back; by default those fitted on; None for none.

        Returns:
            Ids and scores of shape (len(users), k). Where fewer than k items are left, the id is -1 (or None where
            ids are strings, in an object array) and the score -inf.
        """
        self._must_be_fitted()
        if k < 1:
            raise ValueError(f"k: expected a number ≥ 1, found {k}")
        wanted = as_ids(users, "user")
        rows = rows_of(wanted, self.user_ids, "user")
        hidden, hidden_rows = self._hidden(exclude, wanted, rows)
        columns = np.empty((rows.size, k), np.int32)
        values = np.empty((rows.size, k), np.float32)
        step = block_rows(self.n_items)
        for start in range(0, rows.size, step):
            block = slice(start, start + step)
            scores = self.scores(rows[block])
            if hidden is not None:
                mask_items(scores, hidden, hidden_rows[block])
            columns[block], values[block] = top_k(scores, k)
        return self._item_ids_of(columns), values

    def similar_items(
        self,
        items: ArrayLike | Iterable[int | str],
        k: int = 20,
        *,
        among: ArrayLike | Iterable[int | str] | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """The k items most like each item, by cosine of their embeddings, or of who interacted with them.

        Args:
            items: ids, known or not.
            k: how many.
            among: only these known items are answers; all when None.

        Returns:
            Ids and cosines of shape (len(items), k), without the item itself; padded as in `recommend`, wholly so
            for an unknown item.
        """
        self._must_be_fitted()
        rows = rows_of(as_ids(items, "item"), self.item_ids, "item")
        answers = np.arange(self.n_items, dtype=np.int32)
        if among is not None:
            answers = np.unique(rows_of(as_ids(among, "among"), self.item_ids, "among"))
            answers = answers[answers >= 0]
        columns = np.full((rows.size, k), -1, np.int32)
        values = np.full((rows.size, k), -np.inf, np.float32)
        known = np.flatnonzero(rows >= 0)
        vectors = self._item_vectors()
        others = vectors[answers].T
        step = block_rows(answers.size)
        for start in range(0, known.size, step):
            block = known[start : start + step]
            cosine = vectors[rows[block]] @ others
            dense = np.asarray(cosine.todense() if sp.issparse(cosine) else cosine, np.float32)  # type: ignore[union-attr]
            place = np.searchsorted(answers, rows[block])
            own = np.flatnonzero(
                (place < answers.size) & (answers[np.minimum(place, answers.size - 1)] == rows[block])
            )
            dense[own, place[own]] = -np.inf
            found, values[block] = top_k(dense, k)
            columns[block] = np.where(found >= 0, answers[found], -1)
        return self._item_ids_of(columns), values

    def to_files(self) -> dict[str, bytes]:
        """The fitted model as `{"model.json": …, "model.safetensors": …}`."""
        self._must_be_fitted()
        header = {
            "family": self.family,
            "params": self.params(),
            "chosen": self.chosen,
            "history": self.history,
            "incidents": self.incidents,
        }
        arrays = {
            "user_ids": self.user_ids,
            "item_ids": self.item_ids,
            "seen.indptr": self.seen.indptr.astype(np.int64),
            "seen.indices": self.seen.indices.astype(np.int32),
            "popular": self.popular,
        }
        return to_files("model", header, {**arrays, **{f"state.{k}": v for k, v in self._state().items()}})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model that `to_files` wrote.

        Raises:
            ModelFileError: a file is missing, truncated or altered, or holds another family.
        """
        header, arrays = from_files("model", files)
        if header["family"] != cls.family:
            raise ModelFileError(
                f"model.json: expected family {cls.family!r}, found {header['family']!r}; use load_model"
            )
        model = cls(**header["params"])
        model.chosen, model.history, model.incidents = (
            header["chosen"],
            header["history"],
            header["incidents"],
        )
        model.user_ids, model.item_ids = arrays.pop("user_ids"), arrays.pop("item_ids")
        indptr, indices = arrays.pop("seen.indptr"), arrays.pop("seen.indices")
        shape = (model.user_ids.size, model.item_ids.size)
        model.seen = sp.csr_array((np.ones(indices.size, np.float32), indices, indptr), shape=shape)
        model.popular = arrays.pop("popular")
        model._restore({key.removeprefix("state."): array for key, array in arrays.items()})
        return model

    def save(self, folder: str | Path) -> None:
        """Write `to_files` into a folder."""
        write_folder(folder, self.to_files())

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote; raises as `from_files`."""
        return cls.from_files(read_folder(folder, "model"))

    # --- inside -------------------------------------------------------------------------------------------

    def _remember(self, interactions: Interactions) -> None:
        if not len(interactions):
            raise ValueError(f"{self.name}: expected at least one interaction to fit on, found none")
        self.user_ids, self.item_ids = interactions.user_ids, interactions.item_ids
        self.seen = interactions.user_items()
        weights = recency_weights(interactions, COLD_HALF_LIFE_DAYS)
        self.popular = np.bincount(interactions.item, weights, interactions.n_items).astype(np.float32)
        self.chosen, self.history, self.incidents = {}, [], []

    def _run(
        self,
        data: tuple[Interactions | None, ...],
        seed: int,
        device: str,
        on_epoch: OnEpoch | None,
        checkpoint: str | Path | None,
        before: Recommender | None = None,
    ) -> FitRun:
        if checkpoint is None:
            return FitRun(seed, device, on_epoch)
        known = hashlib.sha256(json.dumps([self.family, self.params(), seed, device]).encode())
        for part in (*data, self.user_features, self.item_features, self.relations):
            known.update(b"none" if part is None else part.digest())
        if before is not None:
            known.update(before.to_files()["model.json"])
        return FitRun(seed, device, on_epoch, Path(checkpoint), known.hexdigest()[:32])

    def _aligned(self, validation: Interactions | None, interactions: Interactions) -> Interactions | None:
        if validation is None:
            return None
        aligned = validation.within(interactions)
        if not len(aligned):
            raise ValueError(
                f"{self.name}: expected validation rows of users and items known to the interactions, found none; "
                "build it with like= the interactions, or pass validation=None"
            )
        return aligned

    def _must_be_fitted(self) -> None:
        if not self.item_ids.size:
            raise ValueError(f"{self.name}: expected a fitted model, found one without data; call fit first")

    def _cold(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        warm = np.diff(self.seen.indptr) > 0
        return (rows < 0) | ~warm[rows]

    def _hidden(
        self, exclude: Interactions | _Fitted | None, wanted: Ids, rows: NDArray[np.int32]
    ) -> tuple[sp.csr_array | None, NDArray[np.int32]]:
        if exclude is None:
            return None, rows
        if isinstance(exclude, _Fitted):
            return self.seen, rows
        known = rows_of(exclude.item_ids, self.item_ids, "item")[exclude.item]
        kept = known >= 0
        shape = (exclude.n_users, self.n_items)
        ones = np.ones(int(kept.sum()), np.float32)
        hidden = sp.coo_array((ones, (exclude.user[kept], known[kept])), shape=shape).tocsr()
        return hidden, rows_of(wanted, exclude.user_ids, "user")

    def _item_vectors(self) -> Any:
        embeddings = self.embeddings()
        if embeddings is not None:
            norm = np.linalg.norm(embeddings.item, axis=1, keepdims=True)
            return embeddings.item / np.maximum(norm, 1e-12)
        degree = np.asarray(self.seen.sum(axis=0), np.float32).ravel()
        return (self.seen * (1 / np.sqrt(np.maximum(degree, 1)))[None, :]).T.tocsr()

    def _item_ids_of(self, columns: NDArray[np.int32]) -> NDArray[Any]:
        padded = columns < 0
        ids = self.item_ids[np.where(padded, 0, columns)]
        if ids.dtype.kind != "U":
            return np.where(padded, -1, ids)
        ids = ids.astype(object)
        ids[padded] = None
        return ids
