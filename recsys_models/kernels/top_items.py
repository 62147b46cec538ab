"""Top items by score, descending; items of equal score stand in the order of their row numbers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

BLOCK_CELLS = 4_000_000
"""Number of scores per block (16 MB of float32); it determines how many users are ranked at once. Larger blocks are
slower, because glibc maps fresh pages for each array of 32 MB."""
PART_CELLS = 1_000_000
"""Number of scores that one thread ranks at a time (4 MB of float32)."""
STRIPE = 64
"""Largest number of columns per stripe."""


def block_rows(n_items: int) -> int:
    """Number of users to score at once."""
    return max(1, min(4096, BLOCK_CELLS // max(1, n_items)))


def mask_items(scores: NDArray[np.float32], items: sp.csr_array, rows: NDArray[np.integer]) -> None:
    """Set to -inf, in place, the scores of the items that each of the users `rows` of `items` has.

    Args:
        scores: shape (len(rows), n_items).
        items: users by items; only its pattern counts.
        rows: row of `items` for each row of `scores`, -1 for none.
    """
    known = np.flatnonzero(rows >= 0)
    chosen = items[rows[known]]
    at = np.repeat(known, np.diff(chosen.indptr))
    scores[at, chosen.indices] = -np.inf


def top_k(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k best columns of each row and their scores, best first; equal scores by column ascending.

    The columns are divided into stripes, and a row's threshold is its stripe maximum of rank k + 1. Where at least k
    scores exceed it, they hold the k best and all that tie with these. Where fewer do, at least k + 1 scores reach it,
    so the k-th best score is the threshold itself. Only the few scores above the threshold are sorted.

    Args:
        scores: shape (n, m). -inf marks items that must not be returned.

    Returns:
        Columns (-1 where fewer than k are left) and scores (-inf there), both of shape (n, k).

    Raises:
        ValueError: a score is NaN.
    """
    n, m = scores.shape
    most = min(k, m)
    columns = np.full((n, k), -1, np.int32)
    values = np.full((n, k), -np.inf, np.float32)
    if not n or not most:
        return columns, values
    scores = np.ascontiguousarray(scores, np.float32)
    step = max(1, PART_CELLS // m)

    def rank(start: int) -> None:
        part = slice(start, start + step)
        columns[part, :most], values[part, :most] = _ranked(scores[part], most, start)

    if n <= step:
        rank(0)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(rank, range(0, n, step)))
    return columns, values


def _ranked(
    scores: NDArray[np.float32], most: int, first_row: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """`top_k` of rows that a thread takes at once; shape (n, m), n ≥ 1, m ≥ kept ≥ 1."""
    n, m = scores.shape
    threshold = _threshold(scores, most, first_row)
    row, column = np.divmod(np.flatnonzero(scores > threshold[:, None]), m)
    count = np.bincount(row, minlength=n)
    short = np.flatnonzero((count < most) & (threshold > -np.inf))
    if short.size:
        level = [_first(scores[r], threshold[r], most - count[r]) for r in short]
        row = np.concatenate([row, np.repeat(short, [found.size for found in level])])
        column = np.concatenate([column, *level])
        order = np.argsort(row * m + column)
        row, column = row[order], column[order]
        count = np.bincount(row, minlength=n)
    place = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    shape = (n, max(most, int(count.max())))
    found, at = np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int32)
    found[row, place], at[row, place] = scores[row, column], column
    order = np.argsort(-found, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(at, order, 1), np.take_along_axis(found, order, 1)


def _first(row: NDArray[np.float32], value: np.float32, count: int) -> NDArray[np.intp]:
    """Columns of the first `count` occurrences of a value in a row that holds it at least that often."""
    found = np.flatnonzero(row[:1024] == value)
    if found.size < count:
        found = np.flatnonzero(row == value)
    return found[:count]


def _threshold(scores: NDArray[np.float32], k: int, first_row: int) -> NDArray[np.float32]:
    """The stripe maximum of rank k + 1 of each row, -inf where k is the number of columns; shape (n,).

    Stripe c holds the columns c, c + width, c + 2 width, …, so that maxima are taken over whole rows of memory.
    """
    n, m = scores.shape
    width = -(-m // max(1, min(STRIPE, m // (8 * (k + 1)))))
    depth = m // width
    peaks = scores[:, : depth * width].reshape(n, depth, width).max(1)
    rest = scores[:, depth * width :]
    np.maximum(peaks[:, : rest.shape[1]], rest, out=peaks[:, : rest.shape[1]])
    bad = np.isnan(peaks).any(1)
    if bad.any():
        raise ValueError(f"expected finite scores or -inf, found NaN in row {first_row + int(bad.argmax())}")
    if k >= width:
        return np.full(n, -np.inf, np.float32)
    return np.partition(peaks, width - k - 1, axis=1)[:, width - k - 1]
