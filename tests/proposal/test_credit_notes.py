"""Orders whose ids say that they take back what others sold are returns where that is certain, and told elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proposal.order_lines import LINES
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import loaded

HEAD = "Invoice,Customer ID,StockCode,InvoiceDate,Quantity,Price\n"


def _sold(letters: str = "") -> str:
    firsts = {(n.customer, n.product): n for n in reversed(LINES)}
    return HEAD + "".join(
        f"{letters}{536000 + n.order},{n.customer},p{n.product},{n.at},{n.pieces},{n.price}\n"
        for n in sorted(firsts.values(), key=lambda n: n.number)
    )


@pytest.mark.parametrize(("letters", "others"), [("C", ""), ("CN-", "RE-"), ("R", "S"), ("c", "")])
@pytest.mark.parametrize("quantity", ["Quantity", "Weight"])
def test_what_the_same_customers_bought_before_comes_back(
    tmp_path: Path, letters: str, others: str, quantity: str
) -> None:
    back = [n for n in LINES if n.number % 9 == 0]
    text = _sold(others).replace("Quantity", quantity)
    sold = text.count("\n") - 1
    text += "".join(
        f"{letters}{536900 + n.order},{n.customer},p{n.product},2024-05-01 10:00:00,1,{n.price}\n"
        for n in back
    )
    told = notes_of(proposed(tmp_path, {"o.csv": text}))
    assert f"begins with {letters.rstrip('-')} in {len(back)} of" in told and "taken for returns" in told
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sold
    assert events["returned_quantity"].sum() == rejected["reason"].to_list().count("return of a purchase") > 0
    assert {*rejected["reason"]} <= {"return of a purchase", "return without a purchase"}


def test_orders_that_only_have_such_letters_count_and_are_told(tmp_path: Path) -> None:
    text = _sold()
    sold = text.count("\n") - 1
    text += "".join(f"C{n},{n % 5},q{n},2024-05-01 10:00:00,1,2.50\n" for n in range(1000, 1020))
    told = notes_of(proposed(tmp_path, {"o.csv": text}))
    assert "begins with C in 20 of" in told and "where these are cancellations, write CASE WHEN" in told
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == sold + 20


def test_numbers_below_zero_say_it_already(tmp_path: Path) -> None:
    back = "".join(
        f"C{536900 + n.order},{n.customer},p{n.product},2024-05-01 10:00:00,-1,{n.price}\n"
        for n in LINES
        if n.number % 9 == 0
    )
    told = notes_of(proposed(tmp_path, {"o.csv": _sold() + back}))
    assert "begins with" not in told


@pytest.mark.parametrize("states", [("1", "2", "5"), ("C", "P", "S"), ("6", "7"), ("10.0", "20.0")])
def test_states_in_codes_are_told_with_the_way_to_leave_some_out(
    tmp_path: Path, states: tuple[str, ...]
) -> None:
    text = "order_id,customer_id,sku,created_at,qty,order_status\n" + "".join(
        f"o{n.order},c{n.customer},p{n.product},{n.at},{n.pieces},{states[n.order % len(states)]}\n"
        for n in LINES
    )
    told = notes_of(proposed(tmp_path, {"o.csv": text}))
    assert "column order_status says" in told and "write false at the end of raw_events.sql" in told
    assert loaded(tmp_path / "source", tmp_path / "data")[0].height == len(LINES)


@pytest.mark.parametrize(
    "paper", ["Beleg", "Rechnung", "Facture", "Fattura", "Factuur", "Paragon", "Faktura", "Чек"]
)
def test_a_paper_is_the_order(tmp_path: Path, paper: str) -> None:
    _ = proposed(tmp_path, {"o.csv": _sold().replace("Invoice,", f"{paper},")})
    assert f'"{paper}" AS order_id' in (tmp_path / "source" / "raw_events.sql").read_text()
