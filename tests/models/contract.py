"""What every model family must do, as tests to inherit: `class TestPopularity(RecommenderContract)`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recsys_models import Interactions, Recommender, families
from recsys_models.fitted.fitted_model import has_evidence
from tests.models.checkerboard import SIZE
from tests.models.file_contract import FileContract
from tests.models.folding_contract import FoldingContract


class RecommenderContract(FileContract, FoldingContract):
    """Its recommendations, its fit, and with them its files and folding in."""

    def test_is_registered_under_its_name(self) -> None:
        model = self.make()
        assert families[model.name] is type(model)

    def test_parameters_make_the_same_model_again(self) -> None:
        model = self.make()
        json.dumps(model.params())
        assert type(model)(**model.params()).params() == model.params()

    def test_finds_the_right_item(self, fitted: Recommender) -> None:
        users = fitted.user_ids
        ids, scores = fitted.recommend(users, 3)
        assert ids.shape == scores.shape == (SIZE, 3)
        if self.personal:
            assert (ids[:, 0] == np.arange(1000, 1000 + SIZE)).mean() == 1.0

    def test_seen_items_do_not_come_back_unless_asked_for(self, fitted: Recommender) -> None:
        data = self.data()
        ids, scores = fitted.recommend(data.user_ids, SIZE)
        seen = data.matrix().toarray() > 0
        for row, listed in enumerate(ids):
            kept = listed[listed >= 0] - 1000
            assert not seen[row, kept].any()
            assert kept.size == SIZE - seen[row].sum()
        assert (np.isneginf(scores) == (ids == -1)).all()
        everything, _ = fitted.recommend(data.user_ids, SIZE, exclude=None)
        assert (np.sort(everything, axis=1) == data.item_ids).all()

    def test_excludes_what_it_is_told(self, fitted: Recommender) -> None:
        hidden = Interactions.from_arrays([100, 100], [1000, 1001])
        ids, _ = fitted.recommend([100, 101], SIZE, exclude=hidden)
        assert not {1000, 1001} & set(ids[0].tolist())
        assert {1000, 1001} <= set(ids[1].tolist())

    def test_items_without_evidence_come_last_by_popularity_and_are_marked(self) -> None:
        """Three items that nobody has stand first in the id map, and one item is more popular than the others."""
        board = self.data()
        more = Interactions.from_arrays(
            np.append(board.user_ids[board.user], [900, 901]),
            np.append(board.item_ids[board.item], [1003, 1003]),
            user_ids=np.append(board.user_ids, [900, 901]),
            item_ids=np.append([5, 6, 7], board.item_ids),
            behaviour=None
            if board.behaviour is None
            else np.array([*np.array(board.behaviour_names)[board.behaviour], "purchase", "purchase"]),
        )
        model = self.make().fit(more)
        for users in (board.user_ids, [31337]):
            ids, scores = model.recommend(users, SIZE + 3, exclude=None)
            marked = ~has_evidence(scores)
            assert (np.isin(ids, [5, 6, 7]) <= marked).all()
            assert (np.diff(marked.astype(int), axis=1) >= 0).all()
            assert (np.diff(scores, axis=1) <= 0).all()
            popular = dict(zip(model.item_ids.tolist(), model.popular.tolist(), strict=True))
            for row, listed in enumerate(ids):
                filled = [(-popular[item], item) for item in listed[marked[row]].tolist()]
                assert filled == sorted(filled)
        similar, cosine = model.similar_items([5, 1000], SIZE + 3)
        assert (similar[0] == -1).all()
        assert (cosine[similar >= 0] > 0).all() and not np.isin(similar, [5, 6, 7]).any()

    def test_scores_descend_and_ties_go_by_row(self, fitted: Recommender) -> None:
        ids, scores = fitted.recommend(fitted.user_ids, SIZE, exclude=None)
        assert (np.diff(scores, axis=1) <= 0).all()
        tied = np.diff(scores, axis=1) == 0
        assert (np.diff(ids, axis=1)[tied] > 0).all()

    def test_score_blocks_agree_with_one_another(self, fitted: Recommender) -> None:
        whole = fitted.score_block(np.arange(SIZE))
        assert whole.dtype == np.float32 and whole.shape == (SIZE, SIZE)
        np.testing.assert_allclose(fitted.score_block(np.array([3, 5])), whole[[3, 5]], rtol=1e-5, atol=1e-6)

    def test_unknown_and_empty_users_are_cold_and_get_popular_items(self) -> None:
        board = self.data()
        more = Interactions.from_arrays(
            np.append(board.user_ids[board.user], [900, 901]),
            np.append(board.item_ids[board.item], [1003, 1003]),
            user_ids=np.append(board.user_ids, 800),
            item_ids=board.item_ids,
        )
        model = self.make().fit(more)
        assert model.is_cold([800, 31337, 100]).tolist() == [True, True, False]
        ids, scores = model.recommend([800, 31337, 100], 5)
        assert (ids[0] == ids[1]).all() and ids[0, 0] == 1003
        assert np.isfinite(scores).all()

    def test_one_item(self) -> None:
        model = self.make().fit(Interactions.from_arrays([1, 2], [7, 7]))
        ids, scores = model.recommend([1, 9], 3)
        assert ids.tolist() == [[-1, -1, -1], [7, -1, -1]]
        assert np.isneginf(scores[0]).all()

    def test_string_ids_come_back_as_strings(self) -> None:
        data = Interactions.from_arrays(["ann", "ann", "bob", "bob"], ["tea", "rye", "tea", "jam"])
        ids, _ = self.make().fit(data).recommend(["ann", "eve"], 4)
        assert ids[0].tolist() == ["jam", None, None, None]
        assert set(ids[1].tolist()) == {"tea", "rye", "jam", None}

    def test_ids_of_the_wrong_kind_are_refused(self, fitted: Recommender) -> None:
        with pytest.raises(ValueError, match="user"):
            fitted.recommend(["100"])

    def test_duplicates_are_one_interaction_with_more_weight(self) -> None:
        board = self.data()
        double = Interactions.from_arrays(
            np.tile(board.user_ids[board.user], 2),
            np.tile(board.item_ids[board.item], 2),
            weight=np.full(2 * len(board), 0.5),
        )
        model, twice = self.make().fit(board), self.make().fit(double)
        assert (
            model.recommend(board.user_ids, 1)[0].tolist() == twice.recommend(board.user_ids, 1)[0].tolist()
        )
        assert twice.seen.nnz == board.user_items().nnz

    def test_nothing_to_fit_on_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="at least one interaction"):
            self.make().fit(Interactions.from_arrays([], []))

    def test_unfitted_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="call fit first"):
            self.make().recommend([1])

    def test_the_same_seed_gives_the_same_bits(self, fitted: Recommender) -> None:
        again = self.make().fit(self.data())
        assert again.to_files() == fitted.to_files()

    def test_similar_items(self, fitted: Recommender) -> None:
        ids, scores = fitted.similar_items([1000, 1001, 4711], 5)
        assert (ids[2] == -1).all()
        assert 1000 not in ids[0] and (np.diff(scores[:2], axis=1) <= 0).all()
        assert (ids[0] % 2 == 0).all() and (ids[1] % 2 == 1).all()

    def test_a_list_has_a_length_and_may_be_chosen_from_nothing(self, fitted: Recommender) -> None:
        for k in (0, -1, 2.5, True, "3"):
            with pytest.raises(ValueError, match="k: expected a whole number"):
                fitted.recommend([100], k)  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="k: expected a whole number"):
                fitted.similar_items([1000], k)  # type: ignore[arg-type]
        ids, scores = fitted.similar_items([1000, 4711], np.int64(2), among=[])  # type: ignore[arg-type]
        assert ids.tolist() == [[-1, -1]] * 2 and np.isneginf(scores).all()

    def test_embeddings_give_the_scores(self, fitted: Recommender) -> None:
        embeddings = fitted.embeddings()
        if embeddings is None:
            pytest.skip("a family without embeddings")
        assert embeddings.user.shape[0] == embeddings.item.shape[0] == SIZE
        np.testing.assert_allclose(
            embeddings.user @ embeddings.item.T, fitted.score_block(np.arange(SIZE)), rtol=1e-4, atol=1e-5
        )

    def test_refit_knows_new_users_and_items_and_leaves_the_old_model(self, fitted: Recommender) -> None:
        before = fitted.to_files()
        board = self.data()
        new_user = np.full(6, 990), np.array([1000, 1002, 1004, 1006, 1008, 1010])
        new_item = np.array([100, 102, 104, 106, 108, 110]), np.full(6, 1998)
        more = board.merged(Interactions.from_arrays(*new_user)).merged(Interactions.from_arrays(*new_item))
        model = fitted.refit(more)
        assert fitted.to_files() == before
        assert not model.is_cold([990]).any()
        ids, _ = model.recommend([990], 2)
        assert 1998 in model.item_ids
        if self.personal:
            assert (ids[0] % 2 == 0).all()

    def test_validation_may_choose_and_the_chosen_model_can_be_made(self) -> None:
        board = self.data()
        held = Interactions.from_arrays(board.user_ids, np.arange(1000, 1000 + SIZE), like=board)
        model = self.make().fit(board, validation=held)
        again = model.chosen_model()
        assert {**again.params(), **model.chosen} == again.params()
        json.dumps(model.chosen)

    def test_validation_without_known_rows_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="validation"):
            self.make().fit(self.data(), validation=Interactions.from_arrays([1], [2]))
