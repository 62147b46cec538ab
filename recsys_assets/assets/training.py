"""What every asset of the model group starts from: the split as Interactions, and models as tables of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from recsys_lineage.assets.inputs import Inputs
from recsys_lineage.lake.blobs import files_of
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import TrainingData

if TYPE_CHECKING:
    from recsys_models import Interactions, Recommender

KINDS = {"new items": True, "with repeat purchases": False}
"""Kind of evaluation → whether items that the user had before are left out."""


@dataclass(frozen=True)
class SplitData:
    """Train, validation and test interactions on the same id maps."""

    train: Interactions
    valid: Interactions
    test: Interactions

    @property
    def before_test(self) -> Interactions:
        """Train and validation together."""
        return self.train.merged(self.valid)

    @property
    def everything(self) -> Interactions:
        """All interactions, for the model that serves."""
        return self.before_test.merged(self.test)


def split_data(inputs: Inputs) -> SplitData:
    """The tables `split` and `interaction_graph` as Interactions; the graph gives the id maps."""
    from recsys_models import InteractionGraph, Interactions

    graph = InteractionGraph.from_files(files_of(inputs.arrow("interaction_graph")))
    columns = ["user_id", "item_id", "behaviour", "subset", "count", "last_time"]
    # places in the id maps sort faster than text
    users, items = pl.Enum(graph.user_ids.tolist()), pl.Enum(graph.item_ids.tolist())
    placed = pl.col("user_id").cast(users), pl.col("item_id").cast(items)
    split = inputs.frame("split", columns).with_columns(placed).sort("user_id", "item_id", "behaviour")

    def part(name: str) -> Interactions:
        return Interactions.from_frame(
            split.filter(pl.col("subset") == name),
            behaviour="behaviour",
            weight="count",
            timestamp="last_time",
            user_ids=graph.user_ids,
            item_ids=graph.item_ids,
        )

    return SplitData(part("train"), part("valid"), part("test"))


def trained_on(inputs: Inputs, subsets: Sequence[str]) -> TrainingData:
    """What a model was fitted on, for its record: these subsets of the version of `split` that the run reads."""
    named = ", ".join(f"'{subset}'" for subset in subsets)
    predicate = f"subset IN ({named})"
    rows = inputs.query(f"SELECT count(*) AS n FROM split WHERE {predicate}")["n"][0]
    return TrainingData("split", inputs.version("split", columns=()).version, predicate, rows)


def stored_model(inputs: Inputs, table: str) -> Recommender:
    """The model that a candidate or the champion holds; nothing is unpickled, hashes are checked."""
    from recsys_models import load_model

    return load_model(files_of(inputs.arrow(table)))


class EpochProgress:
    """Tells listeners, after each epoch, how a fit goes."""

    def __init__(self, asset: str, model: Recommender) -> None:
        epochs = getattr(model, "epochs", None)
        self._asset, self._epochs = asset, epochs if isinstance(epochs, int) else None

    def __call__(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        numbers = ", ".join(f"{k} {v:.4f}" for k, v in metrics.items() if isinstance(v, float))
        fraction = min(1.0, epoch / self._epochs) if self._epochs else None
        tell(Progress(self._asset, "step", f"epoch {epoch}: {numbers}", fraction=fraction))
