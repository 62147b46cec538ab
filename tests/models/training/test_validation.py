"""Validation by one ranking for all users is validation by a row of scores for each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys_models import Interactions
from recsys_models.training.validation import ranking_ndcg, validation_ndcg

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), min_size=1, max_size=40)


@given(
    known=pairs, later=pairs, scores=st.lists(st.integers(0, 3), min_size=9, max_size=9), k=st.integers(1, 12)
)
def test_one_ranking_for_all(known: list, later: list, scores: list[int], k: int) -> None:
    """Also where scores tie, where fewer than k items are left, and where everything is repeated."""
    seen = Interactions.from_arrays(*zip(*known, strict=True), user_ids=np.arange(6), item_ids=np.arange(9))
    held = Interactions.from_arrays(*zip(*later, strict=True), like=seen)
    score = np.array(scores, np.float32)
    one = ranking_ndcg(score, seen.user_items(), held, k=k)
    each = validation_ndcg(lambda rows: np.tile(score, (rows.size, 1)), seen.user_items(), held, k=k)
    assert one == each
