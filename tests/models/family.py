"""A model family as the parts of its contract see it."""

from __future__ import annotations

from typing import Any

import pytest

from recsys_models import Interactions, Recommender
from tests.models.checkerboard import checkerboard


class Family:
    """What is asked: subclasses say how to make a model and whether it learns tastes at all."""

    personal = True
    """False for families that recommend the same to everybody."""
    folds_exactly = False
    """Whether a user's scores follow from the user's row, so that folding it in gives them again."""
    folds_within = 1e-4
    """Largest difference of scores that rounding may make between a customer folded in alone and among others."""
    old_folds_within = 1e-4
    """Largest difference of scores between a model and its file of before folding in, whose map is computed anew."""

    def make(self, **params: Any) -> Recommender:
        raise NotImplementedError

    def data(self) -> Interactions:
        """The checkerboard; families that need more columns add them."""
        return checkerboard()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> Recommender:
        family = cls()
        return family.make().fit(family.data())
