"""One id, one customer: what cannot be seen changes no id, and ids that look different stay apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.shop.shop_rules import NEVER, NO_VALUE, ShopRules
from recsys_assets.sql import parameters_of, with_macros
from recsys_assets.sql.load import MACROS
from tests.examples import examples
from tests.sql.shop import EVENT, make_shop

UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u202a\u2066\u180e\x00\x01\x7f"
ENDS = UNSEEN + "\u00a0\u2003\u2028\u3000\u202f \t\n\r\x1f\x85"
_UNSEEN_LETTERS = "\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b\u180c\u180d\u180f"
VISIBLE = st.text(
    st.characters(
        exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zs", "Zl", "Zp"),
        exclude_characters=_UNSEEN_LETTERS,
    ).filter(lambda one: not 0xFE00 <= ord(one) <= 0xFE0F and not 0xE0000 <= ord(one) <= 0xE0FFF),
    min_size=1,
    max_size=8,
)
CON = duckdb.connect()


def cleaned(
    macro: str,
    texts: Sequence[str | None],
    rules: ShopRules | None = None,
    column: str = "VARCHAR",
    **parameters: str,
) -> list[Any]:
    """What a macro makes of texts, in a column of a type."""
    sql = with_macros(f"SELECT {macro}(text) FROM (SELECT unnest($texts::VARCHAR[]::{column}[]) AS text)")
    values = {**(rules or ShopRules()).rule_parameters(), **parameters, "texts": list(texts)}
    return [row[0] for row in CON.execute(sql, parameters_of(sql, values)).fetchall()]


@settings(deadline=None)
@given(st.lists(st.tuples(VISIBLE, st.text(ENDS), st.text(ENDS), st.sampled_from(UNSEEN), st.integers(0, 8))))
def test_decoration_changes_no_id(drawn: list[tuple[str, str, str, str, int]]) -> None:
    plain = [text for text, *_ in drawn]
    decorated = [f"{left}{text[:at]}{inner}{text[at:]}{right}" for text, left, right, inner, at in drawn]
    assert cleaned("clean_id", decorated) == cleaned("clean_id", plain)
    assert cleaned("clean_text", decorated) == cleaned("clean_text", plain)


@settings(deadline=None, max_examples=examples(40))
@given(
    st.lists(st.text("aeoAEOncs" + "\u0301\u0308\u0303\u0327" + "\u00e9\u00f1\u1100\u1161\uac00", min_size=1))
)
def test_letters_with_accents_are_one_however_they_are_written(texts: list[str]) -> None:
    """Some machines write é as one character, others as two."""
    for macro in ("clean_id", "clean_text"):
        found = cleaned(macro, [unicodedata.normalize("NFD", text) for text in texts])
        assert found == cleaned(macro, [unicodedata.normalize("NFC", text) for text in texts])
        assert found == [made and unicodedata.normalize("NFC", made) for made in found]


@settings(deadline=None)
@given(st.lists(VISIBLE))
def test_ids_that_differ_in_visible_characters_never_merge(texts: list[str]) -> None:
    found = cleaned("clean_id", texts, ShopRules(whole_number_ids=False))
    kept = {
        text: made
        for text, made in zip(texts, found, strict=True)
        if text.lower() not in NO_VALUE and not text.startswith('="')
    }
    assert kept == {text: unicodedata.normalize("NFC", text) for text in kept}
    numbers = {text: text.partition(".")[0] for text in texts if text.rstrip("0").endswith(".")}
    texts = [text for text in texts if not text.startswith(('="', "'"))]
    folded = cleaned("clean_id", texts)
    for text, made in zip(texts, folded, strict=True):
        assert made in (unicodedata.normalize("NFC", text), numbers.get(text)) or text.lower() in NO_VALUE


@settings(deadline=None, max_examples=examples(40))
@given(st.lists(st.integers(0, 10**9).map("{:04d}".format), min_size=1))
def test_what_a_spreadsheet_puts_around_an_id_to_keep_its_zeros_is_no_part_of_it(ids: list[str]) -> None:
    assert cleaned("clean_id", [f'="{each}"' for each in ids]) == ids
    assert cleaned("clean_id", [f"'{each}" for each in ids]) == ids
    assert cleaned("clean_text", [f' ="{each}"\ufeff' for each in ids]) == ids
    as_it_is = ShopRules(whole_number_ids=False)
    assert cleaned("clean_id", [f"'{each}" for each in ids], as_it_is) == [f"'{each}" for each in ids]


@pytest.mark.parametrize(
    "code", [code for code in range(0x3000) if unicodedata.category(chr(code)) in ("Zs", "Cc")]
)
def test_every_space_and_control_at_an_end_goes(code: int) -> None:
    assert cleaned("clean_id", [f"{chr(code)}c1{chr(code)}"]) == ["c1"]


@pytest.mark.parametrize("text", [*NO_VALUE, *(text.upper() for text in NO_VALUE), "", " \u00a0", "\ufeff"])
def test_texts_for_no_value_are_no_id(text: str) -> None:
    assert cleaned("clean_id", [text, f" {text}\u200b"]) == [None, None]
    assert cleaned("clean_text", [text]) == [None]


def test_what_means_no_value_is_the_shop_s_to_say() -> None:
    rules = ShopRules(no_value=("0", "guest", "a.b", "x"))
    texts = ["0", "00", "Guest", "a.b", "axb", "NULL", "7", "0.0", "x", "y"]
    assert cleaned("clean_id", texts, rules) == [None, "00", None, None, "axb", "NULL", "7", None, None, "y"]
    assert cleaned("clean_text", ["x", "0", "y"], rules) == [None, None, "y"]
    assert cleaned("clean_id", ["NULL", ""], ShopRules(no_value=())) == ["NULL", None]


_LIKE_NO_VALUE = st.one_of(
    st.sampled_from(NO_VALUE),
    st.text("nNkK\u212a0.1 a-", max_size=3),
    st.sampled_from(
        ["purchase", "Nothing", "C1", "12.0", "Add to cart", "a ", " a", "a\tb", "a\x7f", "ab\n"]
    ),
)


@settings(deadline=None)
@given(st.lists(_LIKE_NO_VALUE, max_size=4), st.lists(_LIKE_NO_VALUE | VISIBLE))
def test_texts_that_need_no_look_come_out_as_looked_at(no_value: list[str], texts: list[str]) -> None:
    rules = ShopRules(no_value=tuple(no_value))
    asked = [*texts, *no_value, *(text.upper() for text in no_value)]
    for macro, shortcut in (("clean_id", "plain_id"), ("clean_text", "plain_text")):
        assert cleaned(macro, asked, rules) == cleaned(macro, asked, rules, **{shortcut: NEVER})


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["0", "7", "12", "-1", "x"]) | st.integers(0, 999).map(str), max_size=3),
    st.lists(st.none() | st.integers(-20, 999) | st.integers(-(2**63), 2**63 - 1)),
    st.sampled_from(["BIGINT", "INTEGER", "HUGEINT"]),
)
def test_a_column_of_whole_numbers_names_what_its_texts_do(
    no_value: list[str], numbers: list[int | None], column: str
) -> None:
    rules = ShopRules(no_value=tuple(no_value))
    kept = [n for n in (*numbers, *map(int, filter(str.isdecimal, no_value))) if n is None or abs(n) < 2**31]
    asked = kept if column == "INTEGER" else numbers
    texts = [None if number is None else str(number) for number in asked]
    assert cleaned("clean_id", texts, rules, column=column) == cleaned("clean_id", texts, rules)


def test_whole_numbers_that_became_decimal_are_whole_again() -> None:
    texts = ["17850.0", "17850", "17850.00", "-5.0", "0.0", "0012.0", "1.5", "1.0.0", "v1.0"]
    assert cleaned("clean_id", texts) == [
        "17850",
        "17850",
        "17850",
        "-5",
        "0",
        "0012.0",
        "1.5",
        "1.0.0",
        "v1.0",
    ]
    assert cleaned("clean_id", texts, ShopRules(whole_number_ids=False)) == texts


def test_every_table_names_a_customer_and_an_item_alike(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(
        con,
        events=[{**EVENT, "user_id": "\ufeff7.0", "item_id": "i\u200b", "order_id": f"{n}"} for n in range(2)]
        + [{**EVENT, "user_id": "7", "item_id": "\u00a0i"}, {**EVENT, "user_id": "NULL"}, {**EVENT, "item_id": r"\N"}],
        users=[{"user_id": "7 ", "country": "n/a"}, {"user_id": "#N/A"}],
        items=[{"item_id": "i\r", "title": "NULL", "category": "\u200bMugs"}, {"item_id": "None"}],
        promotions=[{"item_id": "i\x00", "store_id": "-", "start_day": "2020-01-01", "end_day": "2020-01-02"}],
    )  # fmt: skip
    assert con.execute("SELECT DISTINCT user_id, item_id FROM events").fetchall() == [("7", "i")]
    assert con.execute("SELECT user_id, country FROM users").fetchall() == [("7", "unknown")]
    assert con.execute("SELECT item_id, title, category FROM items").fetchall() == [("i", "Mugs", "Mugs")]
    assert con.execute("SELECT item_id, store_id FROM promotions").fetchall() == [("i", None)]
    assert con.execute("SELECT user_id, described FROM user_profiles").fetchall() == [("7", True)]
    reasons = "SELECT table_name, reason FROM rejected_rows ORDER BY ALL"
    assert con.execute(reasons).fetchall() == [
        ("raw_events", "missing item id"),
        ("raw_events", "missing user id"),
        ("raw_items", "missing item id"),
        ("raw_users", "missing user id"),
    ]


def test_numbers_for_no_value_are_empty(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[{**EVENT, "quantity": "NULL", "unit_price": r"\N", "discount": "#N/A"}])
    found = con.execute("SELECT quantity, unit_price, discount, filled FROM events").fetchall()
    assert found == [(1.0, None, None, ["behaviour", "quantity"])]


def test_a_macro_is_one_expression_with_a_comment() -> None:
    for path in MACROS.glob("*.sql"):
        assert path.read_text().startswith("-- "), path.name
        assert path.stem not in with_macros(f"SELECT {path.stem}(x)"), path.name
