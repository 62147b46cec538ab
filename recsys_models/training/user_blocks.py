"""Work on many users in blocks, on several cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys_models.training.threads import blas

USERS = 256
"""Number of users per block, which bounds memory at about USERS x candidates x rank floats per thread."""
THREADS = min(4, os.cpu_count() or 1)
"""Number of blocks in progress at once."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def over_blocks(function: Callable[[NDArray[Any]], Result], rows: NDArray[np.integer]) -> list[Result]:
    """Results of the function for blocks of `USERS` rows, in their order; several blocks are computed at once.

    Meanwhile NumPy's matrix products use one core each: parallel products that each use all cores wait for one another
    (24 s instead of 20).
    """
    blocks = [rows[start : start + USERS] for start in range(0, rows.size, USERS)]
    with blas(1), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, blocks))


def one_ahead(function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
    """Results of the function for the parts, in order; a thread computes the next one while one is used."""
    context = copy_context()
    with ThreadPoolExecutor(1) as thread:
        coming = None
        for part in parts:
            ready, coming = coming, thread.submit(context.run, function, part)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()
