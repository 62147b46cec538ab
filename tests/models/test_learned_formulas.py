"""What a learned family scores is what its docstring says of the arrays that it learned, computed anew in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys_models import (
    GNNR,
    Fusion,
    Interactions,
    LightGCN,
    MultiBehaviour,
    Ranker,
    SequenceEncoder,
    interaction_graph,
)
from recsys_models.data.feedback import edge_weights
from recsys_models.data.recency import DAY
from recsys_models.gnn_r.gnn_r_fit import GNNRFit
from recsys_models.gnn_r.pair_features import pair_features
from recsys_models.gnn_r.relation_graph import Scale

USERS, ITEMS, ROWS = 19, 13, 160
EVERYBODY = np.arange(USERS)
Dense = NDArray[np.float64]


def shop() -> Interactions:
    luck = np.random.default_rng(3)
    return Interactions.from_arrays(
        luck.integers(0, USERS, ROWS),
        np.minimum(luck.geometric(0.2, ROWS), ITEMS) - 1,
        timestamp=luck.integers(0, 100, ROWS) * DAY,
        behaviour=luck.choice(["view", "purchase"], ROWS),
        user_ids=np.arange(USERS),
        item_ids=np.arange(ITEMS),
    )


def square(edges: Dense) -> Dense:
    """The graph of users and items as a matrix, users first."""
    return np.block([[np.zeros((USERS, USERS)), edges], [edges.T, np.zeros((ITEMS, ITEMS))]])


def operator(edges: Dense, exponent: float) -> Dense:
    """D^-exponent A D^-exponent, divided by its largest eigenvalue."""
    whole = square(edges)
    degree = whole.sum(1)
    scale = np.where(degree > 0, np.where(degree > 0, degree, 1) ** -exponent, 0)
    scaled = scale[:, None] * whole * scale[None, :]
    return scaled / np.abs(np.linalg.eigvalsh(scaled)).max()


def smoothed(edges: Dense, start: Dense, *, layers: int = 3, exponent: float = 0.3) -> Dense:
    """The mean over layers of LightGCN's propagation."""
    step, layer, total = operator(edges, exponent), start, start.copy()
    for _ in range(layers):
        layer = step @ layer
        total = total + layer
    return total / (layers + 1)


def weights(data: Interactions) -> Dense:
    return edge_weights(data, 28.0).toarray().astype(np.float64)


def test_lightgcn() -> None:
    """The vectors are the smoothed start, an item's times degree^gain over the mean of these."""
    data = shop()
    model = LightGCN(dim=5, epochs=2, item_gain=0.2, batch=32).fit(data)
    found = smoothed(weights(data), model._start.astype(np.float64))
    gain = np.maximum(weights(data).sum(0), 1e-6) ** 0.2
    expected = found[:USERS] @ (found[USERS:] * (gain / gain.mean())[:, None]).T
    np.testing.assert_allclose(model.score_block(EVERYBODY), expected, rtol=1e-3, atol=1e-4)


def test_multi_behaviour() -> None:
    """Each block smooths what the block before gives, through the map that stands between them."""
    data = shop()
    model = MultiBehaviour(dim=5, epochs=2, batch=32).fit(data)
    views, bought = (weights(data.with_behaviour(name)) for name in ("view", "purchase"))
    found = smoothed(views, model._start.astype(np.float64)) @ model._maps[0].astype(np.float64)
    found = smoothed(bought, found)
    np.testing.assert_allclose(
        model.score_block(EVERYBODY), found[:USERS] @ found[USERS:].T, rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("parts", ["both", "gcn", "gat"])
def test_gnn_r(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer is PReLU(Σ weight · h + b); the result is the sum of the layers by their shares."""
    starts: list[NDArray[np.float32]] = []
    true_init = GNNRFit.__init__

    def noted(self: Any, settings: Any, now: Any, *more: Any) -> None:
        starts.append(now[2])
        true_init(self, settings, now, *more)

    monkeypatch.setattr(GNNRFit, "__init__", noted)
    data = shop()
    rows = np.arange(ITEMS)
    relations = interaction_graph(data, {"next": (rows, np.roll(rows, 1), np.arange(ITEMS) + 1.0)})
    model = (
        GNNR(dim=4, layers=2, epochs=3, learning_rate=0.05, parts=parts).with_relations(relations).fit(data)
    )
    learned = {name: array.astype(np.float64) for name, array in model._learned.items()}
    start = starts[0].astype(np.float64)
    pairs, table, _ = pair_features(data, starts[0])
    there = square((data.user_items().toarray() > 0).astype(np.float64))
    near = operator(weights(data), 0.3) * there
    user, item = pairs.row, pairs.col + USERS
    if parts != "gcn":
        logits = Scale.of(table).apply(table) @ learned["attention"] + learned["level"]
        logits = 3 * np.tanh(logits / 3)
        factor = np.zeros_like(near)
        factor[user, item], factor[item, user] = np.exp(logits).T
        near = near * factor if parts == "both" else factor / factor.sum(1, keepdims=True).clip(1e-300)
        edges = relations.edges["item", "next", "item"]
        unit = start[USERS:] / np.linalg.norm(start[USERS:], axis=1, keepdims=True)
        degree = np.log1p((data.user_items().toarray() > 0).sum(0))
        inputs = np.stack(
            [
                np.log1p(edges.weight),
                degree[edges.source],
                (unit[edges.source] * unit[edges.target]).sum(1),
            ],
            1,
        )
        # each item is told by one other: the softmax over its only edge is 1
        assert inputs.shape == (ITEMS, 3) and np.unique(edges.target).size == ITEMS
        near[USERS + edges.target, USERS + edges.source] += learned["gate"][0]
    layer, shares = start, np.exp(learned["mix"]) / 3
    side = np.repeat([0, 1], [USERS, ITEMS])
    total = shares[side, 0][:, None] * layer
    for number in range(2):
        layer = near @ layer + learned["bias"][number][side]
        layer = np.where(layer > 0, layer, learned["slope"][number][side][:, None] * layer)
        total = total + shares[side, number + 1][:, None] * layer
    expected = total[:USERS] @ total[USERS:].T
    np.testing.assert_allclose(model.score_block(EVERYBODY), expected, rtol=2e-3, atol=1e-3)


def sigmoid(values: Dense) -> Dense:
    return 1 / (1 + np.exp(-values))


def normed(vectors: Dense, learned: dict[str, Dense], name: str) -> Dense:
    """Each vector minus its mean, divided by its deviation, times a weight and plus a bias."""
    centred = vectors - vectors.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * learned[f"{name}.weight"] + learned[f"{name}.bias"]


def recurrent(read: Dense, learned: dict[str, Dense]) -> Dense:
    """The last output of a GRU."""
    hidden = np.zeros(4)
    for vector in read:
        of_input = learned["encoder.weight_ih_l0"] @ vector + learned["encoder.bias_ih_l0"]
        of_hidden = learned["encoder.weight_hh_l0"] @ hidden + learned["encoder.bias_hh_l0"]
        reset = sigmoid(of_input[:4] + of_hidden[:4])
        update = sigmoid(of_input[4:8] + of_hidden[4:8])
        new = np.tanh(of_input[8:] + reset * of_hidden[8:])
        hidden = (1 - update) * new + update * hidden
    return hidden


def attending(read: Dense, learned: dict[str, Dense]) -> Dense:
    """The last output of a transformer layer, normed before each of its steps, in which no entry sees later ones."""
    own = {name.removeprefix("encoder.layers.0."): array for name, array in learned.items()}
    state = read + learned["places.weight"][: len(read)]
    asked, known, told = np.split(
        normed(state, own, "norm1") @ own["self_attn.in_proj_weight"].T + own["self_attn.in_proj_bias"],
        3,
        axis=1,
    )
    heads = []
    for head in (slice(0, 2), slice(2, 4)):
        likeness = asked[:, head] @ known[:, head].T / np.sqrt(2)
        likeness[np.triu_indices(len(read), 1)] = -np.inf
        share = np.exp(likeness - likeness.max(1, keepdims=True))
        heads.append(share / share.sum(1, keepdims=True) @ told[:, head])
    state = state + np.hstack(heads) @ own["self_attn.out_proj.weight"].T + own["self_attn.out_proj.bias"]
    inner = normed(state, own, "norm2") @ own["linear1.weight"].T + own["linear1.bias"]
    state = state + np.maximum(inner, 0) @ own["linear2.weight"].T + own["linear2.bias"]
    return normed(state, learned, "encoder.norm")[-1]


@pytest.mark.parametrize(("encoder", "output"), [("gru", recurrent), ("attention", attending)])
def test_sequence(encoder: Any, output: Callable[[Dense, dict[str, Dense]], Dense]) -> None:
    """A state is the decayed sum of the items' vectors over (the sum of its weights)^0.3, plus the encoder's output."""
    data = shop()
    settings = {"dim": 4, "epochs": 2, "length": 6, "popularity": 0.7, "encoder_rate": 0.01}
    model = SequenceEncoder(encoder=encoder, **settings).fit(data)
    learned = {name: array.astype(np.float64) for name, array in model._learned.items()}
    taken, offered = learned["taken.weight"], learned["offered.weight"]
    assert data.timestamp is not None
    expected = np.zeros((USERS, ITEMS))
    for user in range(USERS):
        own = np.flatnonzero(data.user == user)
        own = own[np.argsort(data.timestamp[own], kind="stable")][-6:]
        day = data.timestamp[own] / DAY
        worth = 2.0 ** ((day - day[-1]) / 28)
        vectors = taken[data.item[own]]
        state = worth @ vectors / worth.sum() ** 0.3
        hidden = output(normed(vectors, learned, "norm"), learned)
        expected[user] = (state + learned["out.weight"] @ hidden + learned["out.bias"]) @ offered.T
    assert np.abs(learned["out.weight"]).max() > 1e-3, "the encoder says something"
    expected += 0.7 * np.log((model.popular + 1) / (model.popular.sum() + 1))
    np.testing.assert_allclose(model.score_block(EVERYBODY), expected, rtol=1e-3, atol=1e-4)


def test_ranker() -> None:
    """Candidates are the best of S / ‖S‖ + 2 K / ‖K‖, by the sum of forests and networks, each standardised; the others
    follow in the generator's order."""
    data = shop()
    model = Ranker(trees=4, networks=1, network_epochs=2, candidates=5).fit(data)
    generator = model.generator
    seen = data.user_items().toarray() > 0
    rank = min(generator.scoring_rank, generator.values.size)
    values, degree = generator.values[:rank].astype(np.float64), np.maximum(seen.sum(0), 1.0)
    filtered = values * values**2 / (values**2 + 4)
    spectral = (generator.left[:, :rank] * filtered) @ (generator.right[:, :rank] * degree[:, None] ** 0.2).T
    near = generator.user_similarity.toarray().astype(np.float64) ** 2 @ (seen / degree**0.3)

    def unit(scores: Dense) -> Dense:
        return scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)

    combined = unit(spectral) + 2 * unit(near)
    found = model.score_block(EVERYBODY)
    items, described = generator.features(EVERYBODY, 5)
    new = ~np.take_along_axis(seen, items, 1)
    best = np.argsort(-np.where(seen, -np.inf, combined), kind="stable")[:, :5]
    assert ((items == best) | ~new).all() and (new.sum(1) == np.minimum(5, (~seen).sum(1))).all()

    def standard(scores: Dense) -> Dense:
        spread = scores.std(1, keepdims=True)
        return (scores - scores.mean(1, keepdims=True)) / np.where(spread > 1e-9, spread, np.inf)

    forests = model._forest_scores(described.reshape(-1, described.shape[2])).reshape(USERS, 5)
    networks = np.asarray(model._networks[0].scores(described), np.float64)
    expected = combined - 100
    order = standard(forests) + 3 * standard(networks) + 1e-4 * np.take_along_axis(combined, items, 1)
    np.put_along_axis(expected, items, np.where(new, order, np.take_along_axis(expected, items, 1)), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_fusion() -> None:
    """Each user's scores of each member at mean 0 and deviation 1, times the member's weight."""
    data = shop()
    model = Fusion(members=("item_neighbours", "spectral", "ease"), settings={"spectral": {"rank": 4}}).fit(
        data
    )
    expected = np.zeros((USERS, ITEMS))
    for name, member in zip(model.members, model._models, strict=True):
        scores = member.score_block(EVERYBODY).astype(np.float64)
        scores = (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
        expected += model.weights[name] * scores
    np.testing.assert_allclose(model.score_block(EVERYBODY), expected, rtol=1e-3, atol=1e-4)
