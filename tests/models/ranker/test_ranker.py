"""The ranker's own promises beyond the contract."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_models import Interactions, Ranker, evaluate, load_model
from recsys_models.data.recency import DAY
from recsys_models.kernels.affinity import item_affinity
from recsys_models.kernels.sparse import csr
from recsys_models.ranker.candidate_generator import CandidateGenerator
from recsys_models.ranker.labelled_lists import LabelledLists
from recsys_models.training.holdout import hold_out
from recsys_models.training.validation import hits_at_k, unseen


def communities(seed: int = 0) -> tuple[Interactions, Interactions, Interactions]:
    """300 users of six tastes; train, validation, test."""
    generator = np.random.default_rng(seed)
    taste = generator.integers(0, 6, 300)
    liked = (np.arange(120)[None, :] % 6 == taste[:, None]) * 0.5 + 0.03
    user, item = np.nonzero(generator.random((300, 120)) < liked)
    everything = Interactions.from_arrays(user, item, item_ids=np.arange(120))
    known, test = hold_out(everything, share=0.2, seed=1)
    train, valid = hold_out(known, share=0.2, seed=2)
    return train, valid, test


def test_features_are_named_and_finite() -> None:
    train, valid, _ = communities()
    generator = Ranker(trees=5, networks=0).fit(train, validation=valid).generator
    items, features = generator.features(np.arange(10), 30)
    assert features.shape == (10, 30, len(generator.feature_names())) and np.isfinite(features).all()
    assert len(set(generator.feature_names())) == len(generator.feature_names())
    spectral, neighbours = generator.scores(np.arange(10))
    names = generator.feature_names()
    picked = features[:, :, names.index(f"spectral_filtered_gain_{generator.values.size}")]
    np.testing.assert_allclose(picked, np.take_along_axis(spectral, items, 1), rtol=1e-4)
    picked = features[:, :, names.index("neighbours")]
    np.testing.assert_allclose(picked, np.take_along_axis(neighbours, items, 1), rtol=1e-4)


def test_candidates_are_scored_for_a_user_without_neighbours_too() -> None:
    train, valid, _ = communities()
    alone = train.subset(train.user != 299)
    generator = Ranker(trees=5, networks=0).fit(alone, validation=valid).generator
    rows = np.array([4, 299])
    spectral, neighbours = generator.scores(rows)
    lengths = [
        np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in (spectral, neighbours)
    ]
    assert neighbours[1].max() == 0 < neighbours[0].max()
    expected = spectral / lengths[0] + 2 * neighbours / lengths[1]
    np.testing.assert_allclose(generator.combined(rows), expected, atol=1e-5)


def test_affinity_features_are_those_of_the_users_items() -> None:
    train, valid, _ = communities()
    generator = Ranker(trees=5).fit(train, validation=valid).generator
    items, features = generator.features(np.array([4]), 20)
    own = generator.seen[[4]].indices
    degree = np.asarray(generator.seen.sum(axis=0)).ravel()
    affine = generator.item_affinity.toarray()[own][:, items[0]]
    names = generator.feature_names()
    np.testing.assert_allclose(features[0, :, names.index("affinity")], affine.sum(0), rtol=1e-4)
    rare = affine * degree[own, None] ** -0.3
    np.testing.assert_allclose(features[0, :, names.index("affinity_rare")], rare.sum(0), rtol=1e-4)
    even = np.sort(affine * degree[own, None] ** -0.2 * degree[items[0]] ** -0.2, axis=0)
    np.testing.assert_allclose(features[0, :, names.index("affinity_1")], even[-1], rtol=1e-4)
    np.testing.assert_allclose(features[0, :, names.index("affinity_3")], even[-3], rtol=1e-4)


def test_neighbour_features_are_those_of_the_users_who_have_the_item() -> None:
    train, valid, _ = communities()
    generator = Ranker(trees=5, user_neighbours=30).fit(train, validation=valid).generator
    items, features = generator.features(np.array([4]), 20)
    likeness = generator.user_similarity.toarray()[4][:, None] * generator.seen.toarray()[:, items[0]]
    names = generator.feature_names()
    np.testing.assert_allclose(
        features[0, :, names.index("neighbours_cube")], (likeness**3).sum(0), rtol=1e-4
    )
    np.testing.assert_array_equal(features[0, :, names.index("neighbours_count")], (likeness > 0).sum(0))
    np.testing.assert_allclose(features[0, :, names.index("neighbours_1")], likeness.max(0), rtol=1e-5)


def test_few_affinities_are_kept_and_they_are_the_largest() -> None:
    train, _, _ = communities()
    seen = train.user_items()
    everything, few = item_affinity(seen, 10_000), item_affinity(seen, 20)
    by_user, by_item = (np.asarray(seen.sum(axis=axis)).ravel() for axis in (1, 0))
    half = seen.toarray() / by_user[:, None] ** 0.25 / by_item[None, :] ** 0.3
    expected = half.T @ half
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(everything.toarray(), expected, rtol=1e-4)
    assert few.nnz == pytest.approx(20 * train.n_items, rel=0.1)
    dropped = csr(everything - few).data
    assert dropped[dropped > 1e-6].max() <= few.data.min() + 1e-6


def test_retrained_keeps_the_trees_and_ranks_at_least_as_well_as_chance_allows() -> None:
    train, valid, test = communities()
    model = Ranker(trees=40).fit(train, validation=valid)
    both = train.merged(valid)
    final = model.retrained(both)
    assert final._trees == model._trees and final.seen.nnz > model.seen.nnz
    assert evaluate(final, both, test)["recall"] > 3 * 20 / 120 * 0.8


def test_a_score_is_explained_by_its_features() -> None:
    train, valid, _ = communities()
    model = Ranker(trees=20).fit(train, validation=valid)
    ids, scores = model.recommend([5], 1)
    reasons = model.explain(5, int(ids[0, 0]))
    assert set(reasons) == set(model.generator.feature_names())
    effects = [abs(effect) for _, effect in reasons.values()]
    assert effects == sorted(effects, reverse=True) and effects[0] > 0
    assert np.isfinite(scores).all()
    seen = int(train.item_ids[train.item[train.user == 5][0]])
    with pytest.raises(ValueError, match="candidate"):
        model.explain(5, seen)
    with pytest.raises(ValueError, match="known user"):
        model.explain(777, 0)


def test_likeness_features_are_cosines_with_the_users_items_and_its_first_candidates() -> None:
    train, valid, _ = communities()
    generator = Ranker(trees=5).fit(train, validation=valid).generator
    counts = np.diff(generator.seen.indptr)
    users = [int(counts.argmin()), int(counts.argmax()), 4]
    assert counts[users[0]] < counts[users[1]], "users side by side who have more and fewer items"
    items, features = generator.features(np.array(users), 30)
    names = generator.feature_names()
    square = generator.values.astype(float) ** 2
    weighted = generator.right * np.sqrt(generator.values * square / (square + 4))
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    rank = generator.values.size
    assert generator.likeness[-1][0] == rank, "a small shop has fewer singular vectors than the ranks"
    for row, user in enumerate(users):
        own = np.sort(unit[items[row]] @ unit[generator.seen[[user]].indices].T, axis=1)
        for place in (1, 2, 3):
            told = features[row, :, names.index(f"likeness_{place}_{rank}")]
            np.testing.assert_allclose(told, own[:, -place], atol=1e-5)
        told = features[row, :, names.index(f"likeness_square_{rank}")]
        np.testing.assert_allclose(told, (own.clip(0) ** 2).sum(1), rtol=1e-4)
        other = unit[items[row]] @ unit[items[row, :20]].T
        np.fill_diagonal(other, 0)
        told = features[row, :, names.index(f"agreement_{rank}")]
        np.testing.assert_allclose(told, other.mean(1), atol=1e-5)
        told = features[row, :, names.index(f"agreement_1_{rank}")]
        np.testing.assert_allclose(told, other.max(1), atol=1e-5)


def test_a_user_of_few_items_has_no_more_likenesses() -> None:
    train, valid, _ = communities()
    kept = train.user != 4
    kept[np.flatnonzero(train.user == 4)[:2]] = True
    few = train.subset(kept)
    generator = Ranker(trees=5).fit(few, validation=valid).generator
    names, (_, features) = generator.feature_names(), generator.features(np.array([4]), 20)
    rank = generator.values.size
    assert (features[0, :, names.index(f"likeness_3_{rank}")] == 0).all()
    assert (features[0, :, names.index(f"likeness_2_{rank}")] != 0).any()


def test_networks_order_candidates_beside_the_forests(tmp_path: Path) -> None:
    train, valid, test = communities()
    forests = Ranker(trees=20, networks=0).fit(train, validation=valid, seed=3)
    model = Ranker(trees=20, networks=2, network_epochs=8).fit(train, validation=valid, seed=3)
    assert (
        model._trees == forests._trees
        and len(model._networks) == 2
        and [row["epoch"] for row in model.history] == list(range(1, 17))
    )
    assert not np.array_equal(model.scores(np.arange(5)), forests.scores(np.arange(5)))
    _, features = model.generator.features(np.arange(5), 20)
    first, second = (network.scores(features) for network in model._networks)
    assert not np.array_equal(first, second)
    trees = model._forest_scores(features.reshape(100, -1)).reshape(5, 20)
    trees, networks = (
        (part - part.mean(1)[:, None]) / part.std(1)[:, None] for part in (trees, (first + second) / 2)
    )
    expected = trees + 3 * networks
    np.testing.assert_allclose(model._order(features), expected, atol=1e-4)
    model.save(tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.scores(np.arange(5)), model.scores(np.arange(5)))
    final = again.retrained(train.merged(valid))
    assert isinstance(final, Ranker) and len(final._networks) == 2
    assert evaluate(final, train.merged(valid), test)["recall"] > 3 * 20 / 120 * 0.8
    known = Ranker(trees=20, networks=1).fit(train, seed=3)
    assert len(known._networks) == 1, "without validation, on a part held out"


def test_an_explanation_tells_of_forests_and_networks_as_they_are_added_up() -> None:
    train, valid, _ = communities()
    model = Ranker(trees=20, networks=2, network_epochs=2).fit(train, validation=valid, seed=3)
    items, features = model.generator.features(np.array([5]), model.candidates)
    reasons = model.explain(5, int(items[0, 7]))
    names = model.generator.feature_names()
    assert [reasons[name][0] for name in names] == features[0, 7].tolist()
    trees = model._forest_scores(features[0])
    networks = np.mean([network.scores(features)[0] for network in model._networks], axis=0)
    (forest,) = model._forests()._boosters
    by_trees = np.asarray(forest.predict(features[0, 7:8], pred_contrib=True))[0, :-1]
    by_networks = np.mean([network.effects(features[0], 7) for network in model._networks], axis=0)
    expected = by_trees / trees.std() + 3 * by_networks / networks.std()
    np.testing.assert_allclose([reasons[name][1] for name in names], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("timed", [False, True])
def test_further_folds_are_learned_from_and_hold_out_what_their_generator_has_not_seen(
    timed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, valid, _ = communities()
    if timed:
        moment = np.random.default_rng(0).permutation(len(train)).astype(np.int64) * 86_400_000_000
        train = replace(train, timestamp=moment)
    whole = train if timed else train.merged(valid)
    shown: list[tuple[sp.csr_array, sp.csr_array]] = []
    of = LabelledLists.of

    def kept(generator: CandidateGenerator, labels: Interactions, **sizes: int) -> LabelledLists | None:
        shown.append((generator.seen, labels.user_items()))
        return of(generator, labels, **sizes)

    monkeypatch.setattr(LabelledLists, "of", kept)
    model = Ranker(trees=5, folds=2, network_epochs=1, candidates=20).fit(train, validation=valid, seed=3)
    assert len(shown) == 3
    for seen, labels in shown[1:]:
        assert seen.multiply(labels).nnz == 0
        assert labels.nnz == pytest.approx(valid.user_items().nnz, rel=0.25)
        assert csr(seen + labels - whole.user_items()).toarray().max() <= 0, (
            "with timestamps parts of what came before"
        )
    assert shown[1][1].multiply(shown[2][1]).nnz < shown[1][1].nnz
    assert model.generator.seen.nnz == train.user_items().nnz


def test_users_without_a_hit_are_not_learned_from() -> None:
    train, valid, _ = communities()
    generator = Ranker(trees=5).fit(train, validation=valid).generator
    lists = LabelledLists.of(generator, valid, candidates=5, users=10_000, seed=0)
    assert lists is not None and lists.hit.any(1).all() and lists.features.shape[:2] == lists.hit.shape
    relevant = unseen(valid, generator.seen)
    items, _ = generator.candidates(np.arange(300), 5)
    hit = hits_at_k(items.astype(np.int32), relevant, np.arange(300))
    assert 0 < hit.any(1).sum() < 300
    np.testing.assert_array_equal(lists.hit, hit[hit.any(1)])
    few = LabelledLists.of(generator, valid, candidates=5, users=50, seed=0)
    assert few is not None and few.hit.shape[0] <= 50
    nothing = valid.subset(np.zeros(len(valid), bool))
    assert LabelledLists.of(generator, nothing, candidates=5, users=50, seed=0) is None
    best = generator.candidates(np.arange(300), 1)[0][:, 0]
    missed = valid.subset(best[valid.user] != valid.item)
    assert LabelledLists.of(generator, missed, candidates=1, users=10_000, seed=0) is None
    rows, target, groups = lists.sample(0.5, np.random.default_rng(0))
    assert target.sum() == lists.hit.sum() and groups.sum() == target.size == rows.shape[0]
    assert 0.4 < (~target).sum() / (~lists.hit).sum() < 0.6


def test_several_forests_are_averaged_saved_and_explained(tmp_path: Path) -> None:
    train, valid, _ = communities()
    model = Ranker(trees=10, bags=3).fit(train, validation=valid, seed=1)
    items, features = model.generator.features(np.arange(5), 20)
    rows = features.reshape(100, -1)
    alone = [np.asarray(forest.predict(rows, raw_score=True)) for forest in model._forests()._boosters]
    assert len(alone) == 3 and not np.array_equal(alone[0], alone[1])
    np.testing.assert_allclose(model._forest_scores(rows), np.mean(alone, axis=0))
    model.save(tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.scores(np.arange(5)), model.scores(np.arange(5)))
    effects = model.explain(0, int(items[0, 0]))
    assert set(effects) == set(model.generator.feature_names())


@pytest.mark.parametrize(
    "params", [{}, {"folds": 2}, {"candidates": 1}, {"negative_share": 0.01}, {"users": 1}]
)
@pytest.mark.parametrize("users", [[1], [1, 2], [1, 1, 2]])
@pytest.mark.parametrize("timed", [True, False])
def test_the_smallest_shops(params: dict[str, Any], users: list[int], timed: bool) -> None:
    moments = np.array([0, 5, 9])[: len(users)] * DAY if timed else None
    data = Interactions.from_arrays(users, [1, 2, 1][: len(users)], timestamp=moments)
    model = Ranker(trees=3, network_epochs=1, **params).fit(data, device="cpu")
    for fitted in (model, model.refit(data, device="cpu"), model.retrained(data, device="cpu")):
        ids, scores = fitted.recommend([1, 2, 99], 3)
        assert ids.shape == (3, 3) and not np.isnan(scores).any()
