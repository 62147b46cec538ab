"""SearchIndex: finds items by words, parts of words and meaning of their titles, and by what a customer likes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_models.fitted.model_files import ModelFileError, from_files, to_files
from recsys_models.fitted.state_arrays import must_be
from recsys_models.search.encoder import Encoder
from recsys_models.search.found import Found
from recsys_models.search.intent import Click, Intent
from recsys_models.search.items_of_documents import ItemsOfDocuments
from recsys_models.search.spelling import Spelling
from recsys_models.search.term_index import TermIndex
from recsys_models.search.weights import Weights
from recsys_models.search.words import MOST_WORDS, trigrams, words

_FILES = "search_index"
REORDERED = 200
"""Number of a query's best results that are reordered by the customer's taste."""
EXACT = 100.0
"""Score of the item whose id is the query; scores of words stay below 3."""
LEAST_TRIGRAMS = 0.34
"""Share of a query's trigrams, weighted by rarity, from which an item without any of its words is found."""
LEAST_MEANING = 0.5
"""Cosine from which an item that shares no word with the query is found."""
SURE = 0.5
"""Probability from which a query is taken to ask for a category, if no title has anything of it."""
LEAST_ALIKE = 0.2
"""Share of the trigrams, or half a cosine, from which a title is suggested where nothing is found."""

Taste = Callable[[NDArray[np.int32]], NDArray[np.float32]]
"""Function from rows of items to a customer's scores, NaN where nothing is known."""


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """An index over items. Items with the same text share a document, so that each text is processed once.

    Attributes:
        item_ids: (n_items,) str.
        document_of: (n_items,) int32, the document of each item.
        popularity: (n_items,) float32, from 0 to 1, the share of items that fewer customers had.
        category_of: (n_documents,) int32, row of `intent.categories`; -1 where there is none.
        title_words: (n_documents,) str, the different words of each title, in order.
        by_words: the words of title and groups.
        by_trigrams: the trigrams of the title.
        intent: which categories a query asks for.
        vectors: (n_documents, n_dimensions) float32 of length 1; without columns where there is no encoder.
        encoder: name of the encoder that made them; None without one.
        weights: of the signals that rank results.
    """

    item_ids: NDArray[np.str_]
    document_of: NDArray[np.int32]
    popularity: NDArray[np.float32]
    category_of: NDArray[np.int32]
    title_words: NDArray[np.str_]
    by_words: TermIndex
    by_trigrams: TermIndex
    intent: Intent
    vectors: NDArray[np.float32]
    encoder: str | None
    weights: Weights = field(default_factory=Weights)

    @classmethod
    def of(
        cls,
        item_ids: Sequence[str],
        titles: Sequence[str],
        texts: Sequence[str],
        categories: Sequence[str | None],
        customers: Sequence[float] | NDArray[Any],
        encoder: Encoder | None = None,
        weights: Weights | None = None,
        clicks: Iterable[Click] = (),
    ) -> SearchIndex:
        """The index of items.

        Args:
            item_ids: each once.
            titles: of the items.
            texts: title and groups of each, in one line.
            categories: of the items.
            customers: number of customers who had each item.
            encoder: makes vectors of titles; without one nothing is found by meaning.
            clicks: items chosen from earlier searches, from which the intent learns which categories words ask for.

        Raises:
            ValueError: the columns differ in length, or an id comes twice.
        """
        n = len(item_ids)
        lengths = {len(titles), len(texts), len(categories), len(customers), n}
        if len(lengths) > 1:
            raise ValueError(f"expected columns of one length, found lengths {sorted(lengths)}")
        if len(set(item_ids)) < n:
            raise ValueError("expected each item once, found an id twice")
        documents: dict[tuple[str, str, str | None], int] = {}
        document_of = np.array(
            [
                documents.setdefault(each, len(documents))
                for each in zip(titles, texts, categories, strict=True)
            ],
            np.int32,
        )
        by_words = TermIndex.of([words(text) for _, text, _ in documents])
        by_trigrams = TermIndex.of([trigrams(words(title)) for title, _, _ in documents])
        intent = Intent.of(by_words, [category for _, _, category in documents], clicks)
        place = {name: row for row, name in enumerate(intent.categories.tolist())}
        category_of = np.array([place.get(category or "", -1) for _, _, category in documents], np.int32)
        vectors = np.zeros((len(documents), 0), np.float32)
        if encoder is not None:
            vectors = encoder.encode([title for title, _, _ in documents])
        keys = [_different(words(title)) for title, _, _ in documents]
        title_words = np.array(keys, np.str_) if keys else np.empty(0, "<U1")
        counts = np.asarray(customers, np.float64)
        ranked = np.searchsorted(np.sort(counts), counts) / max(1, n)
        ids = np.array(list(item_ids), np.str_) if n else np.empty(0, "<U1")
        return cls(
            ids,
            document_of,
            ranked.astype(np.float32),
            category_of,
            title_words,
            by_words,
            by_trigrams,
            intent,
            vectors,
            encoder.name if encoder is not None else None,
            weights or Weights(),
        )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.item_ids.size)

    @cached_property
    def item_rows(self) -> dict[str, int]:
        """The row of each item."""
        return {item: row for row, item in enumerate(self.item_ids.tolist())}

    @cached_property
    def of_title(self) -> dict[str, list[int]]:
        """The documents whose titles have exactly some words."""
        found: dict[str, list[int]] = {}
        for document, key in enumerate(self.title_words.tolist()):
            found.setdefault(key, []).append(document)
        return found

    @cached_property
    def _items_of(self) -> ItemsOfDocuments:
        return ItemsOfDocuments.of(self.document_of, self.category_of.size)

    @cached_property
    def _popularities(self) -> tuple[float, float]:
        """The smallest and the largest popularity."""
        return (float(self.popularity.min()), float(self.popularity.max())) if self.n_items else (0.0, 0.0)

    @cached_property
    def spelling(self) -> Spelling:
        """The words of the index, for corrections."""
        terms, counts = self.by_words.terms.tolist(), self.by_words.documents_with.tolist()
        return Spelling(dict(zip(terms, counts, strict=True)))

    def search(
        self,
        query: str,
        k: int = 20,
        *,
        encoder: Encoder | None = None,
        allowed: NDArray[np.bool_] | None = None,
        taste: Taste | None = None,
    ) -> Found:
        """The k items for a query, best first; fewer if there are not enough.

        An item is found if it has a word of the query, or enough of its trigrams, or a title that means nearly the
        same. An item whose id is the query comes first.

        Args:
            query: words in any order; an unknown one stands for the known word that was probably meant.
            encoder: the one that made the index's vectors; without it nothing is found by meaning.
            allowed: (n_items,) which items may be found; None: all.
            taste: scores of items for the customer.

        Raises:
            ValueError: the encoder is another one than that of the index.
        """
        if encoder is not None and encoder.name != self.encoder:
            raise ValueError(
                f"expected the encoder {self.encoder}, found {encoder.name}; make the index again"
            )
        query_words = words(query)[:MOST_WORDS]
        if not query_words or not self.n_items:
            return Found(np.empty(0, np.int32), np.empty(0, np.float32), None, [], {})
        corrected, meant = self._corrected(query_words)
        shares = self.intent.shares(corrected)
        parts, matched = self._matched(query if meant is None else meant, query_words, corrected, encoder)
        if shares.size:
            parts["intent"] = np.where(self.category_of < 0, np.float32(0), shares[self.category_of])
            if not matched.any():  # words that no title has, but that people took items of a category for
                matched = parts["intent"] >= SURE
        weights = asdict(self.weights)
        parts = {name: np.float32(weights[name]) * part for name, part in parts.items()}
        of_document = np.zeros(matched.size, np.float32)
        for part in parts.values():
            of_document += part
        exact = self.item_rows.get(query.strip(), -1)
        wanted, count = max(k, REORDERED), self.weights.popularity
        least, most = (1 + count * popularity for popularity in self._popularities)
        rows = self._items_of.candidates(of_document, np.flatnonzero(matched), wanted, (least, most), allowed)
        if exact >= 0 and (allowed is None or allowed[exact]):
            rows = np.union1d(rows, np.array([exact], np.int32))
        of_text = of_document[self.document_of[rows]]
        of_text[rows == exact] = EXACT
        by_popularity = of_text * (1 + np.float32(count) * self.popularity[rows])
        kept = self._best(by_popularity, wanted)
        rows, of_text = rows[kept], of_text[kept]
        liking = self.popularity[rows]
        if taste is not None:
            liking, count = _liked(taste(rows), liking), self.weights.liking
        raised = (of_text * np.float32(count) * liking).astype(np.float32)
        order = np.argsort(-(of_text + raised), kind="stable")[:k]
        documents = self.document_of[rows[order]]
        scores = {name: part[documents] for name, part in parts.items()} | {"liking": raised[order]}
        categories = _largest(self.intent.categories, shares)
        return Found(rows[order], (of_text + raised)[order], meant, categories, scores)

    def _matched(
        self, spoken: str, query_words: Sequence[str], corrected: Sequence[str], encoder: Encoder | None
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_]]:
        """(n_documents,) match of each document with the query, by signal; and whether it is enough to be found."""
        by_words = self.by_words.coverage(corrected)
        by_trigrams = self.by_trigrams.coverage(trigrams(query_words))
        if corrected != query_words:
            by_trigrams = np.maximum(by_trigrams, self.by_trigrams.coverage(trigrams(corrected)))
        title = np.zeros_like(by_words)
        title[self.of_title.get(_different(corrected), [])] = 1
        parts = {"words": by_words, "trigrams": by_trigrams, "title": title}
        matched = (by_words > 0) | (by_trigrams >= LEAST_TRIGRAMS)
        if encoder is not None and self.vectors.shape[1]:
            parts["meaning"] = np.maximum(self.vectors @ encoder.encode([spoken])[0], 0)
            matched |= parts["meaning"] >= LEAST_MEANING
        return parts, matched

    @staticmethod
    def _best(scores: NDArray[np.float32], n: int) -> NDArray[np.intp]:
        """The places of the n best scores, and of those equal to the last of them, up to four times as many."""
        if scores.size <= n:
            return np.arange(scores.size)
        return np.flatnonzero(scores >= np.partition(scores, scores.size - n)[scores.size - n])[: 4 * n]

    def nearest(
        self,
        query: str,
        n: int = 3,
        *,
        encoder: Encoder | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int32]:
        """Items whose titles are least unlike a query that finds nothing, one a title, or fewer."""
        if not words(query):
            return np.empty(0, np.int32)
        alike = self.by_trigrams.coverage(trigrams(words(query)[:MOST_WORDS]))
        if encoder is not None and self.vectors.shape[1]:
            alike = np.maximum(alike, self.vectors @ encoder.encode([query])[0] / 2)
        scores = alike[self.document_of]
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        rows = np.flatnonzero(scores >= LEAST_ALIKE)
        rows = rows[np.lexsort((-self.popularity[rows], -scores[rows]))]
        _, first = np.unique(self.document_of[rows], return_index=True)
        return rows[np.sort(first)[:n]].astype(np.int32)

    def _corrected(self, query_words: Sequence[str]) -> tuple[list[str], str | None]:
        """The words of a query with unknown ones replaced, and as a text where any was."""
        corrected: list[str] = []
        for word in query_words:
            known = word in self.intent.place  # also one that no title has, but that people type
            corrected += [word] if known else self.spelling.meant(word) or [word]
        return corrected, " ".join(corrected) if corrected != list(query_words) else None

    def to_files(self) -> dict[str, bytes]:
        """The index as a JSON header and safetensors."""
        arrays = {
            "item_ids": self.item_ids,
            "document_of": self.document_of,
            "popularity": self.popularity,
            "category_of": self.category_of,
            "title_words": self.title_words,
            "vectors": self.vectors,
            **self.by_words.state("words"),
            **self.by_trigrams.state("trigrams"),
            **self.intent.state(),
        }
        return to_files(_FILES, {"encoder": self.encoder, "weights": asdict(self.weights)}, arrays)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> SearchIndex:
        """The index of `to_files`.

        Raises:
            ModelFileError: the files are damaged, or hold no index.
        """
        header, arrays = from_files(_FILES, files)
        try:
            return cls._restored(header, arrays)
        except (KeyError, ValueError, TypeError) as error:
            raise ModelFileError(
                f"{_FILES}: expected a search index, found {error!r}; make it again"
            ) from error

    @classmethod
    def _restored(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SearchIndex:
        ids, document_of = arrays["item_ids"], arrays["document_of"]
        must_be(ids, "item_ids", shape=(None,), kind="U")
        must_be(document_of, "document_of", shape=(ids.size,), kind="i")
        must_be(arrays["popularity"], "popularity", shape=(ids.size,), kind="f")
        must_be(arrays["vectors"], "vectors", shape=(None, None), kind="f")
        n = arrays["vectors"].shape[0]
        must_be(arrays["category_of"], "category_of", shape=(n,), kind="i")
        must_be(arrays["title_words"], "title_words", shape=(n,), kind="U")
        by_words = TermIndex.restored("words", arrays, n)
        intent = Intent.restored(arrays)
        for name, rows, end in (
            ("document_of", document_of, n),
            ("category_of", arrays["category_of"], intent.categories.size),
        ):
            if rows.size and (rows.max() >= end or rows.min() < (0 if name == "document_of" else -1)):
                raise ValueError(f"{name}: expected rows below {end}")
        return cls(
            ids,
            document_of,
            arrays["popularity"],
            arrays["category_of"],
            arrays["title_words"],
            by_words,
            TermIndex.restored("trigrams", arrays, n),
            intent,
            arrays["vectors"],
            header["encoder"],
            Weights(**header["weights"]),
        )


def _liked(scores: NDArray[np.float32], popularity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each item's rank among those found, up to 1, by the customer's scores; those without one come last, by
    popularity. Where none has a score it is the popularity."""
    known = np.isfinite(scores)
    if not known.any():
        return popularity
    order = np.lexsort((popularity, np.where(known, scores, -np.inf)))
    liked = np.empty(order.size, np.float32)
    liked[order] = np.arange(1, order.size + 1) / order.size
    return liked


def _different(found: Sequence[str]) -> str:
    return " ".join(sorted(set(found)))


def _largest(names: NDArray[np.str_], shares: NDArray[np.float32], most: int = 3) -> list[tuple[str, float]]:
    """The largest shares, none below a tenth."""
    order = np.argsort(-shares, kind="stable")[:most]
    return [(str(names[at]), float(shares[at])) for at in order if shares[at] >= 0.1]
