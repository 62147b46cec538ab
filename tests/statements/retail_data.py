"""Rows of the tables of a retailer and of a shipping line."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.statements.chance import Chance


class RetailData(Chance):
    """Customers, products, stores and what is sold; ports, vessels and what they carry."""

    def _customers(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("Ann", "Bo", "Cleo", "Dan", "Eve", "Finn"),
                f"{number}@example.org",
                self.of("Ulm", "Bern", "Linz", "Graz"),
                self.of("north", "south", "west"),
                self.day("1950-01-01", 20000),
                self.day("2022-01-01", 400),
                self.of("home", "business", "club"),
                self.maybe(self.chance.randint(1, number - 1), 0.4) if number > 1 else None,
                self.maybe(
                    self.chance.sample(["new", "vip", "home", "late", "club"], self.chance.randint(0, 3)), 0.1
                ),
                {
                    "street": self.of("Main St", "Park Rd"),
                    "zip": self.of("1000", "2000", "3000"),
                    "country": self.of("AT", "CH", "DE"),
                },
            )
            for number in range(1, 25)
        ]

    def _products(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                f"{self.of('Red', 'Blue', 'Old', none=0)} {self.of('cup', 'pan', 'lamp', none=0)} {number % 5}",
                self.of("kitchen", "light", "garden"),
                self.of("Acme", "Brio", "Cora"),
                self.money(2, 30),
                self.money(1, 20),
                self.maybe(
                    {
                        key: self.of("S", "M", "L", "red", "blue")
                        for key in self.chance.sample(["colour", "size", "weight"], self.chance.randint(0, 3))
                    }
                ),
                self.maybe(self.chance.randint(1, number - 1), 0.3) if number > 1 else None,
            )
            for number in range(1, 17)
        ]

    def _stores(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                f"Store {number}",
                self.of("Ulm", "Bern", "Linz", "Rome"),
                self.of("north", "south", "west"),
                self.day("2021-01-01", 900),
                self.chance.choice([120, 200, 250, 400]),
            )
            for number in range(1, 8)
        ]

    def _sales(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.moment(),
                self.id(22),
                self.id(14, 0.02),
                self.id(7, 0.02),
                self.maybe(self.chance.choice([1, 1, 2, 3, 5, 0]), 0.03),
                self.money(2, 30, 0.02),
                self.of(Decimal(0), Decimal("0.5"), Decimal(1), Decimal("2.5"), none=0.3),
                self.of("web", "store", "phone"),
                self.of("SPRING", "HELLO", none=0.7),
            )
            for number in range(1, 181)
        ]

    def _returns(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(180),
                self.moment("2023-06-01"),
                self.chance.randint(1, 2),
                self.of("broken", "late"),
            )
            for number in range(1, 41)
        ]

    def _inventory(self) -> list[tuple[Any, ...]]:
        return [
            (
                product,
                store,
                date(2024, 1, 1) + timedelta(days=offset),
                self.maybe(self.chance.randint(0, 40)),
            )
            for product in range(1, 11)
            for store in range(1, 6)
            for offset in self.chance.sample([0, 1, 2, 5, 9, 14], self.chance.randint(1, 3))
        ]

    def _price_changes(self) -> list[tuple[Any, ...]]:
        return [
            (product, datetime(2023, 1, 1) + timedelta(days=days), self.money(2, 30))
            for product in range(1, 13)
            for days in self.chance.sample(range(0, 600, 20), 3)
        ]

    def _ports(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                f"Port {number}",
                self.of("NL", "ES", "GR"),
                self.number(30, 60, 0.02),
                self.number(-10, 30, 0.02),
            )
            for number in range(1, 9)
        ]

    def _vessels(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                f"Vessel {number}",
                self.chance.choice([400, 800, 1600]),
                self.maybe(1990 + number % 4 * 8),
                self.of("NL", "PA"),
            )
            for number in range(1, 8)
        ]

    def _voyages(self) -> list[tuple[Any, ...]]:
        made = []
        for number in range(1, 46):
            departed = self.moment("2024-01-01", 24 * 200)
            made.append(
                (
                    number,
                    self.id(6, 0.02),
                    self.chance.randint(1, 5),
                    self.chance.randint(1, 6),
                    departed,
                    self.maybe(departed + timedelta(hours=self.chance.choice([20, 40, 44, 90]))),
                    self.number(5, 300),
                )
            )
        return made

    def _containers(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(45),
                self.of("Hapa", "Maro", "Cosa", none=0.05),
                float(self.chance.choice([8, 64, 128, 512]) * 1000),
                self.of("toys", "acid", "cars"),
                self.of(True, False),
            )
            for number in range(1, 121)
        ]

    def _routes(self) -> list[tuple[Any, ...]]:
        pairs = [(a, b) for a in range(1, 8) for b in range(1, 8) if a != b]
        return [(a, b, self.chance.choice([100, 150, 300, 800])) for a, b in self.chance.sample(pairs, 14)]
