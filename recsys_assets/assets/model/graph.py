"""`interaction_graph`: users and items as nodes, behaviours and item relations as edges."""

from __future__ import annotations

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.blobs import COLUMNS, blob_table, files_from
from recsys_lineage.orchestration.frame_asset import frame_asset

_NAMES = ("user_id", "item_id", "behaviour")
_READS = {
    "interactions": (*_NAMES, "count"),
    "item_relations": ("relation", "item_id", "other_id", "weight"),
}


def interaction_graph(inputs: Inputs) -> Output:
    """The DGL heterograph: users and items as nodes, behaviours and item relations as edges, with stable id maps.

    Kept as safetensors and JSON, one row a file; `InteractionGraph.from_files(...).heterograph()` gives DGL's graph.
    """
    from recsys_models import Interactions
    from recsys_models import interaction_graph as build

    interactions, item_relations = (inputs.frame(table, columns) for table, columns in _READS.items())
    names = {column: interactions[column].unique().sort() for column in _NAMES}
    # places among the names sort faster than text
    placed = [pl.col(column).cast(pl.Enum(found)) for column, found in names.items()]
    edges = Interactions.from_frame(
        interactions.with_columns(placed).sort(_NAMES),
        behaviour="behaviour",
        weight="count",
        user_ids=names["user_id"].to_numpy(),
        item_ids=names["item_id"].to_numpy(),
    )
    relations = {
        str(name): (part["item_id"], part["other_id"], part["weight"].to_numpy())
        for (name,), part in item_relations.sort("relation", "item_id", "other_id").group_by(
            "relation", maintain_order=True
        )
    }
    inputs.shared_values("interactions", "behaviour", "user_id")
    graph = build(edges, relations)
    heterograph = graph.heterograph()
    counts = {f"edges {'/'.join(kind)}": heterograph.num_edges(kind) for kind in heterograph.canonical_etypes}
    return Output(
        blob_table(graph.to_files()),
        statistics={
            "users": heterograph.num_nodes("user"),
            "items": heterograph.num_nodes("item"),
            **counts,
        },
    )


def asset() -> dg.AssetsDefinition:
    """`interaction_graph`."""
    return frame_asset(
        interaction_graph,
        reads=tuple(_READS),
        columns=COLUMNS,
        columns_from=files_from(_READS),
        rows_from=_READS,
        look=look("graph", kinds={"dgl"}, personal="customers are nodes of the graph"),
    )
