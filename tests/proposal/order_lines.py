"""Made-up lines of orders, as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TITLES = ("Blue Mug", 'Tea "Earl Grey", 100 g', "Café crème", "Socks; grey", "T-Shirt | M")
_PEOPLE = ("Ann Lee", "José Niño", "Zoë Müller", "Bob O'Neil")


@dataclass(frozen=True)
class Line:
    """One line of an order."""

    number: int
    order: int
    at: datetime
    customer: int
    product: int
    pieces: int
    cents: int

    @property
    def title(self) -> str:
        return f"{TITLES[self.product % 5]} {self.product}"

    @property
    def name(self) -> str:
        return _PEOPLE[self.customer % 4]

    @property
    def price(self) -> str:
        return f"{self.cents / 100:.2f}"

    @property
    def sum(self) -> str:
        return f"{self.pieces * self.cents / 100:.2f}"


def _lines() -> Iterator[Line]:
    number, at = 0, datetime(2024, 1, 3, 8, 13)
    for order in range(1, 61):
        at += timedelta(hours=9, minutes=17)
        for place in range(order % 3 + 1):
            product = (order * 7 + place * 5) % 11
            number += 1
            yield Line(
                number, order, at, order * 5 % 13, product, (order + place) % 3 + 1, 250 + product * 137
            )


LINES = list(_lines())


def total(order: int) -> str:
    """The sum of an order."""
    return f"{sum(each.pieces * each.cents for each in LINES if each.order == order) / 100:.2f}"


def csv_of(
    header: str, rows: Callable[[Line], Sequence[object]], delimiter: str = ",", encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header.split(delimiter))
    writer.writerows(rows(line) for line in LINES)
    return text.getvalue().encode(encoding)


def json_of(records: Sequence[object]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in records).encode()


def orders_of(head: Callable[[Line], dict], line: Callable[[Line], dict], items: str) -> list[dict]:
    firsts = {each.order: each for each in reversed(LINES)}
    return [
        head(firsts[order]) | {items: [line(each) for each in LINES if each.order == order]}
        for order in sorted(firsts)
    ]
