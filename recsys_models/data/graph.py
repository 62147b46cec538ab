"""The interactions as a DGL heterograph: users and items as nodes, behaviours and item relations as edges."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from recsys_models.data.ids import Ids, id_column, rows_of
from recsys_models.data.interactions import Interactions
from recsys_models.fitted import model_files
from recsys_models.fitted.state_arrays import must_be, of_file

if TYPE_CHECKING:
    from collections.abc import Sequence

EdgeType = tuple[str, str, str]


@dataclass(frozen=True)
class Edges:
    """Edges of one type: int32 row numbers `source` and `target`, float32 `weight`, all of shape (n,)."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class InteractionGraph:
    """Users and items as nodes, interactions and item relations as edges.

    Node r of the types `user` and `item` is `user_ids[r]` and `item_ids[r]`. A behaviour `purchase` gives the edge
    types (user, purchase, item) and (item, purchase_by, user); an item relation gives (item, <relation>, item).
    """

    user_ids: Ids
    item_ids: Ids
    edges: dict[EdgeType, Edges]

    @property
    def n_edges(self) -> int:
        """Number of edges of all types."""
        return sum(edges.source.size for edges in self.edges.values())

    def heterograph(self) -> Any:
        """The `dgl.DGLGraph` on the CPU with int32 ids and the edge feature `weight`."""
        from recsys_models.kernels.heterograph import heterograph

        return heterograph(self)

    def digest(self) -> bytes:
        """Hash of the whole content."""
        return hashlib.sha256(self.to_files()["graph.json"]).digest()

    def to_files(self) -> dict[str, bytes]:
        """The graph as `graph.json` and safetensors, as of `model_files.to_files`."""
        header = {"edge_types": ["/".join(kind) for kind in self.edges]}
        arrays: dict[str, NDArray[Any]] = {"user_ids": self.user_ids, "item_ids": self.item_ids}
        for number, edges in enumerate(self.edges.values()):
            arrays[f"{number}.source"] = edges.source
            arrays[f"{number}.target"] = edges.target
            arrays[f"{number}.weight"] = edges.weight
        return model_files.to_files("graph", header, arrays)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> InteractionGraph:
        """The graph that `to_files` wrote.

        Raises:
            ModelFileError: a file is missing, truncated or altered, or holds no graph.
        """
        header, arrays = model_files.from_files("graph", files)
        edges: dict[EdgeType, Edges] = {}
        with of_file("graph", "graph"):
            ids = {"user": arrays["user_ids"], "item": arrays["item_ids"]}
            for name, of_nodes in ids.items():
                must_be(of_nodes, f"{name}_ids", shape=(None,), kind="iU")
            for number, kind in enumerate(header["edge_types"]):
                source, relation, target = kind.split("/")
                ends = [arrays[f"{number}.{part}"] for part in ("source", "target")]
                for rows, node in zip(ends, (source, target), strict=True):
                    must_be(rows, f"{kind} edges", shape=(ends[0].size,), kind="i")
                    if rows.size and not 0 <= rows.min() <= rows.max() < ids[node].size:
                        raise ValueError(
                            f"{kind} edges: expected rows of {ids[node].size} {node}s, found others"
                        )
                weight = arrays[f"{number}.weight"]
                must_be(weight, f"{kind} weights", shape=(ends[0].size,), kind="f")
                edges[(source, relation, target)] = Edges(ends[0], ends[1], weight)
        return cls(arrays["user_ids"], arrays["item_ids"], edges)


def interaction_graph(
    interactions: Interactions, relations: Mapping[str, Sequence[ArrayLike | pl.Series]] | None = None
) -> InteractionGraph:
    """The graph of the interactions; those of one user, item and behaviour become one edge with the summed weight.

    Args:
        interactions: without behaviours the edge type is `interacts`.
        relations: relation name → (source item ids, target item ids) or (…, weights). Edges are directed: give both
            directions where a relation is mutual. Items unknown to the interactions are left out.

    Raises:
        ValueError: a name holds "/", or the arrays of a relation differ in length.
    """
    edges: dict[EdgeType, Edges] = {}
    for name in interactions.behaviour_names or ("interacts",):
        _plain(name)
        part = interactions.with_behaviour(name) if interactions.behaviour_names else interactions
        matrix = part.matrix().tocoo()
        weight = np.asarray(matrix.data, np.float32)
        user, item = matrix.row.astype(np.int32), matrix.col.astype(np.int32)
        edges["user", name, "item"] = Edges(user, item, weight)
        edges["item", f"{name}_by", "user"] = Edges(item, user, weight)
    for name, columns in (relations or {}).items():
        _plain(name)
        source, target = (
            rows_of(id_column(ids, side), interactions.item_ids, side)
            for ids, side in zip(columns[:2], (f"{name} source", f"{name} target"), strict=True)
        )
        weight = np.asarray(columns[2], np.float32) if len(columns) > 2 else np.ones(source.size, np.float32)
        if not source.size == target.size == weight.size:
            raise ValueError(
                f"relation {name!r}: expected equally many sources, targets and weights, "
                f"found {source.size}, {target.size} and {weight.size}"
            )
        if not np.isfinite(weight).all():
            raise ValueError(
                f"relation {name!r}: column 'weight': expected finite numbers; drop or fill the others"
            )
        known = (source >= 0) & (target >= 0)
        edges["item", name, "item"] = Edges(source[known], target[known], weight[known])
    return InteractionGraph(interactions.user_ids, interactions.item_ids, edges)


def _plain(name: str) -> None:
    if "/" in name:
        raise ValueError(f"edge type: expected a name without '/', found {name!r}")
