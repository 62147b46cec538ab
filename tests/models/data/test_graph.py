"""The heterograph and its files."""

import numpy as np
import polars as pl
import pytest

from recsys_models import InteractionGraph, Interactions, ModelFileError, interaction_graph
from recsys_models.data.item_relations import most_bought_of_group
from recsys_models.fitted import model_files


def graph() -> InteractionGraph:
    data = Interactions.from_arrays(
        ["u", "u", "v", "u"],
        ["a", "b", "b", "a"],
        behaviour=["buy", "view", "buy", "buy"],
        weight=[1, 2, 3, 4],
    )
    return interaction_graph(data, {"same_brand": (["a", "b", "zzz"], ["b", "a", "a"], [0.5, 0.5, 1.0])})


def test_edges_run_both_ways_by_behaviour_and_repeats_are_summed() -> None:
    hetero = graph().heterograph()
    assert hetero.canonical_etypes == [
        ("item", "buy_by", "user"),
        ("item", "same_brand", "item"),
        ("item", "view_by", "user"),
        ("user", "buy", "item"),
        ("user", "view", "item"),
    ]
    assert hetero.num_nodes("user") == 2 and hetero.num_nodes("item") == 2
    assert hetero.num_edges("buy") == 2 and hetero.num_edges("same_brand") == 2
    assert hetero.edges["buy"].data["weight"].tolist() == [5, 3]
    assert str(hetero.idtype) == "torch.int32"


def test_files_give_the_same_graph_and_refuse_another() -> None:
    files = graph().to_files()
    again = InteractionGraph.from_files(files)
    assert again.to_files() == files
    assert again.user_ids.tolist() == ["u", "v"]
    for kind, edges in graph().edges.items():
        np.testing.assert_array_equal(edges.weight, again.edges[kind].weight)
    with pytest.raises(ModelFileError, match="truncated"):
        InteractionGraph.from_files({**files, "graph.safetensors": files["graph.safetensors"][:-1]})


def test_bad_relations_are_refused() -> None:
    data = Interactions.from_arrays([1], [1])
    with pytest.raises(ValueError, match="equally many"):
        interaction_graph(data, {"near": ([1], [1, 1])})
    with pytest.raises(ValueError, match="'weight'"):
        interaction_graph(data, {"near": ([1], [1], [np.nan])})
    with pytest.raises(ValueError, match="without '/'"):
        interaction_graph(data, {"a/b": ([1], [1])})


def test_items_are_related_to_the_most_bought_of_their_group() -> None:
    groups = pl.DataFrame({"item_id": ["a", "b", "c", "d", "e"], "group": ["x", "x", "x", "y", None]})
    bought = pl.DataFrame({"item_id": ["a", "b"], "bought": [1, 5]})
    source, target, weight = most_bought_of_group(groups, bought, 2)
    edges = list(zip(source, target, weight.tolist(), strict=True))
    assert edges == [("a", "b", 1.0), ("b", "a", 0.5), ("c", "b", 1.0), ("c", "a", 0.5)]
    source, target, _ = most_bought_of_group(groups, bought.clear(), 1)
    assert list(zip(source, target, strict=True)) == [("b", "a"), ("c", "a")]


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("user_ids", np.zeros((2, 2), np.int64)),
        ("0.source", np.array([0, -1], np.int32)),
        ("0.target", np.array([0, 2], np.int32)),
        ("0.source", np.array([0.0, 1.0], np.float32)),
        ("0.weight", np.array([1.0], np.float32)),
        ("0.weight", np.array([1.0, np.nan], np.float32)),
        ("0.target", None),
    ],
)
def test_whole_files_with_what_is_no_graph_are_refused(part: str, wrong: np.ndarray | None) -> None:
    header, arrays = model_files.from_files("graph", graph().to_files())
    kept = {name: array for name, array in {**arrays, part: wrong}.items() if array is not None}
    files = model_files.to_files("graph", {"edge_types": header["edge_types"]}, kept)
    with pytest.raises(ModelFileError, match=r"graph\.json"):
        InteractionGraph.from_files(files)
