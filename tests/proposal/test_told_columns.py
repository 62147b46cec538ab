"""Which column is which: by names put together from words, by values, and by what a person says."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_assets.proposal.names.behaviours import known_behaviour, named_behaviour
from recsys_assets.proposal.names.known_names import EVENT, NAMES, known_role, plain_name, role_rank
from recsys_assets.proposal.names.named_columns import UnknownColumn
from recsys_assets.proposal.proposal import NoEvents
from recsys_assets.proposal.times.written_times import written_times
from recsys_assets.shop.loaded_source import load_source
from tests.proposal.public_files import AT, lines, proposed
from tests.sql.pipeline import open_source, run_raw

Form = Literal["NFC", "NFD"]
_ORDERS = "order_id,customer_id,order_status,order_purchase_timestamp,order_delivered_date\n" + "".join(
    f"o{n},c{n},delivered,{at:%Y-%m-%d %H:%M:%S},{at + timedelta(days=9):%Y-%m-%d}\n"
    for n, at in enumerate(AT)
)
_ITEMS = "order_id,order_item_id,product_id,shipping_limit_date,price\n" + "".join(
    f"o{n},1,p{n % 11},{at + timedelta(days=4):%Y-%m-%d %H:%M:%S},2.5\n" for n, at in enumerate(AT)
)
_CUSTOMERS = "customer_id,customer_unique_id,customer_city\n" + "".join(
    f"c{n},u{n % 7},x\n" for n in range(60)
)
_SHOPIFY = "Name,Email,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Discount Amount\n"


@pytest.mark.parametrize(
    ("files", "written", "not_written", "notes"),
    [
        (  # a customer of its own for each order, and the last day to ship is no time of an order
            {"orders.csv": _ORDERS, "items.csv": _ITEMS, "customers.csv": _CUSTOMERS},
            [
                'head."order_purchase_timestamp" AS event_time',
                'line."product_id" AS item_id',
                'person."customer_unique_id" AS user_id',
                'ON person."customer_id" = head."customer_id"',
            ],
            ["shipping"],
            ["customer_unique_id of customers.csv is taken for who it is"],
        ),
        (  # sums of a whole order beside those of its lines
            {"orders.csv": _SHOPIFY + lines("#1{u},c{u},99.0,{t},2,Shirt,2.5,00{i},5.0")},
            ['"Name" AS order_id', '"Lineitem price" AS unit_price'],
            ["Total", "Discount"],
            [],
        ),
        (  # the number of a line is called an item's
            {
                "o.csv": "item_id,order_id,customer_id,created_at,sku,price\n"
                + "".join(f"{n},o,c{n % 7},{at},p{n % 9},1\n" for n, at in enumerate(AT))
            },
            ['"sku" AS item_id'],
            [],
            [],
        ),
        (  # a product has several ids, and the events one of them
            {
                "ratings.csv": "user_id,book_id,rating\n" + lines("{u},{i},{r}"),
                "books.csv": "book_id,isbn,title\n" + "".join(f"{n},{n % 5:09},T\n" for n in range(30)),
            },
            ['"book_id" AS item_id,\n    "title" AS title'],
            ["isbn"],
            ["no column holds the time", "models are evaluated on a tenth"],
        ),
        (  # files of several kinds, one of which counts its rows
            {
                "ratings.csv": "userId,movieId,rating,timestamp\n" + lines("{u},{i},{r},{s}"),
                "movies.csv": "movieId,title\n" + lines("{i},T", 11),
                "scores.csv": "movieId,tagId,relevance\n" + lines("{i},{u},0.5"),
                "tags.csv": "userId,movieId,tag,timestamp\n" + lines("{u},{i},x,{s}"),
            },
            [],
            ["scores.csv", "purchase"],
            [
                "scores.csv: apart from movieId it has no column",
                "ratings.csv and tags.csv all count as events",
            ],
        ),
        (  # behaviours by numbers
            {"u.csv": "user_id,item_id,behavior_type,time\n" + lines("{u},{i},{r},{t:%Y-%m-%d %H}")},
            ['"behavior_type" AS behaviour', "try_strptime(trim(\"time\"), '%Y-%m-%d %H')"],
            ["purchase"],
            ["WHEN '1' THEN '…'"],
        ),
        (  # guests, words of a status with the shop's own before them, days that are counted
            {
                "o.csv": "user_id,item_id,day,qty,status\n"
                + lines("NA,{i},1{r},0,wc-completed", 30)
                + lines("{t:%H%M},{i},1{r},2,wc-refunded")
                + lines("{t:%d%H},{i},1{r},2,x")
            },
            ["undated = true"],
            [],
            [
                "NA stands among its numbers",
                "column user_id is empty in 30 of 150 rows",
                "DATE '…' + TRY_CAST(\"day\" AS INTEGER)",
                "is 0 in some rows",
                "wc-refunded",
            ],
        ),
        (  # what each file holds is in its name, and a time in one alone
            {
                "train-item-views.csv": "sessionId;itemId;eventdate\n" + lines("{u};{i};{t:%Y-%m-%d}"),
                "train-purchases.csv": "sessionId;itemId;eventdate\n" + lines("{u};{i};{t:%Y-%m-%d}"),
                "to_read.csv": "sessionId;itemId\n" + lines("{u};{i}"),
            },
            ["'view' AS behaviour", "'purchase' AS behaviour"],
            [],
            ["is taken for the customer: each of its visits is one", "to_read.csv: it has no times"],
        ),
        (
            {"a.csv": "user,sku,date\n" + lines("{u},{i},1997-12-04")},
            ["first_day = 1997-01-01"],
            [],
            ["nothing says what"],
        ),
    ],
)
def test_columns_are_what_they_are_and_doubts_are_told(
    tmp_path: Path,
    files: dict[str, str | bytes],
    written: list[str],
    not_written: list[str],
    notes: list[str],
) -> None:
    proposal = proposed(tmp_path, files)
    text = "\n".join(proposal.files.values())
    assert [each for each in written if each not in text] == [], text
    assert [each for each in not_written if each in text] == [], text
    told = "\n".join(proposal.notes)
    assert [each for each in notes if each not in told] == [], told


def test_a_column_that_no_file_has_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "who,what,date\n" + lines("{u},{i},{t}")}
    with pytest.raises(NoEvents, match="--column user_id=who --column item_id=what"):
        proposed(tmp_path, files)
    with pytest.raises(UnknownColumn, match="Did you mean 'what'"):
        proposed(tmp_path, files, ["user_id=who", "item_id=whta"])
    with pytest.raises(UnknownColumn, match="user_id"):
        proposed(tmp_path, files, ["customer=who"])
    assert proposed(tmp_path, files, ["user_id=who", "item_id=a.csv:what"]).tables["raw_events"]


@pytest.mark.parametrize(("header", "asked"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_a_person_names_columns_and_files_as_they_see_them(tmp_path: Path, header: Form, asked: Form) -> None:
    file = normalize(header, "verkäufe.csv")
    files: dict[str, str | bytes] = {file: normalize(header, "wär,wöfür,date\n") + lines("{u},{i},{t}")}
    named = [normalize(asked, text) for text in ("user_id=wär", "item_id=verkäufe.csv:wöfür")]
    _ = proposed(tmp_path, files, named)
    sql = (tmp_path / "source" / "raw_events.sql").read_text(encoding="utf-8")
    assert f'"{normalize(header, "wöfür")}" AS item_id' in sql
    source = load_source(tmp_path / "source")
    with duckdb.connect() as con:
        open_source(con, source, tmp_path / "data")
        run_raw(con, source)
        assert con.sql("SELECT count(DISTINCT item_id), min(user_id) FROM raw_events").fetchall() == [
            (11, "0")
        ]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("CUST_CODE", "user_id"), ("household_key", "user_id"), ("user_id:token", "user_id"), ("cookie_id", "user_id"),
        ("PROD_CODE", "item_id"), ("itemSku", "item_id"), ("venueId", "item_id"), ("item_product_id", "item_id"),
        ("order_item_id", None), ("line_item_id", None), ("SHOP_DATE", "event_time"), ("date_added", "event_time"),
        ("order_approved_at", None), ("shipping_limit_date", None), ("birthday", None), ("item_total", "amount"),
        ("id_customer", "user_id"), ("id_product", "item_id"), ("idorder", "order_id"), ("Kd.-Nr.", "user_id"),
        ("Nº do Pedido", "order_id"), ("カテゴリ", "category"), ("idade", "age_group"), ("partno", None),
        ("order_total", None), ("row_total", "amount"), ("Book-Title", "title"), ("rating:float", None),
    ],
)  # fmt: skip
def test_names_put_together_from_words_are_known(name: str, role: str | None) -> None:
    assert known_role(name) == role


def test_the_word_id_may_stand_first_and_known_names_are_written_as_names_are_compared() -> None:
    names = [(role, name) for columns in NAMES.values() for role, known in columns.items() for name in known]
    assert [name for _, name in names if plain_name(name) != name] == []
    keys = [
        (role, name)
        for role, name in names
        if name.endswith("id") and role in ("user_id", "item_id", "order_id")
    ]
    assert [name for role, name in keys if role_rank(role, f"ID_{name[:-2]}", EVENT[role]) is None] == []


@given(st.sampled_from(["product", "item"]), st.sampled_from(["_", "-", " ", ""]), st.booleans())
def test_a_behaviour_is_the_same_however_its_words_are_put_together(
    thing: str, sign: str, capital: bool
) -> None:
    for words, behaviour in {
        (thing, "viewed"): "view", ("view", thing): "view", (thing, "added", "to", "cart"): "cart",
        ("add", "to", "cart"): "cart", (thing, "purchased"): "purchase", ("order", "placed"): "purchase",
        ("add", "to", "wishlist"): "wishlist", (thing, "returned"): "return",
        (thing, "removed"): "", ("remove", "from", "cart"): "", (thing, "list", "viewed"): "",
        ("order", "cancelled"): "", (thing, "reviewed"): "",
    }.items():  # fmt: skip
        written = [word.title() if capital or not sign else word for word in words]
        assert known_behaviour(sign.join(written)) == behaviour


def test_a_word_in_another_one_tells_no_behaviour() -> None:
    assert named_behaviour("reviews.csv") == named_behaviour("viewers.csv") == ""
    assert named_behaviour("clicks/2024.csv") == named_behaviour("yoochoose-clicks.dat") == "view"
    assert [known_behaviour(word) for word in ("clicks", "Orders", "carts", "press")] == [
        "view",
        "purchase",
        "cart",
        "",
    ]


@given(
    st.lists(st.datetimes(datetime(1996, 1, 1), datetime(2030, 1, 1)), min_size=3, max_size=9), st.booleans()
)
def test_times_of_logs_and_of_whole_hours_are_read(moments: list[datetime], hours: bool) -> None:
    form = "%Y-%m-%d %H" if hours else "%a %b %d %H:%M:%S +0200 %Y"
    found = written_times(pl.Series([f"{at:{form}}" for at in moments]))
    assert found is not None and found.read == len(moments) and found.has_clock
    assert found.formats[0].replace("%z", "+0200") == form
    assert found.first_year <= min(moments).year + hours
