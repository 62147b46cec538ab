"""What a person has to look at is said beside a proposal, and what cannot be proposed is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_assets.proposal.proposal import NoEvents, propose
from recsys_assets.proposal.sample.sampled_files import NothingToSample
from tests.proposal.order_lines import LINES
from tests.proposal.public_files import notes_of, proposed
from tests.proposal.shop_files import HEAD, loaded, write


def test_a_unit_behind_a_name_is_no_part_of_it_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    header = ["Date", "Customer", "SKU", "Qty (pcs)", "Unit Price [EUR]", "Discount"]
    write(tmp_path / "a.csv", header, [["2024-01-02", "u", "i", "2", "1.5", "a lot"]], ",", "utf-8")
    proposal = propose("Units", [tmp_path])
    (events,) = proposal.tables["raw_events"]
    assert {events.columns["quantity"].name, events.columns["unit_price"].name} == {*header[3:5]}
    assert "Discount is called like discount, but nothing here reads such values as a lot" in " ".join(
        proposal.notes
    )


def test_products_and_customers_alone_make_no_events(tmp_path: Path) -> None:
    write(tmp_path / "p.csv", ["id", "sku", "date"], [["1", "i", "2024-01-01"]], ",", "utf-8")
    write(tmp_path / "c.csv", ["id", "customer", "date"], [["1", "u", "2024-01-01"]], ",", "utf-8")
    with pytest.raises(NoEvents):
        propose("Apart", [tmp_path])


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    rows = [[f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/2024", f"u{n % 5}", f"i{n % 9}", "x"] for n in range(100)]
    write(tmp_path / "a.csv", ["date", "customer", "sku", "weather"], rows, ",", "utf-8")
    notes = " ".join(propose("Doubtful", [tmp_path]).notes)
    assert "%d/%m/%Y and as %m/%d/%Y" in notes
    assert "not used: weather" in notes
    assert "holds days" in notes


_KNOWN = "order_id,customer_id,sku,qty,price,created_at"


def _lines(more: str = "", *, start: int = 0, price: str = "3.50") -> str:
    """Eight rows of `_KNOWN`."""
    return "".join(
        f"o{n},c{n % 3},p{n},2,{price},2024-03-0{n % 9 + 1} 10:00:00{more}\n" for n in range(start, start + 8)
    )


@pytest.mark.parametrize(
    ("files", "notes"),
    [
        (  # a column more from a day on, which raw_events does not take
            {"o-1.csv": f"{_KNOWN}\n{_lines()}", "o-2.csv": f"{_KNOWN},coupon\n{_lines(',X', start=8)}"},
            ["only some of its files have the columns coupon"],
        ),
        (  # a separator behind each row
            {"o.csv": f"{_KNOWN}\n{_lines(',')}"},
            ["a separator ends its rows and not its header"],
        ),
        (  # quotes behind backslashes
            {"o.csv": f"{_KNOWN},title\n" + _lines(r',"15\" frame, red"')},
            [],
        ),
        (  # names that differ in case alone, of a column that could be used
            {"o.csv": f"{_KNOWN},Price\n{_lines(',9')}"},
            ["its columns Price, price are called alike"],
        ),
        (  # decimal commas in some files
            {
                "o-1.csv": f"{_KNOWN}\n{_lines()}".replace(",", ";"),
                "o-2.csv": f"{_KNOWN}\n{_lines(start=8, price='1.234|50')}".replace(",", ";").replace("|", ","),
            },
            ["some of its numbers have a decimal comma and some a point"],
        ),
        (  # what came to nothing, and several currencies
            {
                "o.csv": f"{_KNOWN},status,currency,test\n"
                + _lines(",paid,EUR,false")
                + _lines(",cancelled,JPY,true", start=8)
            },
            [
                "column status says cancelled (8) in 8 of 16 rows: these are taken for no purchases",
                "column test says true (8) in 8 of 16 rows: these are taken for no purchases",
                "column currency says EUR, JPY: amounts are taken as they stand",
            ],
        ),
        ({"o.csv": f"{_KNOWN},utc_offset\n{_lines(',+02:00')}"}, ["its times name their own offset or zone"]),
        (
            {"o.csv": f"{_KNOWN}\n{_lines()}".replace("customer_id", "user_pseudo_id").replace("qty", "Quantité")},
            [],
        ),
    ],
)  # fmt: skip
def test_what_shops_systems_export_is_loaded_whole_and_what_to_look_at_is_said(
    tmp_path: Path, files: dict[str, str], notes: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    for name, text in files.items():
        (tmp_path / "data" / name).write_text(text)
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    told = sorted(proposal.notes)
    assert all(any(note in each for each in told) for note in notes), told
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events.height == sum(text.count("\n") - 1 - text.count(",cancelled,") for text in files.values())
    hour = 12 - 2 - 2 if "utc_offset" in proposal.files["raw_events.sql"] else 10
    assert {at.hour for at in events["event_time"]} == {hour}
    prices = {3.5, 1234.5} if "o-2.csv" in files and "1.234,50" in files["o-2.csv"] else {3.5}
    if "Price" not in files.get("o.csv", ""):
        assert {*events["unit_price"]} == prices and {*events["quantity"]} == {2.0}


def test_a_point_that_may_stand_between_thousands_is_told(tmp_path: Path) -> None:
    for prices, told in (("1.250 2.500 3.999", True), ("1.250 2.5 3.999", False)):
        rows = [[f"2024-01-0{n}", f"u{n}", f"i{n}", price] for n, price in enumerate(prices.split(), start=1)]
        write(tmp_path / "a.csv", ["date", "customer", "sku", "price"], rows, ",", "utf-8")
        assert (
            any("three digits behind a point" in note for note in propose("Shop", [tmp_path]).notes) == told
        )


def test_a_file_of_which_no_row_fits_its_header_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id\n1,2,3\n4,5,6\n")
    with pytest.raises(
        NothingToSample, match="none of its rows has as many fields as its header, 2; the first has 3"
    ):
        propose("A shop", [tmp_path])


def test_a_file_in_two_encodings_is_named_with_its_lines(tmp_path: Path) -> None:
    rows = [f"{n};Zoë;é;1;3.5;2024-03-01 10:00\n" for n in range(6)]
    content = (HEAD + "".join(rows[:3])).encode() + "".join(rows[3:]).encode("cp1252")
    (tmp_path / "o.csv").write_bytes(content)
    proposal = propose("A shop", [tmp_path])
    assert any("lines 2 to 4 are UTF-8, lines 5 to 7 are in another encoding" in n for n in proposal.notes)
    assert "encoding" not in proposal.files["raw_events.sql"]


def test_a_folder_without_events_or_files_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NothingToSample, match="no file"):
        propose("Empty", [tmp_path])
    write(tmp_path / "weather.csv", ["day", "rain"], [["2024-01-01", "3"]], ",", "utf-8")
    with pytest.raises(NoEvents, match="rain"):
        propose("Weather", [tmp_path])


def test_what_may_cost_rows_or_customers_is_said(tmp_path: Path) -> None:
    text = "order_id,customer,item,date\n" + "".join(
        f"o{n.order},{n.name},{n.title.replace(',', '')},{n.at:%Y-%m-%d}\n".replace('"', "") * n.pieces
        for n in LINES
    )
    told = notes_of(proposed(tmp_path, {"o.csv": text}))
    assert "rows are equal to an earlier one and count once" in told and "AS line_id" in told
    assert "column customer is taken for the customer and holds names" in told
    assert "column item is taken for the product and holds words" in told
    other = "sku,order_ref,order_no,date\n" + "".join(
        f"p{n.product},r{n.order},{n.order},{n.at}\n" for n in LINES
    )
    told = notes_of(proposed(tmp_path / "other", {"o.csv": other}, ["user_id=order_no"]))
    assert "order_no is taken for the customer and called like an order" in told
