"""TermIndex: BM25 over documents made of terms, with all scores computed when it is made."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_models.fitted.state_arrays import must_be, sparse

K1 = 1.2
"""Saturation of a term's repeated occurrences in BM25 (Robertson and Zaragoza 2009, section 3.4)."""
B = 0.4
"""Length normalisation of BM25; lower than the 0.75 that is usual for pages, because all titles are short."""


@dataclass(frozen=True, eq=False)
class TermIndex:
    """Scores of terms in documents, after Lù 2024 (BM25S), which computes them eagerly.

    Attributes:
        terms: (n_terms,) str, in order.
        scores: (n_terms, n_documents) CSR, float32: what a term adds to a document's score.
        documents_with: (n_terms,) int32, number of documents with each term.
    """

    terms: NDArray[np.str_]
    scores: sp.csr_array
    documents_with: NDArray[np.int32]

    @cached_property
    def place(self) -> dict[str, int]:
        """The row of each term."""
        return {term: row for row, term in enumerate(self.terms.tolist())}

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        return int(self.scores.shape[1])  # pyright: ignore[reportOptionalSubscript]

    @cached_property
    def idf(self) -> NDArray[np.float32]:
        """(n_terms,) how rare each term is: log(1 + (N - n + 0.5) / (n + 0.5))."""
        n = self.documents_with
        return np.log1p((self.n_documents - n + 0.5) / (n + 0.5)).astype(np.float32)

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> TermIndex:
        """The index of documents, each a sequence of terms."""
        from bm25s import BM25

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it sets DEBUG
        names = sorted({term for document in documents for term in document})
        place = {term: row for row, term in enumerate(names)}
        ids = [[place[term] for term in document] for document in documents]
        frequency = np.bincount(
            np.fromiter((row for document in ids for row in set(document)), np.int64), minlength=len(names)
        ).astype(np.int32)
        shape = (len(names), len(documents))
        terms = np.array(names, np.str_) if names else np.empty(0, "<U1")
        if not names:
            return cls(terms, sp.csr_array(shape, dtype=np.float32), frequency)
        engine = BM25(k1=K1, b=B, method="lucene")
        engine.index((ids, place), create_empty_token=False, show_progress=False)
        of_terms: Mapping[str, NDArray[Any]] = engine.scores
        columns = sp.csc_array(
            (of_terms["data"], of_terms["indices"], of_terms["indptr"]), shape=(len(documents), len(names))
        )
        columns.sort_indices()
        return cls(terms, sp.csr_array(columns.T), frequency)

    def coverage(self, query: Sequence[str]) -> NDArray[np.float32]:
        """(n_documents,) match of each document with the query's terms: 0 without any, about 1 with all of them.

        It is BM25, divided by the score of a document that has every term once. A term that no document has counts as
        the rarest.
        """
        distinct = list(dict.fromkeys(query))
        rows = [self.place[term] for term in distinct if term in self.place]
        rarest = np.log1p((self.n_documents + 0.5) / 0.5)
        wanted = float(self.idf[rows].sum()) + (len(distinct) - len(rows)) * float(rarest)
        if not rows:
            return np.zeros(self.n_documents, np.float32)
        indptr, indices, data = self.scores.indptr, self.scores.indices, self.scores.data
        found = np.zeros(self.n_documents, np.float32)
        share = np.float32((1 + K1) / wanted)
        for row in rows:  # a term has each of its documents once
            part = slice(indptr[row], indptr[row + 1])
            found[indices[part]] += data[part] * share
        return found

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays, by names that begin with `name`."""
        return {
            f"{name}_terms": self.terms,
            f"{name}_documents_with": self.documents_with,
            f"{name}_data": self.scores.data,
            f"{name}_indices": self.scores.indices,
            f"{name}_indptr": self.scores.indptr,
        }

    @classmethod
    def restored(cls, name: str, state: Mapping[str, NDArray[Any]], n_documents: int) -> TermIndex:
        """The index of `state`.

        Raises:
            ValueError, KeyError: the arrays are invalid.
        """
        terms = state[f"{name}_terms"]
        must_be(terms, f"{name}_terms", shape=(None,), kind="U")
        must_be(state[f"{name}_documents_with"], f"{name}_documents_with", shape=(terms.size,), kind="i")
        scores = sparse(
            name,
            state[f"{name}_data"],
            state[f"{name}_indices"],
            state[f"{name}_indptr"],
            (terms.size, n_documents),
        )
        return cls(terms, scores, state[f"{name}_documents_with"])
