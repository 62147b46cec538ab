"""Training of the sequence encoder with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import embedding

from recsys_models.sequence.histories import Histories, HistoryBlock
from recsys_models.sequence.history_encoder import encoded, last_states, network, worth
from recsys_models.training.own_draws import OwnDraws
from recsys_models.training.start_values import take_over
from recsys_models.training.trainer import Fit

if TYPE_CHECKING:
    from recsys_models.sequence.sequence import SequenceEncoder


class SequenceFit(Fit):
    """Training of a `SequenceEncoder`: item vectors and an encoder of histories learn to predict the next items.

    Args:
        tables: start vectors of items as taken and as offered, side by side, shape (n_items, 2 d).
        learned: the encoder's arrays of an earlier model to start from; empty for a new one.
    """

    uses_dropout = True

    def __init__(
        self,
        settings: SequenceEncoder,
        histories: Histories,
        tables: NDArray[np.float32],
        learned: Mapping[str, NDArray[Any]],
        seed: int,
        device: str,
    ) -> None:
        self._settings, self._histories, self._device = settings, histories, device
        self._n_items = tables.shape[0]
        with OwnDraws(seed):
            module = network(settings)
        self.incidents = take_over(module, _without_tables(learned))
        for name, table in zip(("taken", "offered"), np.hsplit(tables, 2), strict=True):
            module[name] = torch.nn.Embedding.from_pretrained(
                torch.from_numpy(np.ascontiguousarray(table)), freeze=False
            )
        self.module = module.to(device)
        vectors = [self._taken, self._offered]
        others = _without_tables(dict(module.named_parameters()))
        self.optimiser = torch.optim.Adam(
            [
                {"params": vectors, "lr": settings.learning_rate},
                {"params": list(others.values()), "lr": settings.encoder_rate},
            ],
            fused=True,
        )

    def losses(self, batch: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """The loss of each step; users with histories of about the same length share a step to save padding."""
        settings, length = self._settings, torch.from_numpy(self._histories.count)
        users = torch.from_numpy(np.flatnonzero(self._histories.count > 1))
        if not users.numel():
            return
        users = users[torch.randperm(users.numel(), generator=generator)]
        steps = users[torch.argsort(length[users], stable=True)].split(batch)
        usual = float(self._worth(torch.from_numpy(self._histories.entries.day)).mean())
        for step in torch.randperm(len(steps), generator=generator).tolist():
            block = self._histories.block(steps[step].numpy())
            state, item, day = self._examples(block, generator)
            drawn = torch.randint(self._n_items, (settings.negatives,), generator=generator)
            if not state.numel():
                continue
            place, item, drawn = state.to(self._device), item.to(self._device), drawn.to(self._device)
            vectors = embedding(place, self._states(block).flatten(0, 1))
            loss = _softmax(vectors, self._offered, item, drawn)
            yield (loss * self._worth(day).to(self._device)).mean() / usual

    def state(self) -> dict[str, NDArray[Any]]:
        user = last_states(self._settings, self.module, self._histories, self._device)
        learned = {
            f"learned.{name}": value.detach().cpu().numpy().copy()
            for name, value in self.module.state_dict().items()
        }
        return {"user": user, **learned}

    def _examples(
        self, block: HistoryBlock, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Training examples: the flat place of each usable state of the block, an item drawn from those within the
        horizon after it, and the day of that item."""
        item, day, first = (torch.from_numpy(part) for part in (block.item, block.day, block.first))
        count = torch.from_numpy(block.length)[:, None]
        place = torch.arange(item.shape[1])
        room = (count - 1 - place).clamp(0, self._settings.horizon)
        ahead = (torch.rand(item.shape, generator=generator) * room).long() + 1
        target = (place + ahead).clamp_max(item.shape[1] - 1)
        usable = room > 0
        if not self._settings.repeats:
            usable &= first.gather(1, target) > place
        return usable.flatten().nonzero()[:, 0], item.gather(1, target)[usable], day.gather(1, target)[usable]

    def _states(self, block: HistoryBlock) -> torch.Tensor:
        return encoded(self._settings, self.module, block, self._device)

    def _worth(self, day: torch.Tensor) -> torch.Tensor:
        return worth(day, self._settings.half_life_days)

    @property
    def _taken(self) -> torch.Tensor:
        return self.module.get_parameter("taken.weight")

    @property
    def _offered(self) -> torch.Tensor:
        return self.module.get_parameter("offered.weight")


def _softmax(
    vectors: torch.Tensor, offered: torch.Tensor, item: torch.Tensor, drawn: torch.Tensor
) -> torch.Tensor:
    """Sampled softmax loss of each state, shape (n,): its item among drawn ones, which stand for the catalogue."""
    right = (vectors * embedding(item, offered)).sum(1)
    wrong = vectors @ embedding(drawn, offered).T
    wrong = wrong.masked_fill(drawn[None, :] == item[:, None], -torch.inf)
    catalogue = torch.logsumexp(wrong, 1) + float(np.log(offered.shape[0] / drawn.numel()))
    return torch.logaddexp(right, catalogue) - right


def _without_tables(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name not in ("taken.weight", "offered.weight")}
