"""The training loop of every family that learns by gradient descent: epochs, validation, checkpoints, incidents."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.recommender import Recommender
from recsys_models.training.checkpoint import Checkpoint
from recsys_models.training.device import resolve_device
from recsys_models.training.fit_run import FitRun
from recsys_models.training.own_draws import OwnDraws
from recsys_models.training.validation import validation_ndcg

SMALLEST_BATCH = 16
"""Smallest batch: it is not halved any more when memory runs out."""


class Trained(Protocol):
    """A model that receives a training's result: a `Recommender`, or a part of one where nothing is validated."""

    chosen: dict[str, Any]
    history: list[dict[str, float]]
    incidents: list[str]

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


class Fit(ABC):
    """Parameters that learn on one device; a family makes one for each device and seed.

    Attributes:
        module: module of all parameters and buffers that change in training.
        optimiser: optimiser of the module's parameters.
        incidents: sentences on arrays of an earlier model that could not be reused as the start.
        uses_dropout: whether its losses use dropout, which draws without the generator that they are given.
    """

    module: torch.nn.Module
    optimiser: torch.optim.Optimizer
    incidents: Sequence[str] = ()
    uses_dropout: bool = False

    @abstractmethod
    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """The loss of each step of one epoch; the trainer takes its gradient step before it asks for the next loss.

        Args:
            batch: largest number of examples per step.
            generator: source of all draws, on the CPU and seeded for this epoch. Dropout draws from a generator of
                the epoch's own too, where `uses_dropout` says that there is any.
        """

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays that the model keeps, as `Recommender._restore` takes them; no gradients, no dropout."""


@dataclass
class _Progress:
    """Progress of a training: all that a checkpoint holds besides tensors."""

    batch: int
    epoch: int = -1
    best: float = -1.0
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Training:
    """The schedule of a training, and its loop.

    Args:
        epochs: largest number of epochs; with validation the best one is kept.
        patience: number of epochs without a better validation NDCG@20 after which training stops.
        batch: examples per step; halved, and the epoch repeated, where memory does not suffice.
        from_start: whether the start, epoch 0, may be the best.
        validation_users: largest number of users on whom an epoch is judged.
    """

    epochs: int
    patience: int
    batch: int
    from_start: bool = False
    validation_users: int = 10_000

    def run(
        self,
        model: Trained,
        make: Callable[[str], Fit],
        validation: Interactions | None,
        run: FitRun,
        seen: sp.csr_array | None = None,
    ) -> None:
        """Train, and leave the model with the state of the best epoch, or of the last one without validation.

        Sets `model.history`, `model.chosen` (`epochs` with validation; `batch` where it had to be halved) and
        `model.incidents`. With `run.checkpoint` each epoch is stored, and an interrupted fit that is started again
        ends with the same bits.

        Args:
            make: makes the Fit for a device; called again with "cpu" when the CUDA device is lost.
            seen: users by items that validation leaves out; by default those that the model was fitted on.

        Raises:
            ValueError: the loss is not finite any more.
        """
        device = resolve_device(run.device)
        fit = make(device)
        progress = _Progress(self.batch, incidents=list(fit.incidents))
        best_state: dict[str, NDArray[Any]] | None = None
        checkpoint = None if run.checkpoint is None else Checkpoint(run.checkpoint, run.identity)
        saved = checkpoint.load() if checkpoint else None
        if saved is not None:
            progress, best_state = _resumed(fit, *saved)
            for row in progress.history:
                _report_epoch(run, row)
        while progress.epoch < self.epochs and not self._enough(progress, validation):
            epoch = progress.epoch + 1
            metrics: dict[str, float] = {}
            if epoch:
                before = _taken(fit)
                try:
                    metrics["loss"] = _one_epoch(fit, progress.batch, run.seed, epoch)
                except (RuntimeError, MemoryError) as error:
                    if not _can_repeat(progress, error, epoch, device):
                        raise
                    if device_lost(error):
                        device = "cpu"
                        fit = make(device)
                    _put(fit, before)
                    continue
            progress.epoch = epoch
            if validation is not None and (epoch or self.from_start):
                assert isinstance(model, Recommender)
                state = _state_of(fit)
                model._restore(state)
                metrics["ndcg"] = validation_ndcg(
                    model.score_block,
                    model.seen if seen is None else seen,
                    validation,
                    max_users=self.validation_users,
                )
                if metrics["ndcg"] > progress.best:
                    progress.best, progress.best_epoch, best_state = metrics["ndcg"], epoch, state
            if epoch:
                progress.history.append({"epoch": epoch, **metrics})
                _report_epoch(run, progress.history[-1])
            if checkpoint is not None:
                checkpoint.save(epoch, {"progress": vars(progress)}, _checkpoint_arrays(fit, best_state))
        model._restore(best_state if best_state is not None else _state_of(fit))
        model.history, model.incidents = progress.history, progress.incidents
        if validation is not None:
            model.chosen["epochs"] = progress.best_epoch
        if progress.batch != self.batch:
            model.chosen["batch"] = progress.batch
        if checkpoint is not None:
            checkpoint.remove()

    def _enough(self, progress: _Progress, validation: Interactions | None) -> bool:
        if validation is None:
            return False
        return progress.epoch > 0 and progress.epoch - progress.best_epoch >= self.patience


def _checkpoint_arrays(fit: Fit, best_state: Mapping[str, NDArray[Any]] | None) -> dict[str, NDArray[Any]]:
    """The arrays of a checkpoint: those of the fit, and those of the best epoch's model."""
    arrays = {f"fit.{k}": v for k, v in _taken(fit).items()}
    return arrays | {f"kept.{k}": v for k, v in (best_state or {}).items()}


def _resumed(
    fit: Fit, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> tuple[_Progress, dict[str, NDArray[Any]] | None]:
    """The progress and the best state of a checkpoint, whose last epoch is put into the fit."""
    _put(fit, {k.removeprefix("fit."): v for k, v in arrays.items() if k.startswith("fit.")})
    best_state = {k.removeprefix("kept."): v for k, v in arrays.items() if k.startswith("kept.")}
    return _Progress(**header["progress"]), best_state or None


def _can_repeat(progress: _Progress, error: BaseException, epoch: int, device: str) -> bool:
    """Whether an epoch can be repeated after an error: with half of the batch, or on the CPU; notes the incident."""
    if out_of_memory(error) and progress.batch > SMALLEST_BATCH:
        progress.batch //= 2
        words = f"out of memory with a batch of {2 * progress.batch}; repeated with {progress.batch}"
    elif device_lost(error) and device != "cpu":
        words = f"{device} was lost ({_first_line(error)}); repeated on the CPU"
    else:
        return False
    progress.incidents.append(f"epoch {epoch}: {words}")
    return True


def bounded_batch(batch: int, pairs: int, largest_steps: int | None, least_steps: int = 1) -> int:
    """Examples per step with which an epoch over `pairs` has at most `largest_steps` steps, unless that is None, and at
    least about `least_steps`."""
    most = max(1, -(-pairs // least_steps))
    return min(most, batch if largest_steps is None else max(batch, -(-pairs // largest_steps)))


def out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch, on any device, or Python ran out of memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "out of memory" in str(error)


def device_lost(error: BaseException) -> bool:
    """Whether CUDA failed for another reason than memory."""
    return "CUDA" in str(error) and not out_of_memory(error)


def _one_epoch(fit: Fit, batch: int, seed: int, epoch: int) -> float:
    """Mean loss of one epoch. Its draws depend on seed and epoch alone, so that a resumed fit draws the same."""
    drawn = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator().manual_seed(drawn)
    total, steps = 0.0, 0
    fit.module.train()
    losses, draws = fit.losses(batch, generator), OwnDraws(drawn)
    while True:
        # only the way forward draws
        with draws if fit.uses_dropout else nullcontext():
            loss = next(losses, None)
        if loss is None:
            break
        fit.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        fit.optimiser.step()
        total = total + loss.detach()
        steps += 1
    mean = float(total) / max(1, steps)
    if not math.isfinite(mean):
        raise ValueError(f"epoch {epoch}: expected a finite loss, found {mean}; take a smaller learning_rate")
    return mean


def _state_of(fit: Fit) -> dict[str, NDArray[Any]]:
    fit.module.eval()
    with torch.no_grad():
        return fit.state()


def _taken(fit: Fit) -> dict[str, NDArray[Any]]:
    """Copies of the parameters and of the optimiser's state, by name."""
    arrays = {f"module.{k}": _array(v) for k, v in fit.module.state_dict().items()}
    for number, values in fit.optimiser.state_dict()["state"].items():
        arrays |= {f"optimiser.{number}.{k}": _array(v) for k, v in values.items()}
    return arrays


def _put(fit: Fit, arrays: dict[str, NDArray[Any]]) -> None:
    """Restore the arrays of `_taken` in the fit, on whatever device it is."""
    module: dict[str, Any] = {}
    state: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        value = torch.from_numpy(np.array(array))
        if name.startswith("module."):
            module[name.removeprefix("module.")] = value
        else:
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = value
    fit.module.load_state_dict(module)
    fit.optimiser.load_state_dict(
        {"state": state, "param_groups": fit.optimiser.state_dict()["param_groups"]}
    )


def _array(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy().copy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _report_epoch(run: FitRun, row: dict[str, float]) -> None:
    if run.on_epoch is not None:
        run.on_epoch(int(row["epoch"]), {k: v for k, v in row.items() if k != "epoch"})


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
