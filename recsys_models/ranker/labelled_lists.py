"""Training data of the ranker: users' candidates with their features, and which of them are hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.ranker.candidate_generator import CandidateGenerator
from recsys_models.training.user_blocks import over_blocks
from recsys_models.training.validation import hits_at_k, unseen


@dataclass(frozen=True, eq=False)
class LabelledLists:
    """Lists of candidates, as many for each user, with at least one hit each.

    Attributes:
        features: shape (users, candidates, features).
        hit: shape (users, candidates).
    """

    features: NDArray[np.float32]
    hit: NDArray[np.bool_]

    @classmethod
    def of(
        cls, generator: CandidateGenerator, labels: Interactions, *, candidates: int, users: int, seed: int
    ) -> LabelledLists | None:
        """Candidates of the generator, labelled as hits where they are among the labels.

        Users without a hit are left out, as there is nothing to learn from the order of their candidates.

        Args:
            candidates: number of candidates per user.
            users: largest number of users, drawn at random where there are more.

        Returns:
            None where no candidate is a hit.
        """
        relevant = unseen(labels, generator.seen)
        known = np.diff(generator.seen.indptr) > 0
        rows = np.flatnonzero((np.diff(relevant.indptr) > 0) & known)
        if rows.size > users:
            rows = np.sort(np.random.default_rng(seed).choice(rows, users, replace=False))

        def described(block: NDArray[np.integer]) -> LabelledLists | None:
            items, best = generator.candidates(block, candidates)
            hit = hits_at_k(items.astype(np.int32), relevant, block)
            found = hit.any(1)
            if not found.any():
                return None
            return cls(generator.described(block[found], items[found], best[found]), hit[found])

        return cls.joined(over_blocks(described, rows))

    @classmethod
    def joined(cls, parts: Iterable[LabelledLists | None]) -> LabelledLists | None:
        """Several lists concatenated; None if there are none."""
        found = [part for part in parts if part is not None]
        if len(found) < 2:
            return found[0] if found else None
        return cls(
            np.concatenate([part.features for part in found]), np.concatenate([part.hit for part in found])
        )

    def sample(
        self, share: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
        """A sample of the candidates: all hits, and a share of the others.

        Returns:
            Features (rows, features), hits (rows,), and the number of rows of each user, (users,); they follow each
            other.
        """
        kept = self.hit | (rng.random(self.hit.shape) < share)
        return self.features[kept], self.hit[kept], kept.sum(1)
