"""Rows of the tables of a telephone company, a hospital, a network of sensors, a bank and a web site."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.statements.chance import Chance


class ServiceData(Chance):
    """Calls, stays in hospital, readings of sensors, transfers of money, visits of pages."""

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
