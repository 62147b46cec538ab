"""Shared inputs of the model group: the split as Interactions, and models as tables of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.frames.declared import Origins
from recsys_lineage.lake.blobs import CONTENT, files_of
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import TrainingData

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

SPLIT_COLUMNS = ("user_id", "item_id", "behaviour", "is_target", "subset", "count", "last_time")
SPLIT_FROM: Origins = {"split": SPLIT_COLUMNS, "interaction_graph": CONTENT}
"""The columns that `SplitData` is built from."""
KINDS = {"new items": True, "with repeat purchases": False}
"""Kind of evaluation → whether items that the user had before are left out."""


@dataclass(frozen=True)
class SplitData:
    """Train, validation and test interactions on the same id maps.

    `target` is the behaviour that recommendations aim at; models are judged by it alone.
    """

    train: Interactions
    valid: Interactions
    test: Interactions
    target: str

    @property
    def before_test(self) -> Interactions:
        """Train and validation together."""
        return self.train.merged(self.valid)

    @property
    def everything(self) -> Interactions:
        """All interactions, for fitting the model that serves."""
        return self.before_test.merged(self.test)

    @property
    def validation(self) -> Interactions:
        """Validation interactions of the target behaviour; all of them if it has none."""
        targeted = self.of_target(self.valid)
        return targeted if len(targeted) else self.valid

    def of_target(self, part: Interactions) -> Interactions:
        """The interactions of the target behaviour."""
        if part.behaviour is None or part.behaviour_names == (self.target,):
            return part
        chosen = [name == self.target for name in part.behaviour_names]
        return part.subset(np.array(chosen, bool)[part.behaviour])


def split_data(inputs: Inputs) -> SplitData:
    """The table `split` as Interactions; the id maps are those of `interaction_graph`, extended by the ids that only
    `split` has (of purchases returned in a later subset)."""
    from recsys_models import InteractionGraph, Interactions

    graph = InteractionGraph.from_files(files_of(inputs.arrow("interaction_graph")))
    split = inputs.frame("split", SPLIT_COLUMNS)
    user_ids = _with_all(graph.user_ids, split["user_id"])
    item_ids = _with_all(graph.item_ids, split["item_id"])
    # places in the id maps sort faster than text
    users, items = pl.Enum(user_ids.tolist()), pl.Enum(item_ids.tolist())
    placed = pl.col("user_id").cast(users), pl.col("item_id").cast(items)
    target = target_of(split)
    split = split.with_columns(placed).sort("user_id", "item_id", "behaviour")

    def part(name: str) -> Interactions:
        return Interactions.from_frame(
            split.filter(pl.col("subset") == name),
            behaviour="behaviour",
            weight="count",
            timestamp="last_time",
            user_ids=user_ids,
            item_ids=item_ids,
        )

    return SplitData(part("train"), part("valid"), part("test"), target)


def target_parameters(family: type[Recommender], data: SplitData) -> dict[str, Any]:
    """Parameters that set the target behaviour of a multi-behaviour family if its default differs."""
    if "behaviours" not in {field.name for field in fields(family)}:
        return {}
    from recsys_models.multi_behaviour import behaviour_order

    order = behaviour_order(data.train)
    if data.target not in order or order[-1] == data.target:
        return {}
    return {"behaviours": [*(name for name in order if name != data.target), data.target]}


def target_of(split: pl.DataFrame) -> str:
    """The target behaviour of the table `split`."""
    return split.filter("is_target")["behaviour"][0]


def _with_all(known: NDArray[Any], column: pl.Series) -> NDArray[Any]:
    """The ids of an id map, followed by those of a column that it lacks, in order."""
    ids = pl.Series(known.tolist(), dtype=pl.String)
    more = column.unique()
    more = more.filter(~more.is_in(ids.implode()))
    return known if more.is_empty() else pl.concat([ids, more]).sort().to_numpy()


def trained_on(inputs: Inputs, subsets: Sequence[str]) -> TrainingData:
    """Training data of a model, for its record: these subsets of the version of `split` that the run reads."""
    named = ", ".join(f"'{subset}'" for subset in subsets)
    predicate = f"subset IN ({named})"
    rows = inputs.query(f"SELECT count(*) AS n FROM split WHERE {predicate}")["n"][0]
    return TrainingData("split", inputs.version("split", columns=()).version, predicate, rows)


def stored_model(inputs: Inputs, table: str) -> Recommender:
    """The model of a candidate or the champion; hashes are checked, and nothing is unpickled."""
    from recsys_models import load_model

    return load_model(files_of(inputs.arrow(table)))


class EpochProgress:
    """Progress of a fit, reported to listeners after each epoch."""

    def __init__(self, asset: str, model: Recommender) -> None:
        epochs = getattr(model, "epochs", None)
        self._asset, self._epochs = asset, epochs if isinstance(epochs, int) else None

    def __call__(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        numbers = ", ".join(f"{k} {v:.4f}" for k, v in metrics.items() if isinstance(v, float))
        fraction = min(1.0, epoch / self._epochs) if self._epochs else None
        tell(Progress(self._asset, "step", f"epoch {epoch}: {numbers}", fraction=fraction))
