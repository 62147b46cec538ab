"""Candidates hold the best: choosing among them gives what choosing among all items gives, ties included."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys_models.search.items_of_documents import ItemsOfDocuments


@given(
    items=st.integers(1, 60),
    documents=st.integers(1, 20),
    n=st.integers(1, 6),
    levels=st.sampled_from([1, 3, 50]),
    share=st.sampled_from([None, 0.0, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_whoever_can_be_among_the_best_is_a_candidate(
    items: int, documents: int, n: int, levels: int, share: float | None, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    document_of = draw.integers(0, documents, items).astype(np.int32)
    near = 1 + draw.integers(0, levels + 1, documents) / (8 * levels)  # a raise can turn them round
    scores = np.where(draw.random(documents) < 0.9, near, 0).astype(np.float32)
    raises = draw.choice([1.0, 1.1, 1.05], items).astype(np.float32)
    allowed = None if share is None else draw.random(items) < share
    matched = np.flatnonzero(draw.random(documents) < 0.8)
    index = ItemsOfDocuments.of(document_of, documents)
    rows = index.candidates(scores, matched, n, (1.0, 1.1), allowed)

    may = np.isin(document_of, matched) & (allowed if allowed is not None else True)
    raised = scores[document_of] * raises
    best = np.sort(raised[may])[::-1][:n]
    least = best[-1] if best.size == n else -np.inf
    assert set(np.flatnonzero(may & (raised >= least)).tolist()) <= set(rows.tolist())
    assert may[rows].all() and (np.diff(rows) > 0).all()
