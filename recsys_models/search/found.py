"""Found: the result of a query to the search index."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Found(NamedTuple):
    """Result of a query.

    Attributes:
        rows: of the index's items, best first.
        scores: (n,) float32.
        meant: the query with unknown words replaced by known ones; None where none was.
        categories: the most probable categories of the query, with their probabilities.
        parts: name of each weight → (n,) what it added to the scores.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    meant: str | None
    categories: list[tuple[str, float]]
    parts: dict[str, NDArray[np.float32]]
