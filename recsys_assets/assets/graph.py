"""`interaction_graph`: users and items as nodes, behaviours and item relations as edges."""

from __future__ import annotations

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.lake.blobs import blob_table
from recsys_lineage.orchestration.frame_asset import frame_asset


def interaction_graph(interactions: pl.DataFrame, item_relations: pl.DataFrame) -> Output:
    """The DGL heterograph: users and items as nodes, behaviours and item relations as edges, with stable id maps.

    Kept as safetensors and JSON, one row a file; `InteractionGraph.from_files(...).heterograph()` gives DGL's graph.
    """
    from recsys_models import Interactions
    from recsys_models import interaction_graph as build

    ordered = interactions.sort("user_id", "item_id", "behaviour")
    ids = {"user_ids": ordered["user_id"].unique().sort(), "item_ids": ordered["item_id"].unique().sort()}
    edges = Interactions.from_frame(
        ordered,
        behaviour="behaviour",
        weight="count",
        user_ids=ids["user_ids"].to_numpy(),
        item_ids=ids["item_ids"].to_numpy(),
    )
    relations = {
        str(name): (part["item_id"], part["other_id"], part["weight"].to_numpy())
        for (name,), part in item_relations.sort("relation", "item_id", "other_id").group_by(
            "relation", maintain_order=True
        )
    }
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
    return frame_asset(interaction_graph, look=look("graph", kinds={"dgl"}))
