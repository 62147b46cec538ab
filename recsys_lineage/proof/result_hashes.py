"""Answer: a statement's result as hashes, for comparing two runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Answer:
    """Result of a statement: a hash of every value, by column, in the order of the rows.

    Equal values have equal hashes; floating point numbers are equal if their first ten digits are.

    Args:
        hashes: one array of uint64 for each column, all of one length.
        rows: the number of rows.
    """

    hashes: tuple[np.ndarray, ...]
    rows: int

    def sequence(self, columns: Collection[int]) -> np.ndarray:
        """One hash for each row, over some of the columns, in the order of the rows."""
        mixed = np.zeros(self.rows, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for place in sorted(columns):
                mixed = (mixed ^ (self.hashes[place] + np.uint64(place))) * _ODD
                mixed ^= mixed >> np.uint64(29)
        return mixed

    def bag(self, columns: Collection[int]) -> np.ndarray:
        """The same as `sequence`, sorted: equal if two runs gave the same rows equally often, in any order."""
        return np.sort(self.sequence(columns))

    def count(self, row: int, columns: Collection[int], of: Answer) -> int:
        """Number of times that a row of another answer occurs in this one, compared by some columns."""
        return int(np.count_nonzero(self.sequence(columns) == of.sequence(columns)[row]))


def same(one: Answer, other: Answer, columns: Collection[int], *, in_order: bool) -> bool:
    """Whether two answers agree in some columns taken together, each row as often.

    Args:
        one: an answer.
        other: another answer of the same statement.
        columns: indices of the compared columns.
        in_order: whether the rows must be in the same order too.
    """
    if one.rows != other.rows:
        return False
    if in_order:
        return bool(np.array_equal(one.sequence(columns), other.sequence(columns)))
    return bool(np.array_equal(one.bag(columns), other.bag(columns)))


def changed_together(
    one: Answer, other: Answer, columns: Sequence[int], *, in_order: bool
) -> tuple[int, ...]:
    """The fewest of some columns in which two answers differ; empty if they agree.

    Columns that differ by themselves are all named. If only whole rows differ, because values moved to other rows,
    columns are left out one after the other while the rest still differs.

    Args:
        one: an answer.
        other: another answer of the same statement.
        columns: indices of the compared columns.
        in_order: whether a different order of the rows is a difference.
    """
    if not columns or same(one, other, columns, in_order=in_order):
        return ()
    alone = tuple(place for place in columns if not same(one, other, [place], in_order=in_order))
    if alone:
        return alone
    left = list(columns)
    for place in columns:
        fewer = [each for each in left if each != place]
        if fewer and not same(one, other, fewer, in_order=in_order):
            left = fewer
    return tuple(left)
