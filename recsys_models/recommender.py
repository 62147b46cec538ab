"""The contract that every model family fulfils."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.features import Features
from recsys_models.data.graph import InteractionGraph
from recsys_models.data.history import History
from recsys_models.data.interactions import Interactions
from recsys_models.fitted.fitted_model import FitBasis
from recsys_models.fitted.folding import Folding
from recsys_models.fitted.model_files import ModelFileError, from_files, read_folder, to_files, write_folder
from recsys_models.fitted.state_arrays import must_be, must_be_learned, of_file
from recsys_models.parameters.parameters import checked, plain
from recsys_models.training.fit_run import FitRun, OnEpoch
from recsys_models.training.threads import computing

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclasses.dataclass(kw_only=True, eq=False)
class Recommender(Folding):
    """A recommender: fit it on Interactions, then get recommendations by the caller's own ids.

    A family is a keyword-only dataclass whose fields are its parameters; their types say what they may be. It
    implements `_fit`, `score_block`, `_state` and `_restore`, and adds itself to `families.families`.

    Attributes after `fit`, besides those of `FittedModel`: chosen: parameters that validation chose (empty without
        validation). history: metrics of each epoch, for iterative families. incidents: problems in training and how
        training continued, in sentences. threads: `{"blas": n, "torch": n}`, the numbers of threads that it was fitted
        with and that its last bits depend on; empty where they do not (`depends_on_threads`). user_features,
        item_features: side information from `with_features`, or None. relations: side information from
        `with_relations`, or None.
    """

    side_information: ClassVar[frozenset[str]] = frozenset()
    """Side information that a fit uses, of `item_features`, `user_features` and `relations`."""
    counted_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns of interactions that a fit uses besides user and item: of `weight`, `timestamp` and `behaviour`. What it
    learns does not depend on the others by a single bit. In every family the popularity that cold users get uses
    weights and timestamps, and a row of weight 0 is no interaction."""
    learns_by_gradient: ClassVar[bool] = False
    """True where PyTorch trains the family; such families take turns on the device."""
    depends_on_threads: ClassVar[bool] = False
    """True where the last bits of a fit depend on the number of threads of PyTorch and BLAS."""
    starts_from_before: ClassVar[bool] = False
    """True where `refit` starts from the previous model; False where it computes everything anew."""

    def __post_init__(self) -> None:
        Folding.__init__(self)
        for field in dataclasses.fields(self):
            if field.init:
                setattr(self, field.name, checked(type(self), field.name, getattr(self, field.name)))
        self.chosen: dict[str, Any] = {}
        self.history: list[dict[str, float]] = []
        self.incidents: list[str] = []
        self.threads: dict[str, int] = {}
        self.user_features: Features | None = None
        self.item_features: Features | None = None
        self.relations: InteractionGraph | None = None

    # --- what a family implements -------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, interactions: Interactions, validation: Interactions | None, run: FitRun) -> None:
        """Learn from interactions; `validation` is on their id maps."""

    @abstractmethod
    def _state(self) -> dict[str, NDArray[Any]]:
        """The learned arrays, by name."""

    @abstractmethod
    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over the arrays that `_state` gave."""

    def _refit(
        self, interactions: Interactions, validation: Interactions | None, run: FitRun, before: Any
    ) -> None:
        """Learn, starting from `before`, a fitted model of the same family. Families in closed form just fit again."""
        self._fit(interactions, validation, run)

    def _retrain(self, interactions: Interactions, run: FitRun, before: Any) -> None:
        """Learn with the parameters that validation chose for `before`; keep what came from validation labels."""
        self._fit(interactions, None, run)

    def _folds_at_once(self) -> bool:
        """Whether a loaded model can fold in without first learning what its file does not hold."""
        return True

    def drop_training_state(self) -> None:
        """Drop the state that only a later fit needs; scores and folding in stay as they are. Do not store the model
        then."""

    def _learn_folding(self, interactions: Interactions) -> None:
        """Learn, after a fit, what folding in needs besides the fit's own arrays."""

    # --- what every family has ----------------------------------------------------------------------------

    def params(self) -> dict[str, Any]:
        """Parameters that the model was made with: plain JSON values that `type(model)(**params)` takes."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}

    def with_features(self, *, users: Features | None = None, items: Features | None = None) -> Self:
        """This model, to be fitted with features of users and items; families without use for them ignore them.

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

    def with_side_information_of(self, other: Recommender) -> Self:
        """This model, to be fitted with the side information of another one."""
        self.with_features(users=other.user_features, items=other.item_features)
        return self.with_relations(other.relations)

    def chosen_model(self) -> Self:
        """An unfitted model with the parameters that validation chose, to fit on train and validation together."""
        return type(self)(**{**self.params(), **self.chosen}).with_side_information_of(self)

    def retrained(
        self,
        interactions: Interactions,
        *,
        seed: int = 0,
        device: str = "auto",
        on_epoch: OnEpoch | None = None,
        checkpoint: str | Path | None = None,
        threads: int = 0,
    ) -> Self:
        """A new model fitted on `interactions`, usually train and validation together, with what validation chose.

        That is parameters and epochs, and in families that learn from validation labels also the parts learned from
        these.
        """
        self._must_be_fitted()
        interactions = interactions.counted
        model = self.chosen_model()
        model._remember(interactions)
        run = model._run((interactions, None), seed, device, on_epoch, checkpoint, threads, before=self)
        with model._computing(run):
            model._retrain(interactions, run, self)
            model._complete(interactions)
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
        threads: int = 0,
    ) -> Self:
        """This model, fitted on the interactions: the rows with a weight above 0.

        Args:
            validation: later interactions, by which open parameters and the number of epochs are chosen.
                Users and items unknown to `interactions` are left out of it.
            seed: seed of all draws; the same seed on the same device gives the same model, where the family
                `depends_on_threads` with the same number of them.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            on_epoch: called after each epoch of iterative families.
            checkpoint: folder where iterative families keep their last epoch; an interrupted fit that is started
                again with the same data, parameters and seed continues from it and ends with the same bits.
            threads: number of threads that PyTorch and BLAS compute with; 0: as many as they are set to.

        Raises:
            ValueError: there is no interaction, or weights or parameters are so large that float32 overflows.
        """
        interactions = interactions.counted
        self._remember(interactions)
        run = self._run((interactions, validation), seed, device, on_epoch, checkpoint, threads)
        with self._computing(run):
            self._fit(interactions, self._aligned(validation, interactions), run)
            self._complete(interactions)
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
        threads: int = 0,
    ) -> Self:
        """A new model, started from this one and fitted on `interactions`, old and new ones together.

        Rows known to this model keep their state as the start; new users and items start from their neighbours.
        Families in closed form compute their state anew. This model is left as it is.

        Args:
            validation: interactions that this model was not fitted on; otherwise the start remembers them, and what
                validation chooses is wrong.
        """
        self._must_be_fitted()
        interactions = interactions.counted
        model = type(self)(**self.params()).with_side_information_of(self)
        model._remember(interactions)
        run = model._run((interactions, validation), seed, device, on_epoch, checkpoint, threads, before=self)
        with model._computing(run):
            model._refit(interactions, self._aligned(validation, interactions), run, self)
            model._complete(interactions)
        return model

    def to_files(self) -> dict[str, bytes]:
        """The fitted model as `model.json` and safetensors, as of `model_files.to_files`."""
        self._must_be_fitted()
        header = {
            "family": self.family,
            "params": self.params(),
            "chosen": self.chosen,
            "history": self.history,
            "incidents": self.incidents,
            "threads": self.threads,
            "latest": self.latest,
        }
        arrays = self.basis.arrays()
        return to_files("model", header, {**arrays, **{f"state.{k}": v for k, v in self._state().items()}})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model that `to_files` wrote.

        Raises:
            ModelFileError: a file is missing, truncated or altered, holds another family, or no model.
        """
        header, arrays = from_files("model", files)
        if header.get("family") != cls.family:
            raise ModelFileError(
                f"model.json: expected family {cls.family!r}, found {header.get('family')!r}; use load_model"
            )
        with of_file(f"{cls.family} model"):
            basis = FitBasis.of_arrays(arrays, header.get("latest"))
            for key, array in arrays.items():
                must_be_learned(array, key)
            state = {key.removeprefix("state."): array for key, array in arrays.items()}
            model = cls.restored(header["params"], header["chosen"], basis, state)
            model.chosen_model()  # what was chosen has to be parameters
            model.history, model.incidents = header["history"], header["incidents"]
            model.threads = header.get("threads", {})
            for name, found, kind in (
                ("history", model.history, list),
                ("incidents", model.incidents, list),
                ("threads", model.threads, dict),
            ):
                if not isinstance(found, kind):
                    raise ValueError(f"{name}: expected a {kind.__name__}, found {found!r:.60}")
            # what a file holds has to rank: the first user's scores tell before a caller's do
            users, items = basis.user_ids.size, basis.item_ids.size
            first = model.score_block(np.arange(min(1, users)))
            must_be(first, "scores", shape=(min(1, users), items), kind="f")
            if items and model._folds_at_once():
                folded = model.fold_in([History(np.zeros(1, np.int32))])
                must_be(folded, "folded scores", shape=(1, items), kind="f")
        return model

    @classmethod
    def restored(
        cls,
        params: Mapping[str, Any],
        chosen: Mapping[str, Any],
        basis: FitBasis,
        state: Mapping[str, NDArray[Any]],
    ) -> Self:
        """The fitted model of these parameters and learned arrays.

        Args:
            params: as `params` gives them.
            chosen: the parameters that validation chose.
            basis: what the model was fitted on.
            state: the arrays that the family's `_state` gave.
        """
        model = cls(**params)
        model.chosen, model.basis = dict(chosen), basis
        model._restore(state)
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
            raise ValueError(
                f"{self.name}: expected at least one interaction of a weight above 0 to fit on, found none"
            )
        total = float(interactions.weight.sum(dtype=np.float64))
        if total > float(np.finfo(np.float32).max):
            raise ValueError(
                f"{self.name}: expected weights whose sum is within float32, found a sum of {total:.3g}; "
                "scale them down"
            )
        self.basis = FitBasis.of(interactions)
        self.chosen, self.history, self.incidents = {}, [], []

    def _complete(self, interactions: Interactions) -> None:
        """Learn what folding in needs, and check that all that was learned is finite, as files require."""
        self._learn_folding(interactions)
        for name, array in self._state().items():
            try:
                must_be_learned(array, name)
            except ValueError as error:
                raise ValueError(self._too_much(str(error))) from error

    def _run(
        self,
        data: tuple[Interactions | None, ...],
        seed: int,
        device: str,
        on_epoch: OnEpoch | None,
        checkpoint: str | Path | None,
        threads: int = 0,
        before: Recommender | None = None,
    ) -> FitRun:
        seed, threads = plain(seed), plain(threads)
        for name, number in (("seed", seed), ("threads", threads)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ValueError(f"{self.name}: {name}: expected a whole number ≥ 0, found {number!r}")
        if checkpoint is None:
            return FitRun(seed, device, on_epoch, threads=threads)
        known = hashlib.sha256(json.dumps([self.family, self.params(), seed, device, threads]).encode())
        for part in (*data, self.user_features, self.item_features, self.relations):
            known.update(b"none" if part is None else part.digest())
        if before is not None:
            known.update(before.to_files()["model.json"])
        return FitRun(seed, device, on_epoch, Path(checkpoint), known.hexdigest()[:32], threads)

    @contextmanager
    def _computing(self, run: FitRun) -> Iterator[None]:
        """Context in which the fit uses the run's threads; the model records their number if its bits depend on it."""
        with computing(run.threads, gradients=self.learns_by_gradient) as threads:
            self.threads = threads if self.depends_on_threads else {}
            try:
                yield
            except (ValueError, np.linalg.LinAlgError) as error:
                # what is said of a matrix that overflowed, by SciPy or by what takes it over, and of scores of it
                messages = ("infs or NaNs", "expected finite numbers", "expected finite scores")
                is_overflow = isinstance(error, np.linalg.LinAlgError) or any(
                    s in str(error) for s in messages
                )
                if not is_overflow or "more moderate" in str(error):
                    raise
                raise ValueError(self._too_much(str(error))) from error

    def _too_much(self, found: str) -> str:
        return (
            f"{self.name}: {found}; choose more moderate parameters than {self.params()} or smaller weights"
        )

    def _aligned(self, validation: Interactions | None, interactions: Interactions) -> Interactions | None:
        if validation is None:
            return None
        aligned = validation.counted.within(interactions)
        if not len(aligned):
            raise ValueError(
                f"{self.name}: expected validation rows of users and items known to the interactions, found none; "
                "build it with like= the interactions, or pass validation=None"
            )
        return aligned
