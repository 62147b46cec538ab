"""What `recsys init` writes for a shop's files loads every row of them, however the shop spells things."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.names.known_names import EVENT
from recsys_assets.proposal.proposal import propose
from tests.examples import examples
from tests.proposal.shop_files import HEAD, loaded, write

_START = datetime(2024, 3, 14, 9, 30)
_TIMES = {
    "iso": lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    "T": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}",
    "german": lambda at: f"{at:%d.%m.%Y %H:%M}",
    "american": lambda at: f"{at:%m/%d/%Y %I:%M %p}",
    "seconds": lambda at: str(int((at - datetime(1970, 1, 1)).total_seconds())),
    "milliseconds": lambda at: str(int((at - datetime(1970, 1, 1)).total_seconds() * 1000)),
}


def spelled(name: str, style: str) -> str:
    """A known name as another shop would write it; the words of it are not known, so only its case changes."""
    return {"lower": name, "upper": name.upper(), "title": name.title(), "spaced": f"{name[:3]}_{name[3:]}"}[
        style
    ]


# each example makes and loads a shop, so what fails is not made smaller
@settings(max_examples=examples(15), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    user=st.sampled_from(EVENT["user_id"]),
    item=st.sampled_from(EVENT["item_id"]),
    time=st.sampled_from([name for name in EVENT["event_time"] if name not in ("date", "datum")]),
    order=st.sampled_from(EVENT["order_id"]),
    style=st.sampled_from(["lower", "upper", "title", "spaced"]),
    form=st.sampled_from(sorted(_TIMES)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be", "utf-32", "utf-32-le"]),
    comma=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_proposal_loads_every_row_with_its_customer_product_time_and_price(
    tmp_path_factory: pytest.TempPathFactory,
    user: str, item: str, time: str, order: str, style: str, form: str, delimiter: str, encoding: str, comma: bool,
    seed: int,
) -> None:  # fmt: skip
    header = [spelled(name, style) for name in (order, user, item, "qty", "price", time)]
    assume("".join(header).encode(encoding, "ignore").decode(encoding).lstrip("\ufeff") == "".join(header))
    draw = random.Random(seed)
    root = tmp_path_factory.mktemp("shop")
    (root / "data").mkdir()
    expected = set()
    for month in ("2024-03", "2024-04"):
        rows = []
        for line in range(60):
            at = _START + timedelta(days=draw.randrange(15), minutes=draw.randrange(600))
            cents = draw.randrange(100, 500_000)
            price = f"{cents // 100},{cents % 100:02d}" if comma else f"{cents / 100:.2f}"
            cells = [
                f"o{month}{line}",
                f"Kä{draw.randrange(20)}",
                f"sku-{draw.randrange(30)}",
                str(draw.randrange(1, 9)),
            ]
            rows.append([*cells, price, _TIMES[form](at)])
            expected.add((cells[1], cells[2], at.replace(second=0), cents))
        write(root / "data" / f"orders_{month}.csv", header, rows, delimiter, encoding)
    proposal = propose("A shop", [root / "data"])
    proposal.write(root / "source")
    events, rejected = loaded(root / "source", root / "data")
    assert rejected.is_empty(), rejected["detail"].head(3).to_list()
    assert events.height == 120
    found = {
        (user_id, item_id, at.replace(tzinfo=None), round(price * 100))
        for user_id, item_id, at, price in events[
            "user_id", "item_id", "event_time", "unit_price"
        ].iter_rows()
    }
    assert found == expected


@pytest.mark.parametrize(
    ("files", "prices"),
    [
        (  # each file has an encoding of its own, the last one UTF-16 without its mark
            {
                "o-2024-03-01.csv": (HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("cp1252"),
                "o-2024-03-02.csv": (HEAD + "2;Zoë;é;1;3.5;2024-03-01 10:00\n").encode(),
                "o-2024-03-03.csv": (HEAD + "3;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("utf-16"),
                "o-2024-03-04.csv": (HEAD + "4;Zoë;é;1;3.5;2024-03-01 10:00\n").encode("utf-16-le"),
            },
            [3.5] * 4,
        ),
        (  # times in several ways, prices with a currency
            {
                "o 1.csv": HEAD
                + "1;Zoë;é;1;1.299,00 €;01.03.2024 10:00\n2;Zoë;é;1;3,50 €;1.3.2024 10:00:00\n",
                "o 2.csv": HEAD + "3;Zoë;é;1;EUR 3,50;2024-03-01T10:00\n4;Zoë;é;1;3;1709287200\n",
                "o 3.csv": HEAD + "5;Zoë;é;1;12;1709287200000\n",
            },
            [1299.0, 3.5, 3.5, 3.0, 12.0],
        ),
        (
            {"o.csv": HEAD + "1;Zoë;é;1;$1,299.00;2024-03-01 10:00\n2;Zoë;é;1;$7.25;2024-03-01 10:00\n"},
            [1299.0, 7.25],
        ),
        (  # a title before the header, in as many cells
            {"o.csv": "Orders;of;;;;\n;;;;;\n" + HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n"},
            [3.5],
        ),
        (  # columns in another order and another case, one more, and another name
            {
                "o1.csv": HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n",
                "o2.csv": "ORDER DATE;SKU;QTY;PRICE;CUSTOMER_ID;ORDER_ID\n2024-03-01 10:00;é;1;4.5;Zoë;2\n",
                "o3.csv": "client;sku;price;order date;coupon\nZoë;é;5.5;2024-03-01 10:00;x\n",
            },
            [3.5, 4.5, 5.5],
        ),
        (
            {
                "o [2024-03-01].csv": HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n",
                "o [2024-03-02].csv": HEAD + "2;Zoë;é;1;4.5;2024-03-01 10:00\n",
            },
            [3.5, 4.5],
        ),
        ({"o*[1]?.csv": HEAD + "1;Zoë;é;1;3.5;2024-03-01 10:00\n"}, [3.5]),
    ],
)
def test_files_of_many_kinds_are_loaded_whole(
    tmp_path: Path, files: dict[str, bytes | str], prices: list[float]
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    propose("Kinds", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected.to_dicts()
    assert sorted(events["unit_price"]) == sorted(prices)
    assert {*events["user_id"]} == {"Zoë"} and {*events["item_id"]} == {"é"}
    assert {*events["event_time"]} == {datetime(2024, 3, 1, 10)}


@pytest.mark.parametrize(
    "files",
    [
        {
            "orders.csv": "order_id,customer_id,created_at\n1,u1,2024-03-01 10:00\n2,u2,2024-03-02 10:00\n",
            "order_items.csv": "order_id,sku,qty,price\n1,i1,1,3.5\n1,i2,2,4.5\n2,i1,1,3.5\n3,i1,1,3.5\n",
        },
        {
            "sales-2024-03-01.csv": "card_no,sku,qty,unit_price,sold at date\n"
            "a,i1,1,3.5,2024-03-01 10:00\na,i2,2,4.5,2024-03-01 10:00\n"
            "b,i1,1,3.5,2024-03-02 10:00\nc,i1,1,3.5,2024-03-01 10:00\n",
            "cards.csv": "card_no,customer\na,u1\nb,u2\n",
            "products.csv": "sku,title\ni1,mug\ni2,cup\n",
        },
    ],
)
def test_lines_and_heads_make_events_together_and_no_line_is_lost(
    tmp_path: Path, files: dict[str, str]
) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_text(content)
    proposal = propose("Two files", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert sorted(events["user_id", "item_id", "unit_price"].iter_rows()) == [
        ("u1", "i1", 3.5), ("u1", "i2", 4.5), ("u2", "i1", 3.5)
    ]  # fmt: skip
    assert set(events["event_time"].dt.day()) == {1, 2}
    assert rejected["reason"].to_list() == ["missing user id"]
    assert ("raw_items.sql" in proposal.files) == ("products.csv" in files)


def test_a_column_named_like_a_time_is_not_left_out_though_nothing_reads_it(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["date", "customer", "sku"], [["day 12 of 2024", "u", "i"]], ",", "utf-8")
    proposal = propose("Odd times", [tmp_path])
    assert "undated" not in proposal.files["source.toml"] and '"date"' in proposal.files["raw_events.sql"]


def test_the_file_of_the_next_day_is_expected_where_there_is_one_day_alone(tmp_path: Path) -> None:
    write(
        tmp_path / "a 2024-03-01.csv", ["date", "customer", "sku"], [["2024-03-01", "u", "i"]], ",", "utf-8"
    )
    assert "read_csv('a *.csv')" in propose("A day", [tmp_path]).files["raw_events.sql"]


def test_events_items_and_users_of_a_clickstream_become_three_tables(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    events = [
        [
            str(1433221332117 + 60_000 * n),
            f"{n % 7}",
            word,
            f"{n % 11}",
            f"{n}" if word == "transaction" else "",
        ]
        for n, word in enumerate(["view", "view", "addtocart", "transaction", "view"] * 30)
    ]
    write(
        data / "events.csv",
        ["timestamp", "visitorid", "event", "itemid", "transactionid"],
        events,
        ",",
        "utf-8",
    )
    write(
        data / "products.csv",
        ["itemid", "Product Name", "categoryid"],
        [[f"{n}", f"Thing {n}", "c"] for n in range(11)],
        ",",
        "utf-8",
    )
    pl.DataFrame({"visitorid": [f"{n}" for n in range(7)], "country": ["NL"] * 7}).write_parquet(
        data / "people.parquet"
    )
    (data / "notes.docx").write_bytes(b"PK\3\4")
    proposal = propose("Clicks", [data])
    assert list(proposal.tables) == ["raw_events", "raw_users", "raw_items"]
    assert "notes.docx" in proposal.unread
    proposal.write(tmp_path / "source")
    found, rejected = loaded(tmp_path / "source", data)
    assert rejected.is_empty()
    assert dict(found["behaviour"].value_counts().iter_rows()) == {"view": 90, "cart": 30, "purchase": 30}
    assert found["event_time"].min() == datetime(2015, 6, 2, 5, 2, 12, 117000)
