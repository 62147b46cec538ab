"""Ids that stand for no customer, and words for no value, are told by how often and where they stand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.proposal.proposal import Proposal
from tests.proposal.order_lines import LINES
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

ROWS = 400


def _rows(nobody: str, every: int, customer: str = "c{}", **more: str) -> list[dict[str, str]]:
    return [
        {
            "order_id": f"o{n}", "customer_id": nobody if n % every == 0 else customer.format(1000 + n % 37),
            "sku": f"p{n % 11}", "qty": f"{n % 3 + 1}", "created_at": f"2024-01-{n % 28 + 1:02d} 10:00", **more,
        }
        for n in range(ROWS)
    ]  # fmt: skip


def _customers(tmp_path: Path, rows: list[dict[str, str]]) -> tuple[Proposal, set[str], int]:
    proposal = proposed(tmp_path, {"o.csv": pl.DataFrame(rows).write_csv().encode()})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    rejected = rejected.filter(pl.col("table_name") == "raw_events")
    assert events.height + rejected.height == ROWS
    assert {*rejected["reason"]} <= {"missing user id"}
    return proposal, {*events["user_id"]}, rejected.height


@pytest.mark.sampled(3)
@pytest.mark.parametrize("nobody", ["NA", "guest", "Guest", "anonymous", "unknown", "unbekannt", "0", "-1"])
@pytest.mark.parametrize("every", [4, 20])
def test_an_id_called_like_nobody_in_many_rows_is_no_customer(
    tmp_path: Path, nobody: str, every: int
) -> None:
    proposal, customers, rejected = _customers(tmp_path, _rows(nobody, every))
    assert nobody not in customers and rejected == ROWS // every
    assert f"says {nobody} in {ROWS // every} of {ROWS} rows: that is taken for nobody" in " ".join(
        proposal.notes
    )


@pytest.mark.parametrize("customer", ["NA", "guest", "0"])
@pytest.mark.parametrize("every", [200, 27], ids=["rare", "the most frequent of all"])
def test_such_an_id_in_few_rows_is_a_customer(tmp_path: Path, customer: str, every: int) -> None:
    proposal, customers, rejected = _customers(tmp_path, _rows(customer, every))
    assert customer in customers and not rejected
    assert "nullif" not in proposal.files["raw_events.sql"]


@pytest.mark.parametrize("every", [4, 200])
def test_na_among_numbers_is_no_value_however_rare(tmp_path: Path, every: int) -> None:
    proposal, customers, rejected = _customers(tmp_path, _rows("NA", every, "{}"))
    assert customers == {str(1000 + n) for n in range(37)} and rejected == ROWS // every
    assert "NA stands among its numbers" in " ".join(proposal.notes)


@pytest.mark.parametrize(
    ("column", "beside"), [("country", "DE"), ("size", "XL"), ("title", "North America")]
)
def test_na_among_words_is_a_word(tmp_path: Path, column: str, beside: str) -> None:
    rows = [row | {column: "NA" if n % 4 else beside} for n, row in enumerate(_rows("c1", ROWS))]
    proposal, _, rejected = _customers(tmp_path, rows)
    assert not rejected and "nullstr" not in "".join(proposal.files.values())


@pytest.mark.parametrize("types", [
    {"customer_id": pl.Float64}, {"customer_id": pl.Float32}, {"customer_id": pl.Float64, "sku": pl.Float64},
])  # fmt: skip
def test_nan_in_parquet_is_told_like_an_empty_value(
    tmp_path: Path, types: Mapping[str, type[pl.DataType]]
) -> None:
    rows = [
        row | {"customer_id": row["customer_id"] or "NaN", "sku": row["sku"][1:]}
        for row in _rows("", 5, "{}")
    ]
    out = io.BytesIO()
    pl.DataFrame(rows).with_columns(pl.col(name).cast(type_) for name, type_ in types.items()).write_parquet(
        out
    )
    notes = " ".join(proposed(tmp_path, {"o.parquet": out.getvalue()}).notes)
    assert f"column customer_id is empty in {ROWS // 5} of {ROWS} rows, which are rejected" in notes


def test_customers_written_as_words_for_none_are_told_like_empty_ones_in_files_read_together(
    tmp_path: Path,
) -> None:
    head = "order_id,customer_id,sku,created_at,qty,price\n"
    rows = [
        f"o{n.order},{f'c{n.customer}' if n.order % 5 else 'NULL'},p{n.product},{n.at},{n.pieces},{n.cents / 100}\n"
        for n in LINES
    ]
    plain = [row for row in rows if "NULL" not in row]
    files = {"orders-1.csv": head + "".join(rows), "orders-2.csv": head + "".join(plain).replace("o", "x")}
    proposal = proposed(tmp_path, files)
    (events,) = proposal.tables["raw_events"]
    assert events.files.scan == "read_csv('orders-*.csv', nullstr = 'NULL')", (
        "one scan, whichever file has the word"
    )
    empty, every = len(rows) - len(plain), len(rows) + len(plain)
    assert f"column customer_id is empty in {empty:,} of {every:,} rows, which are rejected" in notes_of(
        proposal
    )
