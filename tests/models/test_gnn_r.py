"""The fused model: LightGCN at epoch 0, attention from there, and its parts alone."""

from typing import Any

import numpy as np
import pytest

from recsys_models import GNNR, History, Interactions, LightGCN, Recommender, interaction_graph, load_model
from recsys_models.gnn_r.gnn_r import past_and_next, turned
from recsys_models.gnn_r.pair_features import pair_features
from tests.models.checkerboard import SIZE, checkerboard
from tests.models.contract import RecommenderContract

DAY = 86_400_000_000


class TestGNNR(RecommenderContract):
    old_folds_within = 5e-3  # such a file does not say how the edges were weighted

    def make(self, **params: Any) -> Recommender:
        return GNNR(**{"dim": 8, **params})


class TestConvolutionAlone(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return GNNR(**{"dim": 8, "parts": "gcn", **params})


class TestAttentionAlone(RecommenderContract):
    def make(self, **params: Any) -> Recommender:
        return GNNR(**{"dim": 8, "parts": "gat", **params})


def shop(seed: int = 0, days: int = 100, n: int = 1500) -> Interactions:
    """A shop in which everybody turns from the first half of the items to the second as time goes on."""
    generator = np.random.default_rng(seed)
    day = generator.uniform(0, days, n)
    late = generator.random(n) < day / days
    item = generator.integers(0, 20, n) + 20 * late
    behaviour = np.where(generator.random(n) < 0.5, "view", "buy")
    user = generator.integers(0, 40, n)
    return Interactions.from_arrays(user, item, timestamp=(day * DAY).astype(np.int64), behaviour=behaviour)


def related(data: Interactions) -> Any:
    items = data.item_ids
    return interaction_graph(data, {"next": (items, np.roll(items, 1), np.ones(items.size))})


def test_epoch_0_is_lightgcn() -> None:
    data = shop()
    ours = GNNR(dim=8, epochs=0).with_relations(related(data)).fit(data)
    theirs = LightGCN(dim=8, epochs=0).fit(data)
    everybody = np.arange(data.n_users)
    np.testing.assert_allclose(
        ours.score_block(everybody), theirs.score_block(everybody), rtol=1e-4, atol=1e-5
    )


def test_attention_learns_from_what_came_next() -> None:
    data = shop()
    losses = [row["loss"] for row in GNNR(dim=8, epochs=8).fit(data).history]
    assert losses[-1] < losses[0]

    def share(model: Recommender) -> float:
        return float((model.recommend(data.user_ids, 5)[0] >= 20).mean())

    assert share(GNNR(dim=8, epochs=8).fit(data)) > share(GNNR(dim=8, epochs=0).fit(data))


def test_relations_change_what_is_learned_and_are_carried_along() -> None:
    data = shop()
    graph = related(data)
    plain = GNNR(dim=8).fit(data)
    told = GNNR(dim=8).with_relations(graph).fit(data)
    assert np.abs(told._learned["gate"]).max() > 0
    assert plain._learned["gate"].size == 0
    assert told.chosen_model().relations is graph and told.refit(data).relations is graph


@pytest.mark.parametrize("parts", ["gcn", "gat"])
def test_a_part_alone_has_only_its_own_parameters(parts: Any) -> None:
    data = shop()
    model = GNNR(dim=8, parts=parts).with_relations(related(data)).fit(data)
    assert ("attention" in model._learned) == (parts == "gat")


def test_a_refit_starts_from_what_attention_learned() -> None:
    data = shop()
    model = GNNR(dim=8).fit(data)
    still = GNNR(dim=8, epochs=0)
    still._remember(data)
    still._learned = model._learned
    again = still.refit(data)
    np.testing.assert_array_equal(again._learned["attention"], model._learned["attention"])
    np.testing.assert_allclose(
        again.score_block(np.arange(5)), model.score_block(np.arange(5)), rtol=1e-5, atol=1e-6
    )


def test_what_a_refit_cannot_take_over_is_an_incident() -> None:
    data = shop()
    with_relations = GNNR(dim=8, epochs=1).with_relations(related(data)).fit(data)
    again = with_relations.with_relations(None).refit(data)
    assert any("gate: expected shape (0,), found (1,)" in told for told in again.incidents)
    assert with_relations.with_relations(related(data)).refit(data).incidents == []


def test_relations_are_part_of_what_a_checkpoint_belongs_to(tmp_path: Any) -> None:
    data = checkerboard()

    def identity(model: Recommender) -> str:
        return model._run((data, None), 0, "cpu", None, tmp_path).identity

    assert identity(GNNR().with_relations(related(data))) != identity(GNNR())
    assert identity(GNNR().with_relations(related(data))) == identity(GNNR().with_relations(related(data)))


def test_the_past_ends_before_the_horizon() -> None:
    data = shop()
    assert data.timestamp is not None
    known, held = past_and_next(data, 28.0, 0)
    assert known.timestamp is not None and held.timestamp is not None
    assert known.timestamp.max() < held.timestamp.min()
    assert np.ptp(held.timestamp) <= 28 * DAY
    assert len(known) + len(held) == len(data)
    few, _ = past_and_next(data, 90.0, 0)
    assert 0.7 < len(few) / len(data) < 0.9


def test_turning_changes_no_inner_product_and_undoes_a_rotation() -> None:
    vectors = np.random.default_rng(0).standard_normal((SIZE, 4), np.float32)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0].astype(np.float32)
    np.testing.assert_allclose(turned(vectors @ rotation, vectors), vectors, atol=1e-5)


def test_pair_features_of_a_known_pair() -> None:
    data = Interactions.from_arrays(
        ["ann", "ann", "bob"],
        ["tea", "tea", "rye"],
        behaviour=["view", "buy", "buy"],
        timestamp=np.array([20_000, 20_014, 20_014]) * DAY,
    )
    pairs, table, names = pair_features(data, np.eye(4, dtype=np.float32))
    row = dict(zip(names, table[int(np.flatnonzero(pairs.row == 0)[0])].tolist(), strict=True))
    assert row["count view"] == row["count buy"] == pytest.approx(np.log(2))
    assert row["latest 14 days"] == 1.0 and row["first 28 days"] == pytest.approx(2**-0.5)
    assert row["degree of user, all"] == pytest.approx(np.log(2)) and row["cosine"] == 0.0


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="parts"):
        GNNR(parts="rnn")  # pyright: ignore[reportArgumentType]


def test_a_model_file_whose_map_takes_two_sums_still_folds_in() -> None:
    data = shop()
    model = GNNR(dim=8, epochs=1).fit(data)
    (edges,) = model._fold_edges(data)
    model._fold_map = model._fold_map_of([edges, data.user_items()])
    again = load_model(model.to_files())
    history = History(np.unique(data.item[data.user == 0]))
    assert np.isfinite(again.fold_in([history])).all()
    assert np.array_equal(again.fold_in([history]), model.fold_in([history]))
