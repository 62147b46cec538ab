"""Numbers are read as what they are, however a shop's accountants and spreadsheets write them."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.column_sql import number_sql
from recsys_assets.proposal.formats.written_numbers import signs_of
from recsys_assets.proposal.sample.sampled_column import as_the_others, sampled_column
from tests.examples import examples

BELOW_ZERO = {
    "brackets": "({})",
    "minus behind": "{}-",
    "minus behind a blank": "{} -",
    "minus sign": "\N{MINUS SIGN}{}",
    "plain": "-{}",
}
WRITTEN = {
    "point": ("", "."),
    "comma": ("", ","),
    "points and comma": (".", ","),
    "commas and point": (",", "."),
}
cents = st.integers(-10_000_000, 10_000_000)


def read(columns: dict[str, list[str]]) -> dict[str, list[float | None]]:
    """The numbers of the columns of a file, as the proposed SQL reads them."""
    frame = pl.DataFrame(columns)
    told = as_the_others([sampled_column(frame[name]) for name in frame.columns])
    with duckdb.connect() as connection:
        connection.register("file", frame)
        values = ", ".join(
            f"TRY_CAST({number_sql(each, each.name)} AS DOUBLE) AS {each.name}" for each in told
        )
        return connection.sql(f"SELECT {values} FROM file").pl().to_dict(as_series=False)


def written(number: int, way: str, below_zero: str, currency: str) -> str:
    thousands, point = WRITTEN[way]
    whole = f"{abs(number) // 100:,}".replace(",", thousands)
    text = f"{whole}{point}{abs(number) % 100:02d}{currency}"
    return BELOW_ZERO[below_zero].format(text) if number < 0 else text


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(cents, min_size=1, max_size=8),
    st.sampled_from(sorted(WRITTEN)),
    st.sampled_from(sorted(BELOW_ZERO)),
    st.sampled_from(["", " €", " EUR"]),
)
def test_prices_are_read_however_their_minus_stands(
    numbers: list[int], way: str, below_zero: str, currency: str
) -> None:
    texts = [written(number, way, below_zero, currency) for number in numbers]
    found = read({"price": texts})["price"]
    assert [Decimal(f"{value:.2f}") for value in found if value is not None] == [
        Decimal(number) / 100 for number in numbers
    ]


@pytest.mark.parametrize(
    ("price", "quantity"), [("2,199.50", 1200.0), ("2199.50", 1200.0), ("2.199,50", 1.2), ("2199", 1.2)]
)
def test_a_comma_that_may_be_either_is_what_the_other_columns_say(price: str, quantity: float) -> None:
    assert read({"quantity": ["1,200"], "price": [price]})["quantity"] == [quantity]


CURRENCIES = (
    "€ {}", "{} €", "{}EUR", "EUR{}", "${}", "USD {}", "{} USD", "A$ {}", "R$ {}", "CHF {}", "SFr. {}", "Fr. {}",
    "Rs. {}", "RM{}", "RM {}", "£{}/-", "{} TL", "{} kr.", "{} Kr", "{} zł", "{} Kč", "{} lei",
    "{} \u0440\u0443\u0431.", "{} ₽", "{} \u0434\u0435\u043d", "₹{}",
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.integers(0, 10_000_000), min_size=2, max_size=6),
    st.sampled_from(sorted(WRITTEN)),
    st.sampled_from(CURRENCIES),
)
def test_prices_are_read_in_whichever_currency(numbers: list[int], way: str, currency: str) -> None:
    texts = [currency.format(written(number, way, "plain", "")) for number in numbers]
    assert read({"price": texts})["price"] == [pytest.approx(number / 100) for number in numbers]


@settings(max_examples=examples(60), deadline=None)
@example([1, 1_000_000], ".", "¥{}")
@example([1_500, 1_000_000], ".", "{}")
@given(
    st.lists(st.integers(1, 10_000_000), min_size=2, max_size=6).filter(lambda numbers: max(numbers) > 999),
    st.sampled_from([",", "."]),
    st.sampled_from(
        ["¥{}", "{}円", "{}원", "₩{}", "{} ₫", "{}đ", "Rp{}", "Rp {}", "{} Ft", "{} JPY", "VND {}"]
    ),
)
def test_a_sign_before_three_digits_separates_thousands_where_there_are_no_cents(
    numbers: list[int], sign: str, currency: str
) -> None:
    texts = [currency.format(f"{number:,}".replace(",", sign)) for number in numbers]
    assert read({"price": texts})["price"] == numbers


@pytest.mark.parametrize("name", ["price", "amount", "discount"])
def test_commas_before_three_digits_separate_thousands_of_money_and_that_is_told(name: str) -> None:
    column = sampled_column(pl.Series(name, ["$1,209", "$387", "$12,661"]))
    assert "between thousands" in column.note
    assert read({name: ["$1,209", "$387", "$12,661"]})[name] == [1209, 387, 12661]
    assert "three digits" in sampled_column(pl.Series(name, ["1.209 €", "387 €", "2.661 €", "5.110 €"])).note


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(st.integers(-999, 999).filter(bool), min_size=2, max_size=6),
    st.sampled_from(
        [
            "{}x",
            "{} x",
            "x{}",
            "{}\xd7",
            "{} pcs",
            "{}pcs",
            "{} Stk.",
            "{} St",
            "{} Stück",
            "{} szt.",
            "{} uds",
            "{} шт.",
            "{},-",
        ]
    ),
)
def test_pieces_are_read_beside_their_unit(numbers: list[int], unit: str) -> None:
    texts = [unit.format(number) for number in numbers]
    assert read({"qty": texts})["qty"] == numbers


@pytest.mark.parametrize(
    ("name", "kind"), [("Lagerplatz", "text"), ("sku", "text"), ("amount", "number"), ("price", "number")]
)
def test_codes_of_letters_and_a_number_are_no_money_unless_the_column_is_named_so(
    name: str, kind: str
) -> None:
    assert sampled_column(pl.Series(name, ["SKU-023", "SKU-117", "EUR-4"])).kind == kind


@pytest.mark.parametrize("now", sorted(WRITTEN))
@pytest.mark.parametrize("later", sorted(WRITTEN))
@pytest.mark.parametrize("currency", ["", " €"])
def test_a_number_of_a_later_file_is_never_another_one(now: str, later: str, currency: str) -> None:
    """Where the sign of decimals changes from one file to the next; what is no number in any way stays to be told."""
    cents = [250, 199_50, 12_345_67, 1_234_567_89]
    columns = pl.DataFrame({"price": [written(each, now, "plain", currency) for each in cents]})
    (told,) = as_the_others([sampled_column(columns["price"])])
    frame = pl.DataFrame({"price": [written(each, later, "plain", currency) for each in cents]})
    with duckdb.connect() as connection:
        connection.register("file", frame)
        found = connection.sql(f"SELECT TRY_CAST({number_sql(told, 'price')} AS DOUBLE) FROM file").fetchall()
    assert all(value in (None, each / 100) for (value,), each in zip(found, cents, strict=True)), (
        told,
        found,
    )


@pytest.mark.parametrize(
    ("numbers", "between_thousands"),
    [
        (["12,00", "1.200", "3,50"], True),
        (["12,00", "1.234,50", "2.000", "+1.234.567"], True),
        (["12,00", "1.20", "3,50"], False),
        (["12,00", "1.200", "0.5"], False),
        (["12,00", "0.200"], False),
    ],
)
def test_points_before_three_digits_stand_between_thousands_beside_decimal_commas(
    numbers: list[str], between_thousands: bool
) -> None:
    comma, both, note = signs_of(pl.Series(numbers), is_money=True, without_cents=False)
    assert comma and both is not between_thousands
    assert ("between thousands" in note) is between_thousands
