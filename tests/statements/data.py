"""Small data for the tables of the statements, made by chance from a seed.

It is dense in keys, so that joins hit, and has NULLs, ties and duplicates. Numbers with a point are multiples of a
quarter, so that their sums are the same in every order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any


class Maker:
    """Rows of every table from one source of chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        make: Callable[[], list[tuple[Any, ...]]] = getattr(self, f"_{table}")
        made = make()
        self.chance.shuffle(made)
        return made

    # --- values -------------------------------------------------------------------------------------------

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

    # --- retail -------------------------------------------------------------------------------------------

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

    # --- shipping -----------------------------------------------------------------------------------------

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

    # --- telephony ----------------------------------------------------------------------------------------

    def _subscribers(self) -> list[tuple[Any, ...]]:
        return [
            (number, f"+4366{number:04}", self.of("S", "M", "L"), self.day("2023-10-01", 200), self.id(6))
            for number in range(1, 17)
        ]

    def _plans(self) -> list[tuple[Any, ...]]:
        return [
            ("S", Decimal("9.50"), 5),
            ("M", Decimal("19.25"), 20),
            ("L", Decimal("35.00"), 60),
            ("XL", None, 90),
        ]

    def _cells(self) -> list[tuple[Any, ...]]:
        return [
            (number, f"Site {number}", self.of("4G", "5G"), self.of("east", "west", "centre"))
            for number in range(1, 8)
        ]

    def _calls(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(14),
                self.id(14),
                self.moment("2024-01-01", 24 * 40, 1),
                self.maybe(self.chance.choice([10, 60, 200, 400, 900])),
                self.id(7),
                self.of(True, False, False),
            )
            for number in range(1, 141)
        ]

    # --- hospital -----------------------------------------------------------------------------------------

    def _patients(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("Ida", "Jon", "Kim", "Lea"),
                self.of("f", "m"),
                self.day("1940-01-01", 25000),
                self.of("AOK", "Vita"),
            )
            for number in range(1, 19)
        ]

    def _wards(self) -> list[tuple[Any, ...]]:
        return [(1, "surgery", 1), (2, "cardiology", 2), (3, "maternity", None), (4, "surgery", 4)]

    def _doctors(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                f"Dr {number}",
                self.of("heart", "bones", "children"),
                self.maybe(self.chance.randint(1, number - 1), 0.2) if number > 1 else None,
            )
            for number in range(1, 9)
        ]

    def _stays(self) -> list[tuple[Any, ...]]:
        made = []
        for number in range(1, 51):
            admitted = self.moment("2024-01-01", 24 * 150)
            codes = [
                self.chance.choice(["I10", "E11", "J45", "M54"]) for _ in range(self.chance.randint(0, 4))
            ]
            left = admitted + timedelta(hours=self.chance.choice([12, 60, 200, 400]))
            made.append(
                (number, self.id(16), self.id(4), self.id(8), admitted, self.maybe(left), self.maybe(codes))
            )
        return made

    def _measurements(self) -> list[tuple[Any, ...]]:
        kinds = {"temperature": (36, 40), "pulse": (50, 130), "oxygen": (85, 99)}
        made = []
        for number in range(1, 161):
            kind = self.chance.choice(list(kinds))
            made.append(
                (number, self.id(50), self.moment("2024-01-01", 24 * 170), kind, self.number(*kinds[kind]))
            )
        return made

    def _prescriptions(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(30),
                self.of("ibu", "para", "pen"),
                self.number(1, 4),
                self.of("g", "mg"),
                self.day("2024-01-01", 25),
                self.maybe(self.chance.randint(2, 14)),
            )
            for number in range(1, 71)
        ]

    # --- sensors ------------------------------------------------------------------------------------------

    def _devices(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("roof", "cellar", "yard"),
                self.of("T1", "T2"),
                self.day("2023-01-01", 300),
                {
                    "interval_s": self.chance.choice([30, 60, 300]),
                    "thresholds": {"low": self.number(0, 10), "high": self.number(18, 26)},
                    "labels": self.maybe(
                        self.chance.sample(["in", "out", "wet", "dry"], self.chance.randint(1, 3))
                    ),
                },
            )
            for number in range(1, 8)
        ]

    def _readings(self) -> list[tuple[Any, ...]]:
        return [
            (
                device,
                datetime(2024, 5, 1) + timedelta(hours=hours),
                self.number(5, 30, 0.1),
                self.number(20, 90, 0.1),
                self.maybe(100 - hours // 3 - self.chance.randint(0, 2)),
            )
            for device in (1, 2, 3, 4, 5, 6)
            for hours in self.chance.sample(range(0, 96, 2), 22)
        ]

    def _calibrations(self) -> list[tuple[Any, ...]]:
        return [
            (device, datetime(2024, 4, 30) + timedelta(hours=hours), self.number(-2, 2))
            for device in range(1, 6)
            for hours in self.chance.sample(range(1, 120, 12), 3)
        ]

    def _alerts(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(7),
                self.moment("2024-05-01", 96, 1),
                self.of("low", "high", "off"),
                self.of("too warm", "no signal", "battery"),
            )
            for number in range(1, 26)
        ]

    # --- money, people and pages --------------------------------------------------------------------------

    def _employees(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("Lou", "Max", "Nia", "Oz", none=0),
                self.of("sales", "tech", "law"),
                self.maybe(self.chance.randint(1, number - 1), 0.1) if number > 1 else None,
                self.money(2000, 2010),
                self.day("2015-01-01", 3000),
            )
            for number in range(1, 19)
        ]

    def _budgets(self) -> list[tuple[Any, ...]]:
        return [
            (department, year, *(self.maybe(self.chance.randint(5, 9) * 1000) for _ in range(4)))
            for department in ("sales", "tech", "law")
            for year in (2023, 2024)
        ]

    def _accounts(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("Ann", "Bo", "Cy", none=0),
                self.of("EUR", "USD", "GBP", "SEK", none=0.05),
                self.day("2020-01-01", 900),
            )
            for number in range(1, 11)
        ]

    def _transfers(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(9),
                self.id(9),
                self.money(1, 50, 0.03),
                self.day("2024-01-01", 90),
                self.of("rent", "void it", "gift"),
            )
            for number in range(1, 46)
        ]

    def _sessions(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.of("ann", "bo", "cy"),
                self.moment("2024-01-01", 24 * 30),
                self.of("ad", "search", "mail"),
                self.of("phone", "desk"),
            )
            for number in range(1, 31)
        ]

    def _clicks(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.id(30),
                self.moment("2024-01-10", 24 * 30, 1),
                self.of("home", "list", "item", "pay", "help"),
                self.maybe(self.chance.randint(50, 900)),
            )
            for number in range(1, 141)
        ]
