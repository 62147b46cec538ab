"""Rows of the tables of billing, a works with its parcels, an app, people over time and meters."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.statements.chance import Chance


class LedgerData(Chance):
    """Plans, invoices and payments; parts and parcels; an app's events; roles and absences; meters."""

    def _plan_periods(self) -> list[tuple[Any, ...]]:
        made = []
        for customer in range(1, 13):
            begin = self.day("2023-01-01", 60)
            for _ in range(self.chance.randint(1, 4)):
                end = begin + timedelta(days=self.chance.choice([30, 60, 90]))
                plan = self.of("S", "M", "L", none=0.05)
                made.append((customer, plan, self.money(5, 9), begin, self.maybe(end, 0.15)))
                begin = end + timedelta(days=self.chance.choice([0, 0, 1, 20]))
        return made

    def _invoices(self) -> list[tuple[Any, ...]]:
        made = []
        for number in range(1, 41):
            issued = self.day("2024-01-01", 150)
            made.append(
                (
                    f"R-{number:03}",
                    self.id(14),
                    issued,
                    self.maybe(issued + timedelta(days=self.chance.choice([14, 30]))),
                    self.of("EUR", "USD", "GBP"),
                    self.of("open", "paid", "paid", "void"),
                )
            )
        return made

    def _invoice_lines(self) -> list[tuple[Any, ...]]:
        return [
            (
                f"R-{number:03}",
                line,
                self.of("flat", "data", "voice", "fee"),
                self.money(1, 40),
                self.of(Decimal("0.200"), Decimal("0.100"), Decimal("0.000")),
            )
            for number in range(1, 39)
            for line in range(1, self.chance.randint(2, 4))
        ]

    def _payments(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.maybe(f"R-{self.chance.randint(1, 42):03}", 0.05),
                self.day("2024-01-10", 170),
                self.money(1, 40),
                self.of("card", "sepa", "cash"),
            )
            for number in range(1, 51)
        ]

    def _fx(self) -> list[tuple[Any, ...]]:
        return [
            (currency, date(2024, 1, 1) + timedelta(days=days), self.number(1, 3, 0.02))
            for currency in ("USD", "GBP")
            for days in self.chance.sample(range(0, 160, 5), 9)
        ]

    def _parts(self) -> list[tuple[Any, ...]]:
        return [
            (
                f"P{number:02}",
                self.of("bolt; steel", "frame", "wheel; 28", "bell", none=0.1),
                self.money(1, 20),
                self.of(True, False),
            )
            for number in range(1, 17)
        ]

    def _part_uses(self) -> list[tuple[Any, ...]]:
        pairs = [(a, b) for a in range(1, 12) for b in range(a + 1, 17) if b - a < 6]
        return [
            (f"P{a:02}", f"P{b:02}", self.maybe(self.chance.randint(1, 3)))
            for a, b in self.chance.sample(pairs, 20)
        ]

    def _parcels(self) -> list[tuple[Any, ...]]:
        return [
            (
                number,
                self.maybe(f"{self.of('web', 'shop', none=0)}-{self.chance.randint(1, 20)}"),
                self.maybe(self.chance.choice([200, 500, 900, 2500, 7000])),
                self.of("VIE", "MUC", "ZRH"),
                self.of("Ulm", "Bern", "Linz", "Graz"),
                self.day("2024-03-01", 12),
            )
            for number in range(1, 31)
        ]

    def _scans(self) -> list[tuple[Any, ...]]:
        made = []
        for parcel in range(1, 29):
            at = self.moment("2024-03-01", 24 * 5)
            for state in ("taken", "sorted", "moved", "moved", "given")[: self.chance.randint(1, 5)]:
                made.append(
                    (self.maybe(parcel, 0.03), at, self.of("VIE", "MUC", "ZRH"), self.maybe(state, 0.05))
                )
                at += timedelta(hours=self.chance.choice([1, 7, 30]))
        return made

    def _app_events(self) -> list[tuple[Any, ...]]:
        made = []
        for number in range(1, 81):
            items = [
                {"sku": self.of("a1", "b2", "c3"), "qty": self.chance.randint(1, 3)}
                for _ in range(self.chance.randint(0, 3))
            ]
            payload = {
                "screen": self.of("start", "list", "cart", "done"),
                "ab": {"group": self.of("x", "y"), "seen": self.chance.randint(0, 5)},
                "items": items,
                "total": self.number(1, 50, 0.1),
            }
            at = self.moment("2024-06-01", 24 * 6, 1) + timedelta(minutes=self.chance.choice([0, 5, 20]))
            made.append(
                (
                    1_000_000 + number,
                    self.of("u1", "u2", "u3", "u4", "u5", "u6"),
                    self.maybe(at.replace(tzinfo=timezone.utc), 0.03),
                    self.of("open", "view", "add", "buy", none=0.03),
                    self.maybe(json.dumps(payload), 0.05),
                )
            )
        return made

    def _staff_history(self) -> list[tuple[Any, ...]]:
        return [
            (
                staff,
                self.of("clerk", "lead", "chief", none=0.05),
                self.of("north", "south", none=0.05),
                self.money(10, 20),
                date(2022, 1, 1) + timedelta(days=days),
            )
            for staff in range(1, 13)
            for days in self.chance.sample(range(0, 700, 35), self.chance.randint(1, 4))
        ]

    def _absences(self) -> list[tuple[Any, ...]]:
        made = []
        for _ in range(30):
            first = self.day("2023-01-01", 90)
            made.append(
                (
                    self.id(12),
                    first,
                    self.maybe(first + timedelta(days=self.chance.choice([0, 1, 4, 12]))),
                    self.of("ill", "leave", "leave"),
                )
            )
        return made

    def _meters(self) -> list[tuple[Any, ...]]:
        return [
            (
                f"M{number}",
                self.maybe(
                    {
                        "site": self.of("roof", "hall", "yard"),
                        "phases": self.maybe(self.chance.sample([1, 2, 3], self.chance.randint(0, 3))),
                    },
                    0.05,
                ),
                self.maybe(
                    {key: self.number(1, 9) for key in self.chance.sample(["day", "night", "peak"], 2)}
                ),
            )
            for number in range(1, 9)
        ]

    def _meter_values(self) -> list[tuple[Any, ...]]:
        return [
            (
                f"M{meter}",
                datetime(2024, 2, 1) + timedelta(hours=hours),
                self.number(0, 12, 0.1),
                self.of("ok", "ok", "est", "bad"),
            )
            for meter in range(1, 8)
            for hours in self.chance.sample(range(0, 60, 3), 12)
        ]

    def _sizes(self) -> list[tuple[Any, ...]]:
        return [
            (name, self.number(0, 4, 0.1), self.number(5, 12, 0.1))
            for name in ("VIE", "MUC", "ZRH", "M1", "M2", "M3", "ok", "bad")
        ]
