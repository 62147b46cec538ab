"""What every model family must do with the history of somebody whom it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from recsys_models import History, Recommender, load_model
from recsys_models.kernels.top_items import mask_items, top_k
from tests.models.checkerboard import SIZE, histories, overlap
from tests.models.family import Family


class FoldingContract(Family):
    """Folding in: scores and answers for a history alone."""

    def test_folding_in_what_was_fitted_gives_the_lists_of_the_fit(self, fitted: Recommender) -> None:
        given, users = histories(self.data()), np.arange(SIZE)
        folded, scores = fitted.fold_in(given), fitted.scores(users)
        assert folded.dtype == np.float32 and folded.shape == scores.shape
        if self.folds_exactly:
            np.testing.assert_allclose(folded, scores, rtol=1e-4, atol=1e-5)
        for table in (folded, scores):
            mask_items(table, fitted.seen, users)
        assert overlap(folded, scores, 1) == 1.0

    def test_without_what_a_later_fit_needs_it_scores_and_folds_in_as_before(
        self, fitted: Recommender
    ) -> None:
        loaded, given, users = load_model(fitted.to_files()), histories(self.data()), np.arange(SIZE)
        scores, folded = loaded.scores(users), loaded.fold_in(given)
        loaded.drop_training_state()
        assert np.array_equal(loaded.scores(users), scores) and np.array_equal(loaded.fold_in(given), folded)

    def test_folding_in_one_or_many_gives_the_same(self, fitted: Recommender) -> None:
        given = histories(self.data())
        together = fitted.fold_in(given)
        for row in (0, 3):
            np.testing.assert_allclose(fitted.fold_in([given[row]])[0], together[row], atol=self.folds_within)
        assert fitted.fold_in([]).shape == (0, SIZE)

    def test_an_answer_is_the_list_of_the_folded_scores(self, fitted: Recommender) -> None:
        whole = histories(self.data())
        for number, given in enumerate(whole[:4]):
            scores = fitted.fold_in([given])
            rows, values = fitted.answer(given, 5)
            assert rows.dtype == np.int32 and rows.shape == values.shape == (5,)
            np.testing.assert_allclose(values, top_k(scores, 5)[1][0], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(values, scores[0, rows], rtol=1e-4, atol=1e-5)
            among = np.array([1, 2, 3, 4, 5, -1], np.int32)
            rows, values = fitted.answer(given, 5, exclude=np.array([2, -1], np.int32), among=among)
            assert sorted(rows.tolist()) == [-1, 1, 3, 4, 5] and np.isneginf(values[-1])
            rows, _ = fitted.answer(given, 1, exclude=given.items)
            if self.personal:
                assert rows[0] == number
        with pytest.raises(ValueError, match="k: expected a whole number"):
            fitted.answer(whole[0], 0)
        with pytest.raises(ValueError, match="exclude: expected rows of items below"):
            fitted.answer(whole[0], 1, exclude=np.array([SIZE], np.int32))

    def test_one_more_item_changes_the_scores(self, fitted: Recommender) -> None:
        """Who had one colour and takes an item of the other, is shown more of the other than before."""
        if not self.personal:
            pytest.skip("a family that scores the same for all")
        white, black = np.arange(0, SIZE, 2), np.arange(1, SIZE, 2)
        taken: list[int] = (1000 + white[:3]).tolist()
        ahead: list[float] = []
        for more in (0, 1, 2):
            had = fitted.history_of(taken + (1000 + black[:more]).tolist())
            scores = fitted.fold_in([had])[0].astype(np.float64)
            ahead.append(scores[black[2:]].mean() - scores[white[3:]].mean())
        assert ahead[0] < min(ahead[1:]), ahead

    def test_a_history_without_a_known_item_is_cold(self, fitted: Recommender) -> None:
        nothing = fitted.history_of([])
        tonight = fitted.history_of([4711, 4712])
        none = History(np.array([3], np.int32), weights=np.zeros(1, np.float32))
        assert tonight.unknown.tolist() == [0, 1] and not nothing.unknown.size
        warm = fitted.history_of([1000, 4711])
        assert warm.unknown.tolist() == [1]
        cold = fitted.scores(np.array([-1]))[0]
        scores = fitted.fold_in([nothing, warm, tonight, none])
        np.testing.assert_array_equal(scores[[0, 2, 3]], np.tile(cold, (3, 1)))
        np.testing.assert_allclose(
            scores[1], fitted.fold_in([fitted.history_of([1000])])[0], rtol=1e-4, atol=1e-5
        )
        assert fitted.answer(nothing, 3)[0].tolist() == top_k(cold[None], 3)[0][0].tolist()

    def test_a_history_that_is_none_is_refused(self, fitted: Recommender) -> None:
        good, one = fitted.history_of([1000]), np.zeros(1, np.int32)
        for bad, words in (
            (History(one + SIZE), "items: expected rows below 16.*found 16 in history 1, place 0"),
            (History(one, weights=np.array([-1], np.float32)), "weights: .*history 1, place 0"),
            (History(one, weights=np.array([np.nan], np.float32)), "weights: .*history 1, place 0"),
            (History(one, timestamps=np.zeros(2, np.int64)), "timestamps: expected 1.*found 2 in history 1"),
            (History(one, ["view", "view"]), "behaviours: expected 1.*found 2 in history 1"),
        ):
            with pytest.raises(ValueError, match=words):
                fitted.fold_in([good, bad])
        with pytest.raises(ValueError, match="item"):
            fitted.history_of(["1000"])
        with pytest.raises(ValueError, match="call fit first"):
            self.make().fold_in([good])
