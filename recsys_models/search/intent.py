"""Intent: which categories a query asks for, learned from the words of titles and of their categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.search.term_index import TermIndex
from recsys_models.state_arrays import must_be, sparse

_SMOOTHING = 0.1


@dataclass(frozen=True, eq=False)
class Intent:
    """Multinomial naive Bayes of words given a category (Manning, Raghavan and Schütze 2008, chapter 13).

    Attributes:
        categories: (n_categories,) str.
        counts: (n_terms, n_categories) CSR: documents of a category that have a word.
        documents: (n_categories,) documents of each.
    """

    categories: NDArray[np.str_]
    counts: sp.csr_array
    documents: NDArray[np.float32]

    @classmethod
    def of(cls, words: TermIndex, category_of: Sequence[str | None]) -> Intent:
        """What the documents of an index say, of which each is in one category or none."""
        names = sorted({each for each in category_of if each is not None})
        place = {name: row for row, name in enumerate(names)}
        kept = [(at, place[name]) for at, name in enumerate(category_of) if name is not None]
        ones = np.ones(len(kept), np.float32)
        rows, columns = (np.array(each, np.int64) for each in zip(*kept, strict=True)) if kept else ([], [])
        belongs = sp.csr_array((ones, (rows, columns)), shape=(len(category_of), len(names)))
        present = words.scores.copy()
        present.data = np.ones_like(present.data)
        counts = sp.csr_array(present @ belongs)
        counts.sort_indices()
        documents = np.asarray(belongs.sum(axis=0), np.float32).ravel()
        return cls(np.array(names, np.str_) if names else np.empty(0, "<U1"), counts, documents)

    def shares(self, words: TermIndex, query: Sequence[str]) -> NDArray[np.float32]:
        """(n_categories,) the probability of each, given the query's words; all 0 where none of them is known."""
        known = [words.place[word] for word in dict.fromkeys(query) if word in words.place]
        if not known or not self.categories.size:
            return np.zeros(self.categories.size, np.float32)
        logs = np.log(
            np.sqrt(self.documents) + 1.0
        )  # the root: a large category is not asked for that much more
        for row in known:
            part = slice(self.counts.indptr[row], self.counts.indptr[row + 1])
            has = np.full(self.categories.size, _SMOOTHING, np.float32)
            has[self.counts.indices[part]] += self.counts.data[part]
            logs = logs + np.log(has / (self.documents + 2 * _SMOOTHING))
        found = np.exp(logs - logs.max())
        return (found / found.sum()).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays."""
        return {
            "intent_categories": self.categories,
            "intent_documents": self.documents,
            "intent_data": self.counts.data,
            "intent_indices": self.counts.indices,
            "intent_indptr": self.counts.indptr,
        }

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], n_terms: int) -> Intent:
        """The intent of `state`.

        Raises:
            ValueError, KeyError: the arrays are none.
        """
        categories = state["intent_categories"]
        must_be(categories, "intent_categories", shape=(None,), kind="U")
        must_be(state["intent_documents"], "intent_documents", shape=(categories.size,), kind="f")
        counts = sparse(
            "intent",
            state["intent_data"],
            state["intent_indices"],
            state["intent_indptr"],
            (n_terms, categories.size),
        )
        return cls(categories, counts, state["intent_documents"])
