"""Interned: values that occur in millions of rows, each stored once and represented by a small number."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

NOTHING = -1
"""The number that stands for no value."""


class Interned:
    """Texts and their numbers, counted from 0 in the order in which the texts were first seen. It only grows."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, number: int) -> str:
        return self._texts[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def number(self, text: str) -> int:
        """The number of a text; a new text gets the next number."""
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def find(self, text: str) -> int | None:
        """The number of a text; None where it has none."""
        return self._numbers.get(text)

    def numbers(self, texts: pl.Series, prefix: str = "") -> pl.Series:
        """The numbers of a column of texts, each with a prefix, in bulk; `NOTHING` for null."""
        there = texts.unique(maintain_order=True).drop_nulls().to_list()
        if not there:
            return pl.repeat(NOTHING, len(texts), dtype=pl.Int32, eager=True).alias(texts.name)
        numbers = [self.number(prefix + text) for text in there]
        return texts.replace_strict(there, numbers, default=NOTHING, return_dtype=pl.Int32)
