"""The files that the documents' commands are run on: one small shop, in each of the forms that they name."""

from __future__ import annotations

import csv
import shutil
from datetime import datetime, timezone
from pathlib import Path

from tests.platform.shop import SOURCE, Row, day_name, day_rows, write_shop

DAYS = 24
CUSTOMERS = {"u7": "1823", "u8": "79"}
"""Customers that the documents name."""


def write_documented_shops(folder: Path) -> Path:
    """Writes the shops and a folder to run commands in; returns that folder."""
    project, shared = folder / "project", folder / "shared" / "data"
    project.mkdir()
    shutil.copytree(SOURCE, project / "sales")
    settings = project / "sales" / "source.toml"
    settings.write_text(settings.read_text().replace("2024-0", "2017-0"))
    (project / ".env").write_text(
        "RECSYS_SOURCE=sales\nRECSYS_DATA=../sales-files\nRECSYS_FAMILIES=popularity,lightgcn\nRECSYS_TRIALS=1\n"
        "RECSYS_THREADS=1\nRECSYS_MEMORY_LIMIT=500MB\n"
    )
    _sales(folder / "sales-files")
    _online_retail(shared / "online-retail")
    _lists(shared / "gowalla")
    _orders(folder / "orders")
    _clicks(folder / "clicks")
    return project


def files_of(document: Path, folder: Path) -> Path:
    """The folder that a document calls /path/to/files."""
    return folder / ("clicks" if document.name == "data.md" else "orders")


def _rows(day: int, month: str) -> list[Row]:
    """The lines of one day: invoice, product, pieces, price, moment, customer."""
    return [
        (*row[:4], row[4].replace("2024-01", month), CUSTOMERS.get(row[5], row[5])) for row in day_rows(day)
    ]


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([header, *rows])


def _sales(folder: Path) -> None:
    write_shop(folder, days=0)
    header = ("invoice", "product", "pieces", "price", "moment", "customer")
    for day in range(DAYS):
        name = day_name(day).replace("2024-01", "2017-03")
        _write(folder / f"sales-{name}.csv", header, _rows(day, "2017-03"))


def _online_retail(folder: Path) -> None:
    header = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ]
    for day in range(DAYS):
        rows = [
            (invoice, item, f"thing {item}", pieces, moment, price, customer, "France")
            for invoice, item, pieces, price, moment, customer in _rows(day, "2010-12")
        ]
        _write(folder / f"{day_name(day).replace('2024-01', '2010-12')}.csv", tuple(header), rows)


def _lists(folder: Path) -> None:
    folder.mkdir(parents=True)
    for part, first, many in (("train", 0, 6), ("valid", 6, 1), ("test", 7, 1)):
        lines = [
            " ".join([str(user), *(str((user * 7 + 3 * n) % 40) for n in range(first, first + many))])
            for user in range(60)
        ]
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")


def _orders(folder: Path) -> None:
    header = ("order_no", "ordered_at", "customer", "sku", "qty", "price")
    for day in range(DAYS):
        rows = [(row[0], row[4], row[5], row[1], row[2], row[3]) for row in _rows(day, "2024-01")]
        _write(folder / f"orders-{day_name(day)}.csv", header, rows, ";")


def _clicks(folder: Path) -> None:
    header = ("ts", "visitor", "product", "event", "price")
    for day in range(DAYS):
        rows: list[tuple[str, ...]] = []
        for place, (_, item, _, price, moment, customer) in enumerate(_rows(day, "2024-01")):
            seconds = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc).timestamp()
            for step, event in enumerate(("page", "basket", "order")[: 3 - place % 2], start=1):
                rows.append((f"{(seconds + step) * 1000:.0f}", customer, item, event, price))
        _write(folder / f"clicks-{day_name(day)}.csv", header, rows)
