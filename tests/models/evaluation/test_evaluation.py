"""Evaluation: definitions on small cases whose values are known, and agreement with ranx."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from recsys_models import Interactions, Popularity, Recommender, evaluate, evaluations
from recsys_models.kernels import top_items


class Fixed(Recommender):
    """Scores that the test sets, also of items that nobody had."""

    family: ClassVar[str] = "fixed"
    table: NDArray[np.float32]

    def _fit(self, interactions: Any, validation: Any, run: Any) -> None:
        self.table = np.zeros((interactions.n_users, interactions.n_items), np.float32)

    def score_block(self, user_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return self.table[user_rows].copy()

    def _fold_scores(self, customers: Interactions) -> NDArray[np.float32]:
        raise NotImplementedError("fixed: the test sets scores of its users alone")

    def _items_judged(self) -> NDArray[np.bool_]:
        return np.ones(self.n_items, np.bool_)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"table": self.table}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.table = state["table"]


def fixed(train: Interactions, table: Any) -> Fixed:
    model = Fixed().fit(train)
    model.table = np.asarray(table, np.float32)
    return model


def test_known_values() -> None:
    train = Interactions.from_arrays([0, 1], [0, 0], item_ids=np.arange(5))
    test = Interactions.from_arrays([0, 0, 0], [1, 3, 4], like=train)
    model = fixed(train, [[9, 5, 4, 3, 2], [0, 0, 0, 0, 0]])
    result = evaluate(model, train, test, k=3, ks=(1,))
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert result.n_users == 1
    assert result["recall"] == pytest.approx(2 / 3)
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["ndcg"] == pytest.approx((1 + 0.5) / ideal)
    assert result["map"] == pytest.approx((1 + 2 / 3) / 3)
    assert result["mrr"] == result["hit_rate"] == 1
    assert result["recall@1"] == pytest.approx(1 / 3)
    assert result["coverage"] == pytest.approx(3 / 5)
    assert "ndcg" in str(result) and "new items" in str(result)


def test_repeat_purchases_count_only_when_asked_for() -> None:
    train = Interactions.from_arrays([0, 0], [0, 1], item_ids=np.arange(3))
    test = Interactions.from_arrays([0, 0], [0, 2], like=train)
    model = fixed(train, [[3, 2, 1]])
    assert evaluate(model, train, test, k=1)["recall"] == 1
    assert evaluate(model, train, test, k=1, exclude_seen=False)["recall"] == pytest.approx(0.5)
    only_repeats = Interactions.from_arrays([0], [0], like=train)
    with pytest.raises(ValueError, match="exclude_seen=False"):
        evaluate(model, train, only_repeats)


def test_unknown_items_cannot_be_hit_and_unknown_users_are_marked() -> None:
    train = Interactions.from_arrays([0], [0], item_ids=[0, 1])
    test = Interactions.from_arrays([0, 0, 9], [1, 77, 1])
    result = evaluate(fixed(train, [[2, 1]]), train, test, k=2)
    rows = {row["user_id"]: row for row in result.per_user.iter_rows(named=True)}
    assert rows[0]["recall"] == 0.5 and rows[0]["relevant"] == 2 and not rows[0]["cold"]
    assert rows[9]["cold"] and rows[9]["recall"] == 1


def test_segments() -> None:
    train = Interactions.from_arrays([1, 2, 3], [0, 0, 0], item_ids=[0, 1, 2])
    test = Interactions.from_arrays([1, 2, 3], [1, 2, 2], like=train)
    model = fixed(train, [[0, 2, 1]] * 3)
    people = pl.DataFrame({"user_id": [1, 2], "age": ["young", "old"]})
    table = evaluate(model, train, test, k=1, segments=people).segments
    assert table is not None
    assert dict(zip(table["value"], table["recall"], strict=True)) == {"young": 1, "old": 0, "unknown": 0}
    assert "age = young" in str(evaluate(model, train, test, k=1, segments=people))


def test_fairness_between_segments() -> None:
    train = Interactions.from_arrays([1, 2, 3], [0, 0, 0], item_ids=[0, 1, 2])
    test = Interactions.from_arrays([1, 2, 3], [1, 2, 1], like=train)
    people = pl.DataFrame({"user_id": [1, 2, 3], "age": ["young", "old", "old"]})
    result = evaluate(fixed(train, [[0, 2, 1]] * 3), train, test, k=1, segments=people)
    assert result.fairness is not None
    row = result.fairness.row(0, named=True)
    assert (row["segment"], row["best"], row["worst"]) == ("age", "young", "old")
    assert (row["gap"], row["ratio"]) == (0.5, 0.5)
    assert "young best, old worst" in str(result)


def test_the_whole_catalogue() -> None:
    train = Interactions.from_arrays([0, 1], [0, 0], item_ids=np.arange(5))
    test = Interactions.from_arrays([0, 1, 1], [1, 3, 4], like=train)
    model = fixed(train, [[9, 5, 4, 3, 2], [9, 1, 3, 4, 2]])
    result = evaluate(model, train, test, k=2, auc=True)
    assert result.per_user["auc"].to_list() == [1.0, 0.75]
    assert result["auc"] == result.metrics["auc"] == 0.875
    assert 0 <= result["edge_accuracy"] <= 1
    assert "auc" in str(result)
    assert "auc" not in evaluate(model, train, test, k=2).metrics


def test_edges_and_drawn_pairs_that_lie_apart_are_told_apart() -> None:
    generator = np.random.default_rng(0)
    wanted = generator.random((40, 60)) < 0.1
    users, items = np.nonzero(wanted)
    train = Interactions.from_arrays(np.arange(40), np.zeros(40, int), item_ids=np.arange(60))
    test = Interactions.from_arrays(users, items, like=train)
    assert evaluate(fixed(train, wanted + 0.0), train, test)["edge_accuracy"] == 1
    assert evaluate(fixed(train, 1.0 - wanted), train, test)["edge_accuracy"] == 0
    assert evaluate(fixed(train, np.zeros((40, 60))), train, test)["edge_accuracy"] == 0.5


def test_both_kinds_at_once_are_what_each_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_items, "BLOCK_CELLS", 200)
    generator = np.random.default_rng(0)
    train = Interactions.from_arrays(
        generator.integers(0, 40, 200), generator.integers(0, 30, 200), item_ids=np.arange(30)
    )
    # user 0 repeats only, so that fewer users have new items
    users = np.concatenate([generator.integers(1, 45, 120), [0]])
    items = np.concatenate([generator.integers(0, 33, 120), train.item[train.user == train.user[0]][:1]])
    users[-1] = train.user_ids[train.user[0]]
    test = Interactions.from_arrays(users, items)
    model = fixed(train, generator.random((train.n_users, 30)))
    people = {user: "even" if user % 2 == 0 else "odd" for user in range(40)}
    asked = {"k": 5, "ks": (2,), "auc": True, "segments": people}
    both = evaluations(model, train, test, exclude_seen=(True, False), **asked)
    for result, hidden in zip(both, (True, False), strict=True):
        alone = evaluate(model, train, test, exclude_seen=hidden, **asked)
        assert result.metrics == alone.metrics and result.exclude_seen == hidden
        assert result.per_user.equals(alone.per_user)
    assert both[0].n_users <= both[1].n_users


def test_values_equal_those_of_ranx(monkeypatch: pytest.MonkeyPatch) -> None:
    # compiling ranx takes a minute, running its source as Python a moment
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    ranx = pytest.importorskip("ranx", reason="ranx is not installed")
    generator = np.random.default_rng(3)
    n_users, n_items = 60, 80
    # 1 and 2 cut most users' relevant items off, 80 is the whole catalogue
    lengths = (1, 2, 5, 20, 80)
    table = generator.permuted(np.tile(np.arange(n_items, dtype=np.float32), (n_users, 1)), axis=1)
    pairs = np.argwhere(generator.random((n_users, n_items)) < 0.1)
    train = Interactions.from_arrays(np.arange(n_users), np.zeros(n_users, int), item_ids=np.arange(n_items))
    test = Interactions.from_arrays(pairs[:, 0], pairs[:, 1], like=train)
    model = fixed(train, table)
    ours = evaluate(model, train, test, k=20, ks=lengths, exclude_seen=False)
    users = ours.per_user["user_id"].to_list()
    truth = {str(u): {str(i): 1 for i in pairs[pairs[:, 0] == u, 1]} for u in users}
    run = {str(u): {str(i): float(table[u, i]) for i in range(n_items)} for u in users}
    names = ["recall", "precision", "f1", "ndcg", "map", "mrr", "hit_rate"]
    asked = [f"{name}@{length}" for name in names for length in lengths]
    theirs = ranx.evaluate(ranx.Qrels(truth), ranx.Run(run), asked, return_mean=False, make_comparable=True)
    order = np.argsort([str(u) for u in users])
    for name in names:
        mine = ours.per_user[name].to_numpy()[order]
        np.testing.assert_allclose(mine, theirs[f"{name}@20"], atol=1e-9, rtol=0, err_msg=name)
    for name in asked:
        assert ours[name] == pytest.approx(theirs[name].mean(), abs=1e-9), name


def test_a_better_model_scores_better() -> None:
    popular = Interactions.from_arrays([0, 1, 2, 3, 3], [0, 0, 0, 0, 1])
    test = Interactions.from_arrays([0, 1, 2], [1, 1, 1], like=popular)
    assert evaluate(Popularity().fit(popular), popular, test, k=1)["recall"] == 1


@pytest.mark.parametrize("k", [0, -3, 1.5, True])
def test_a_list_of_no_length_is_refused(k: object) -> None:
    data = Interactions.from_arrays([1, 2], [1, 2])
    model = Popularity().fit(data)
    for lengths in ({"k": k}, {"ks": (20, k)}):
        with pytest.raises(ValueError, match="k: expected a whole number ≥ 1"):
            evaluate(model, data, data, exclude_seen=False, **lengths)  # type: ignore[arg-type]
