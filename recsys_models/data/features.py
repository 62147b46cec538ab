"""Features of users or items, as a sparse table of named numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys_models.data.ids import Ids, as_ids, rows_of
from recsys_models.data.semantic import DIMENSIONS, semantic_vectors

WORD = re.compile(r"[^\W\d_]{2,}")
"""A word of a text: two or more letters."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of users or items: `values` is a finite float32 CSR (n, f) with row r for `ids[r]`, column c for
    `names[c]`."""

    ids: Ids
    names: tuple[str, ...]
    values: sp.csr_array

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        id: str,
        *,
        numeric: Sequence[str] = (),
        categorical: Sequence[str] = (),
        text: Sequence[str] = (),
        words: int = 2000,
        encoder: str = "tf-idf",
    ) -> Features:
        """Features from the columns of a frame: numbers standardised, categories one-hot, texts as vectors of length 1.
        A null category or text is all zeros.

        Args:
            encoder: encoder of texts. "tf-idf": the `words` most common words of a column (Salton & Buckley 1988);
                "semantic": embeddings of 384 numbers, by a sentence encoder that comes with the extra `semantic`.

        Raises:
            ModuleNotFoundError: "semantic" without its extra.
            ValueError: unknown encoder, a column is missing, an id comes twice, or a number is null or not finite; the
                message names the column.
        """
        if encoder not in ("tf-idf", "semantic"):
            raise ValueError(f"encoder: expected 'tf-idf' or 'semantic', found {encoder!r}")
        for name in (id, *numeric, *categorical, *text):
            if name not in frame.columns:
                raise ValueError(f"expected a column {name!r}, found {frame.columns}")
        ids = as_ids(frame[id], id)
        if np.unique(ids).size != ids.size:
            raise ValueError(
                f"column {id!r}: expected each id once, found {ids.size - np.unique(ids).size} repeated rows"
            )
        parts: list[sp.csr_array] = []
        names: list[str] = []
        for name in numeric:
            values = frame[name].cast(pl.Float64).to_numpy()
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                raise ValueError(
                    f"column {name!r}: expected finite numbers, found {values[bad[0]]} in row {bad[0]} "
                    f"({bad.size} such rows); drop or fill them"
                )
            spread = values.std() or 1.0
            parts.append(sp.csr_array(((values - values.mean()) / spread)[:, None]))
            names.append(name)
        for name in categorical:
            column = frame[name].cast(pl.String)
            levels = column.drop_nulls().unique().sort().to_list()
            code = dict(zip(levels, range(len(levels)), strict=True))
            parts.append(_one_hot([code.get(value, -1) for value in column.to_list()], len(levels)))
            names += [f"{name}={level}" for level in levels]
        for name in text:
            texts = [value or "" for value in frame[name].cast(pl.String).to_list()]
            if encoder == "semantic":
                table, labels = sp.csr_array(semantic_vectors(texts)), [str(n) for n in range(DIMENSIONS)]
            else:
                table, labels = _tf_idf(texts, words)
            parts.append(table)
            names += [f"{name}:{label}" for label in labels]
        stacked = sp.hstack(parts, format="csr") if parts else sp.csr_array((ids.size, 0))
        return cls(ids, tuple(names), sp.csr_array(stacked.astype(np.float32)))

    def digest(self) -> bytes:
        """Hash of the whole content."""
        known = hashlib.sha256(json.dumps([self.ids.tolist(), self.names]).encode())
        for array in (self.values.indptr, self.values.indices, self.values.data):
            known.update(array.tobytes())
        return known.digest()

    def of(self, ids: Ids) -> sp.csr_array:
        """Feature rows of these ids, shape (len(ids), f), zeros for unknown ones."""
        row = rows_of(ids, self.ids, "features")
        known = np.flatnonzero(row >= 0)
        pick = sp.csr_array(
            (np.ones(known.size, np.float32), (known, row[known])), shape=(ids.size, self.ids.size)
        )
        return sp.csr_array(pick @ self.values)


def _one_hot(codes: list[int], width: int) -> sp.csr_array:
    column = np.array(codes, np.int64)
    known = np.flatnonzero(column >= 0)
    return sp.csr_array((np.ones(known.size), (known, column[known])), shape=(column.size, width))


def _tf_idf(texts: list[str], words: int) -> tuple[sp.csr_array, list[str]]:
    counted = [Counter(WORD.findall(text.lower())) for text in texts]
    documents: Counter[str] = Counter()
    for counts in counted:
        documents.update(counts.keys())
    vocabulary = sorted(sorted(documents, key=lambda word: (-documents[word], word))[:words])
    place = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    cells = [
        (row, place[w], n) for row, counts in enumerate(counted) for w, n in counts.items() if w in place
    ]
    shape = (len(texts), len(vocabulary))
    if not cells:
        return sp.csr_array(shape, dtype=np.float64), vocabulary
    row, column, count = (np.array(part) for part in zip(*cells, strict=True))
    rare = np.log(len(texts) / np.array([documents[word] for word in vocabulary])) + 1
    table = sp.csr_array((count * rare[column], (row, column)), shape=shape)
    length = np.sqrt(np.asarray(table.power(2).sum(axis=1)).ravel())
    scaled = table * (1 / np.maximum(length, 1e-12))[:, None]
    return sp.csr_array(scaled), vocabulary
