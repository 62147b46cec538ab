"""What every model family must do, as tests to inherit: `class TestPopularity(RecommenderContract)`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save

from recsys_models import (
    History,
    Interactions,
    ModelFileError,
    Recommender,
    families,
    load_model,
    model_files,
)
from recsys_models.fitted_model import has_evidence
from recsys_models.kernels.top_items import mask_items, top_k
from recsys_models.model_files import from_files, to_files

SIZE = 16


def checkerboard(size: int = SIZE) -> Interactions:
    """User i has every item of i's colour but item i: the one right recommendation is item i."""
    pairs = [(u, i) for u in range(size) for i in range(size) if u % 2 == i % 2 and u != i]
    users, items = np.array(pairs).T
    return Interactions.from_arrays(users + 100, items + 1000)


def histories(interactions: Interactions) -> list[History]:
    """What each user did, in the order of the interactions."""
    found: list[History] = []
    for user in range(interactions.n_users):
        own = interactions.subset(interactions.user == user)
        names = np.array(interactions.behaviour_names, np.str_)
        told = None if own.behaviour is None else names[own.behaviour].tolist()
        found.append(History(own.item, told, own.timestamp, own.weight))
    return found


def overlap(one: NDArray[np.float32], other: NDArray[np.float32], k: int) -> float:
    """Mean share of the k best items that two tables of scores have in common, row by row."""
    lists = (top_k(one, k)[0], top_k(other, k)[0])
    return float(np.mean([np.intersect1d(a, b).size / k for a, b in zip(*lists, strict=True)]))


def in_one_file(files: Mapping[str, bytes], name: str = "model") -> dict[str, bytes]:
    """What `to_files` wrote, in the format before: all arrays in one file."""
    header = json.loads(files[f"{name}.json"])
    tensors = {key: tensor for file in header.pop("files") for key, tensor in load(files[file]).items()}
    assert not header.pop("same_as")
    weights = save(tensors)
    header |= {"format": 1, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    del header["header_sha256"]
    plain = json.dumps(header, sort_keys=True, separators=(",", ":"))
    header["header_sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    document = json.dumps(header, indent=1, sort_keys=True) + "\n"
    return {f"{name}.json": document.encode(), f"{name}.safetensors": weights}


def before_folding(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as they were before models kept anything for folding in."""
    header, arrays = from_files("model", files)
    header = {k: v for k, v in header.items() if k not in ("format", "files", "same_as", "latest")}
    kept = {key: array for key, array in arrays.items() if "fold." not in key and key != "state.order"}
    return to_files("model", header, kept)


def _own(key: str) -> str:
    return f"model.{key}.safetensors"


def _changed(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "U":
        return np.char.add(array, "'")
    return (np.ascontiguousarray(array).reshape(-1).view(np.uint8) ^ 1).view(array.dtype)


def spoilt(array: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any] | None]:
    """Arrays that a file might hold in the place of this one; None for none at all."""
    found: list[np.ndarray[Any, Any] | None] = [None, array[:-1] if array.ndim else array.reshape(1)]
    found += [np.array(["x"] * 3), np.zeros((2, 2), np.float32), np.empty(0, np.float32)]
    found += [np.zeros((), array.dtype)] * (array.ndim > 0)
    if array.dtype.kind in "if" and array.size:
        found += [np.full_like(array, 2**20), np.full_like(array, -5)]
    if array.dtype.kind == "f":
        found += [np.full_like(array, np.nan), array.astype(np.int32), array.astype(np.float64)]
        found += [np.full_like(array, 3e38), array.astype(np.float16)]
    if array.dtype.kind == "U":
        found += [np.array([text[:-1] for text in array.tolist()], np.str_)]
    return found


class RecommenderContract:
    """Subclasses say how to make a model and whether it learns tastes at all."""

    personal = True
    """False for families that recommend the same to everybody."""
    folds_exactly = False
    """Whether a user's scores follow from the user's row, so that folding it in gives them again."""
    folds_within = 1e-4
    """Largest difference of scores that rounding may make between a customer folded in alone and among others."""
    old_folds_within = 1e-4
    """Largest difference of scores between a model and its file of before folding in, whose map is computed anew."""

    def make(self, **params: Any) -> Recommender:
        raise NotImplementedError

    def data(self) -> Interactions:
        """The checkerboard; families that need more columns add them."""
        return checkerboard()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> Recommender:
        family = cls()
        return family.make().fit(family.data())

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

    def test_saved_and_loaded_it_recommends_the_same(self, fitted: Recommender, tmp_path: Any) -> None:
        fitted.save(tmp_path)
        for loaded in (type(fitted).load(tmp_path), load_model(tmp_path), load_model(fitted.to_files())):
            assert loaded.params() == fitted.params()
            for mine, theirs in zip(
                fitted.recommend([100, 103, 5], 4), loaded.recommend([100, 103, 5], 4), strict=True
            ):
                np.testing.assert_array_equal(mine, theirs)
            assert loaded.to_files() == fitted.to_files()

    def test_every_array_keeps_shape_type_and_values_through_files(self, fitted: Recommender) -> None:
        loaded = load_model(fitted.to_files())
        mine, theirs = ({**model._state(), **model.basis._asdict()} for model in (fitted, loaded))
        assert mine.keys() == theirs.keys()
        for name in mine.keys() - {"seen", "latest"}:
            assert mine[name].shape == theirs[name].shape, name
            assert mine[name].dtype == theirs[name].dtype, name
            np.testing.assert_array_equal(mine[name], theirs[name], name)

    def test_a_loaded_model_is_refitted_like_the_one_that_was_saved(self, fitted: Recommender) -> None:
        loaded = load_model(fitted.to_files())
        again = [model.refit(self.data(), seed=3) for model in (fitted, loaded)]
        assert again[0].incidents == again[1].incidents == []
        assert again[0].to_files() == again[1].to_files()

    @pytest.mark.parametrize("own_file", [1, 1 << 16])
    def test_an_altered_or_truncated_file_is_refused(
        self, fitted: Recommender, own_file: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_files, "OWN_FILE_BYTES", own_file)
        files = fitted.to_files()
        for name, content in files.items():
            flipped = bytearray(content)
            flipped[len(content) // 2] ^= 1
            for broken in (bytes(flipped), content[:-5], b""):
                with pytest.raises(ModelFileError, match=re.escape(name)):
                    load_model({**files, name: broken})
            with pytest.raises(ModelFileError, match="expected a file"):
                load_model({key: value for key, value in files.items() if key != name})

    def test_an_array_that_two_versions_have_in_common_is_the_same_file(
        self, fitted: Recommender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_files, "OWN_FILE_BYTES", 1)
        one = fitted.to_files()
        header, arrays = model_files.from_files("model", one)
        filled = {key: array for key, array in arrays.items() if _own(key) in one}
        assert filled.keys() | header["same_as"].keys() >= {
            key for key, array in arrays.items() if array.size
        }
        for kept in filled:
            other = {key: array if key == kept else _changed(array) for key, array in filled.items()}
            files = model_files.to_files("model", {"family": header["family"]}, other)
            assert [key for key in filled if one[_own(key)] == files.get(_own(key))] == [kept]

    def test_files_of_the_format_before_are_read(self, fitted: Recommender) -> None:
        files = fitted.to_files()
        assert load_model(in_one_file(files)).to_files() == files

    def test_a_whole_file_of_wrong_content_is_refused_or_harmless(self, fitted: Recommender) -> None:
        """Each array in turn is left out, cut, of another type, shape or out of bounds; checksums are right."""
        header, arrays = from_files("model", fitted.to_files())
        header = {k: v for k, v in header.items() if k not in ("format", "files", "same_as", "header_sha256")}
        for key, array in arrays.items():
            for broken in spoilt(array):
                others = {k: v for k, v in arrays.items() if k != key}
                files = to_files("model", header, others if broken is None else {**others, key: broken})
                try:
                    with np.errstate(all="ignore"):
                        model = load_model(files)
                except ModelFileError:
                    continue
                with np.errstate(all="ignore"):
                    ids, scores = model.recommend(fitted.user_ids, SIZE)
                    assert ids.shape == scores.shape
                    model.similar_items(fitted.item_ids, 3)
                    model.answer(model.history_of(fitted.item_ids[:2].tolist()), 3)
        for key in ("params", "chosen", "history", "incidents"):
            with pytest.raises(ModelFileError, match="content of a"):
                load_model(to_files("model", {k: v for k, v in header.items() if k != key}, arrays))
        with pytest.raises(ModelFileError, match="content of a"):
            load_model(to_files("model", {**header, "params": {"nonsense": 1}}, arrays))
        for key, value in ((key, value) for key in header for value in (None, -1, "x", [[]], {"x": 1})):
            if key not in ("latest", "threads") or isinstance(value, str | list):
                with pytest.raises(ModelFileError):
                    load_model(to_files("model", {**header, key: value}, arrays))
                    assert value == [[]] and key in ("history", "incidents"), "a list of anything"
                    raise ModelFileError
        for chosen in ({parameter: [[]]} for parameter in header["params"]):
            with pytest.raises(ModelFileError):
                load_model(to_files("model", {**header, "chosen": chosen}, arrays))

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

    # --- folding in ---

    def test_folding_in_what_was_fitted_gives_the_lists_of_the_fit(self, fitted: Recommender) -> None:
        given, users = histories(self.data()), np.arange(SIZE)
        folded, scores = fitted.fold_in(given), fitted.scores(users)
        assert folded.dtype == np.float32 and folded.shape == scores.shape
        if self.folds_exactly:
            np.testing.assert_allclose(folded, scores, rtol=1e-4, atol=1e-5)
        for table in (folded, scores):
            mask_items(table, fitted.seen, users)
        assert overlap(folded, scores, 1) == 1.0

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

    def test_a_model_of_a_file_folds_in_as_the_one_in_memory(self, fitted: Recommender) -> None:
        given = histories(self.data())
        expected = fitted.fold_in(given)
        np.testing.assert_array_equal(load_model(fitted.to_files()).fold_in(given), expected)
        older = load_model(before_folding(fitted.to_files()))
        np.testing.assert_allclose(older.fold_in(given), expected, rtol=1e-3, atol=self.old_folds_within)
        assert older.latest is None
