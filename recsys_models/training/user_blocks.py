"""Work on many users at once: some of them at a time, on every core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

USERS = 256
"""Of a block; bounds memory at about USERS x candidates x rank floats a thread."""
THREADS = min(4, os.cpu_count() or 1)

Result = TypeVar("Result")


def over_blocks(function: Callable[[NDArray[Any]], Result], rows: NDArray[np.integer]) -> list[Result]:
    """What the function gives for each `USERS` of the rows, in their order; several at the same time.

    Matrix products of NumPy take one core each meanwhile: those that run side by side and each take all cores wait for
    one another (24 s instead of 20). Only the process's main thread may limit them; asked by others, they are not.
    """
    blocks = [rows[start : start + USERS] for start in range(0, rows.size, USERS)]
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, blocks))


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
