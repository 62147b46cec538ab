"""Chance: values for the tables of the statements, drawn from one source."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any


class Chance:
    """Values drawn from one source of chance; a share of them is NULL."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def maybe(self, value: Any, share: float = 0.1) -> Any:
        return None if self.chance.random() < share else value

    def of(self, *values: Any, none: float = 0.1) -> Any:
        return self.maybe(self.chance.choice(values), none)

    def id(self, last: int, none: float = 0.05) -> int | None:
        return self.maybe(self.chance.randint(1, last), none)

    def money(self, low: int, high: int, none: float = 0.05) -> Decimal | None:
        return self.maybe(Decimal(self.chance.randint(low * 4, high * 4)) / 4, none)

    def number(self, low: int, high: int, none: float = 0.05) -> float | None:
        return self.maybe(self.chance.randint(low * 4, high * 4) / 4, none)

    def day(self, first: str = "2023-01-01", days: int = 700) -> date:
        return date.fromisoformat(first) + timedelta(days=self.chance.randrange(days))

    def moment(self, first: str = "2023-01-01", hours: int = 24 * 700, step: int = 6) -> datetime:
        return datetime.fromisoformat(first) + timedelta(hours=self.chance.randrange(0, hours, step))
