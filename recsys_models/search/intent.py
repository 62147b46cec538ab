"""Intent: which categories a query asks for, learned from words of titles and categories, and from clicks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.fitted.state_arrays import must_be, sparse
from recsys_models.search.term_index import TermIndex

_SMOOTHING = 0.1


class Click(NamedTuple):
    """An item that was chosen from the results of a query.

    Attributes:
        words: of the query.
        category: of the item.
        times: how often.
    """

    words: Sequence[str]
    category: str
    times: float = 1.0


@dataclass(frozen=True, eq=False)
class Intent:
    """Multinomial naive Bayes of words given a category (Manning, Raghavan and Schütze 2008, chapter 13).

    A click is another document of the item's category, whose words are those of the query.

    Attributes:
        terms: (n_terms,) str.
        categories: (n_categories,) str.
        counts: (n_terms, n_categories) CSR: documents of a category that have a word.
        documents: (n_categories,) documents of each.
    """

    terms: NDArray[np.str_]
    categories: NDArray[np.str_]
    counts: sp.csr_array
    documents: NDArray[np.float32]

    @cached_property
    def place(self) -> dict[str, int]:
        """The row of each term."""
        return {term: row for row, term in enumerate(self.terms.tolist())}

    @classmethod
    def of(cls, words: TermIndex, category_of: Sequence[str | None], clicks: Iterable[Click] = ()) -> Intent:
        """Learn the intent from the documents of an index, each in one category or none, and from clicks.

        Clicks on items of a category that no document has are ignored.
        """
        names = sorted({each for each in category_of if each is not None})
        place = {name: row for row, name in enumerate(names)}
        clicked = [click for click in clicks if click.category in place]
        new = sorted({word for click in clicked for word in click.words} - words.place.keys())
        terms = [*words.terms.tolist(), *new]
        row_of = words.place | {word: row for row, word in enumerate(new, words.terms.size)}
        kept = [(at, place[name]) for at, name in enumerate(category_of) if name is not None]
        rows, columns = (np.array(each, np.int64) for each in zip(*kept, strict=True)) if kept else ([], [])
        belongs = sp.csr_array(
            (np.ones(len(kept), np.float32), (rows, columns)), shape=(len(category_of), len(names))
        )
        present = words.scores.copy()
        present.data = np.ones_like(present.data)
        shape = (len(terms), len(names))
        counts = sp.csr_array(present @ belongs)
        counts.resize(shape)
        weighted = [
            (row_of[word], place[click.category], click.times) for click in clicked for word in {*click.words}
        ]
        if weighted:
            at, to, times = zip(*weighted, strict=True)
            counts = sp.csr_array(counts + sp.csr_array((np.array(times, np.float32), (at, to)), shape=shape))
        counts.sum_duplicates()
        documents = np.asarray(belongs.sum(axis=0), np.float32).ravel()
        for click in clicked:
            documents[place[click.category]] += click.times
        return cls(
            np.array(terms, np.str_) if terms else np.empty(0, "<U1"),
            np.array(names, np.str_) if names else np.empty(0, "<U1"),
            sp.csr_array(counts, dtype=np.float32),
            documents,
        )

    def shares(self, query: Sequence[str]) -> NDArray[np.float32]:
        """(n_categories,) the probability of each, given the query's words; all 0 where none of them is known."""
        known = [self.place[word] for word in dict.fromkeys(query) if word in self.place]
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
            "intent_terms": self.terms,
            "intent_categories": self.categories,
            "intent_documents": self.documents,
            "intent_data": self.counts.data,
            "intent_indices": self.counts.indices,
            "intent_indptr": self.counts.indptr,
        }

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> Intent:
        """The intent of `state`.

        Raises:
            ValueError, KeyError: the arrays are invalid.
        """
        terms, categories = state["intent_terms"], state["intent_categories"]
        must_be(terms, "intent_terms", shape=(None,), kind="U")
        must_be(categories, "intent_categories", shape=(None,), kind="U")
        must_be(state["intent_documents"], "intent_documents", shape=(categories.size,), kind="f")
        counts = sparse(
            "intent",
            state["intent_data"],
            state["intent_indices"],
            state["intent_indptr"],
            (terms.size, categories.size),
        )
        return cls(terms, categories, counts, state["intent_documents"])
