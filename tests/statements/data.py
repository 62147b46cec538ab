"""Small data for the tables of the statements, made by chance from a seed.

It is dense in keys, so that joins hit, and has NULLs, ties and duplicates. Numbers with a point are multiples of a
quarter, so that their sums are the same in every order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.statements.ledger_data import LedgerData
from tests.statements.retail_data import RetailData
from tests.statements.service_data import ServiceData

_NAMES = {"Größen": "sizes"}


class Maker(RetailData, ServiceData, LedgerData):
    """Rows of every table."""

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of one table, in an order by chance."""
        make: Callable[[], list[tuple[Any, ...]]] = getattr(self, f"_{_NAMES.get(table, table)}")
        made = make()
        self.chance.shuffle(made)
        return made
