"""Files as public sets of shops, media and clicks come: `recsys init` has every row loaded, or says what is open."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.behaviours import known_behaviour, named_behaviour
from recsys_assets.proposal.known_names import known_role
from recsys_assets.proposal.named_columns import NamedColumn, UnknownColumn
from recsys_assets.proposal.proposal import NoEvents, Proposal, propose
from recsys_assets.proposal.sampled_files import NothingToSample
from recsys_assets.proposal.written_times import written_times
from recsys_assets.shop.source import Source
from tests.examples import examples
from tests.proposal.shop_files import loaded
from tests.sql.pipeline import CLEAN, open_source, run_raw, run_sql

_START = datetime(2019, 10, 1, 9, 30, tzinfo=timezone.utc)
_AT = [_START + timedelta(hours=7 * n) for n in range(60)]


def proposed(root: Path, files: Mapping[str, str | bytes], columns: Sequence[str] = ()) -> Proposal:
    """A proposal for files below `root`/data, written to `root`/source."""
    for name, content in files.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    proposal = propose("A shop", [root / "data"], [NamedColumn.of(text) for text in columns])
    proposal.write(root / "source")
    return proposal


def lines(template: str, rows: int = 60) -> str:
    """Lines of a user `{u}`, an item `{i}`, a rating `{r}`, a moment `{t}` and its seconds `{s}`."""
    return "".join(
        template.format(u=n % 7, i=n % 11, r=n % 5 + 1, t=at, s=int(at.timestamp())) + "\n"
        for n, at in enumerate(_AT[:rows])
    )


def kinds() -> dict[str, tuple[dict[str, str | bytes], list[str]]]:
    """Files, and the columns that a person names, of sixty events of the same customers, products and moments."""
    nested = [
        {
            "session": u,
            "events": [
                {"aid": n % 11, "ts": int(_AT[n].timestamp()) * 1000} for n in range(60) if n % 7 == u
            ],
        }
        for u in range(7)
    ]
    return {
        "fields between two signs": (
            {
                "ratings.dat": lines("{u}::{i}::{r}::{s}"),
                "movies.dat": lines("{i}::Un été: {i}::Drama", 11).encode("cp1252"),
            },
            [
                "user_id=ratings.dat:column_1",
                "item_id=ratings.dat:column_2",
                "item_id=movies.dat:column_1",
                "title=movies.dat:column_2",
            ],
        ),
        "tabs, no header and a name of its own": (
            {
                "u.data": lines("{u}\t{i}\t{r}\t{s}"),
                "u.item": lines("{i}|Toy Story|01-Jan-1995", 11),
                "README": "Two\tparts\n",
            },
            ["user_id=u.data:column_1", "item_id=u.data:column_2"],
        ),
        "blanks": ({"ratings.txt": lines("{u} {i} {r} {s}")}, ["user_id=column_1", "item_id=column_2"]),
        "records in lists of JSON": (
            {"train.jsonl": "".join(json.dumps(each) + "\n" for each in nested)},
            [],
        ),
        "lines of JSON": (
            {
                "reviews.json": lines(
                    '{{"reviewerID":"{u}","asin":"{i}","overall":{r}.0,"unixReviewTime":{s},"title":"x"}}'
                )
            },
            [],
        ),
        "times of a log": (
            {
                "checkins.csv": "userId,venueId,utcTimestamp\n"
                + lines("{u},{i},{t:%a %b %d %H:%M:%S +0000 %Y}")
            },
            [],
        ),
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_event_is_loaded_with_its_customer_product_and_time(tmp_path: Path, kind: str) -> None:
    files, columns = kinds()[kind]
    proposal = proposed(tmp_path, files, columns)
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty(), rejected.rows()
    found = sorted(events.select("user_id", "item_id", "event_time").rows())
    assert found == sorted((str(n % 7), str(n % 11), at.replace(tzinfo=None)) for n, at in enumerate(_AT))
    assert set(events["behaviour"]) == {"interaction"}, "a rating and a check-in are no purchase"
    assert events["quantity"].unique().to_list() == [1.0]
    assert any("liked" in note for note in proposal.notes) == (
        kind != "times of a log" and "lists" not in kind
    )
    assert '"title"' not in proposal.files.get("raw_items.sql", ""), (
        "the title of a review is none of a product"
    )


# each example makes and loads a shop, so what fails is not made smaller
@settings(max_examples=examples(3), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.lists(
        st.one_of(st.integers(0, 4), st.sampled_from(["", "nonsense", '{"session": "a', "[1]"])),
        min_size=3,
        max_size=12,
    )
)
def test_no_line_of_json_is_lost(tmp_path_factory: pytest.TempPathFactory, shapes: list[int | str]) -> None:
    root = tmp_path_factory.mktemp("json")
    at = iter(range(1000))
    told = [
        json.dumps({"session": f"s{n}", "events": [{"sku": f"p{next(at)}", "date": str(_AT[0])} for _ in range(shape)]})
        if isinstance(shape, int) else shape
        for n, shape in enumerate([1, *shapes])
    ]  # fmt: skip
    (root / "data").mkdir()
    (root / "data" / "a.jsonl").write_text("\n".join(told[:1]) + "\n")
    propose("A shop", [root / "data"]).write(root / "source")
    (root / "data" / "a.jsonl").write_text("\n".join(told) + "\n")
    events, rejected = loaded(root / "source", root / "data")
    assert events.height == 1 + sum(shape for shape in shapes if isinstance(shape, int))
    assert rejected.height == sum(shape != "" and not shape for shape in shapes) + sum(
        isinstance(shape, str) and shape != "" for shape in shapes
    )


def test_records_in_lists_of_parquet_are_rows_and_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    items = [[{"sku": "p", "price": 2.5}, {"sku": "q", "price": 3.5}], [], [{"sku": "p", "price": 4.5}]]
    frame = {
        "customer": ["a", "b", "a"],
        "created_at": [at.replace(tzinfo=None) for at in _AT[:3]],
        "items": items,
    }
    pl.DataFrame(frame).write_parquet(tmp_path / "data" / "a.parquet")
    propose("A shop", [tmp_path / "data"]).write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert sorted(events["item_id", "unit_price"].rows()) == [("p", 2.5), ("p", 4.5), ("q", 3.5)]
    assert rejected.select("reason", "_line").rows() == [("missing item id", 2)]


def test_folders_say_what_happened_and_when(tmp_path: Path) -> None:
    for day in ("2023-01-01", "2023-01-02"):
        for event in ("view", "purchase"):
            folder = tmp_path / "data" / f"date={day}" / f"event_type={event}"
            folder.mkdir(parents=True)
            frame = pl.DataFrame({"user_id": [1, 2], "item_id": [f"{event} {day}"] * 2})
            frame.write_parquet(folder / "part-0.snappy.parquet")
    (tmp_path / "data" / "_SUCCESS").touch()
    proposal = propose("A lake", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert events.height == 8
    assert all(row["item_id"] == f"{row['behaviour']} {row['day']}" for row in events.iter_rows(named=True))
    assert "undated" not in proposal.files["source.toml"]


def test_quotes_behind_backslashes_are_read_where_each_row_would_have_as_many_fields_otherwise(
    tmp_path: Path,
) -> None:
    books = '"ISBN";"Book-Title";"Publisher"\n' + "".join(
        f'"{n:010}";"A \\"B\\" {n}";"C"\n' for n in range(11)
    )
    ratings = '"User-ID";"ISBN";"Book-Rating"\n' + "".join(
        f'"{n % 7}";"{n % 11:010}";"{n % 5}"\n' for n in range(60)
    )
    proposed(tmp_path, {"BX-Books.csv": books, "BX-Book-Ratings.csv": ratings})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events["item_id"].str.len_chars().unique().to_list() == [10]
    assert set(events["subset"]) == {"train", "valid", "test"}, (
        "without times a tenth of the pairs judges the models"
    )


_ORDERS = "order_id,customer_id,order_status,order_purchase_timestamp,order_delivered_date\n" + "".join(
    f"o{n},c{n},delivered,{at:%Y-%m-%d %H:%M:%S},{at + timedelta(days=9):%Y-%m-%d}\n"
    for n, at in enumerate(_AT)
)
_ITEMS = "order_id,order_item_id,product_id,shipping_limit_date,price\n" + "".join(
    f"o{n},1,p{n % 11},{at + timedelta(days=4):%Y-%m-%d %H:%M:%S},2.5\n" for n, at in enumerate(_AT)
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
            ['head."order_purchase_timestamp" AS event_time', 'line."product_id" AS item_id'],
            ["shipping"],
            ['person."customer_unique_id" AS user_id'],
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
                + "".join(f"{n},o,c{n % 7},{at},p{n % 9},1\n" for n, at in enumerate(_AT))
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
            ["no column holds the time", "models are judged by a tenth"],
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
            ["scores.csv: says nothing of movieId", "ratings.csv and tags.csv are all events"],
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
                "says NA in 30 of 150 rows",
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


def test_a_description_that_stands_in_events_is_known_from_the_first_of_them(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},p{n % 11},T{n // 30},{at:%d.%m.%Y %H:%M}\n" for n, at in enumerate(_AT))
    proposed(
        tmp_path, {"events.csv": "user,sku,title,moment\n" + rows, "products.csv": "sku,title\np99,Mug\n"}
    )
    with duckdb.connect() as con:
        source = Source.load(tmp_path / "source")
        open_source(con, source, tmp_path / "data")
        run_raw(con, source)
        run_sql(con, source, "clean", CLEAN)
        found = con.sql("SELECT item_id, title, known_from FROM items WHERE item_id IN ('p3', 'p99')").pl()
    first = _AT[3].replace(tzinfo=None)
    assert sorted(found.rows()) == [("p3", "T0", first), ("p99", "Mug", None)]


def test_a_table_of_many_parts_has_the_same_columns_in_each(tmp_path: Path) -> None:
    events = "user_id,sku,title,date\n" + lines("{u},{i},T,{t}")
    proposed(tmp_path, {"events.csv": events, "products.csv": "sku,title\n" + lines("{i},T", 11)})
    found, _ = loaded(tmp_path / "source", tmp_path / "data")
    assert found.height == 60


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (
            "1:\n5,3,2005-09-06\n6,4,2005-09-07\n2:\n5,1,2005-09-06\n",
            "combined_data_1.txt",
            "a line such as 1: says what",
        ),
        ("{'user_id': 'a', 'good': True}\n", "steam.json", "literals of Python and no JSON"),
        ('[\n{"a": 1},\n{"a": 2}]\n', "all.json", "JSON without a record in each line"),
        (b"\x00\x01\x02" * 400, "model.bin", "neither CSV nor Parquet"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, content: str | bytes, name: str, words: str
) -> None:
    with pytest.raises(NothingToSample, match=words):
        proposed(tmp_path, {name: content})


def test_the_commands_that_are_advised_make_files_that_are_read(tmp_path: Path) -> None:
    told = [{"user_id": f"u{n % 7}", "item_id": f"i{n}", "date": str(at)} for n, at in enumerate(_AT)]
    python = "".join(f"{each}\n" for each in told)
    assert ast.literal_eval(python.splitlines()[0]) == told[0]
    for name, content in {"steam.json": python, "all.json": json.dumps(told)}.items():
        folder = tmp_path / name / "data"
        with pytest.raises(NothingToSample) as error:
            proposed(tmp_path / name, {name: content})
        command = str(error.value).split("as by ", 1)[1].split("\n  Where")[0]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, shell=True, check=True, cwd=folder, env={**os.environ, "PATH": path})
        proposal = propose("A shop", [folder])
        assert {*proposal.tables} == {"raw_events"} and name in proposal.unread


def test_a_column_that_no_file_has_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "who,what,date\n" + lines("{u},{i},{t}")}
    with pytest.raises(NoEvents, match="--column user_id=who --column item_id=what"):
        proposed(tmp_path, files)
    with pytest.raises(UnknownColumn, match="did you mean what"):
        proposed(tmp_path, files, ["user_id=who", "item_id=whta"])
    with pytest.raises(UnknownColumn, match="user_id"):
        proposed(tmp_path, files, ["customer=who"])
    assert proposed(tmp_path, files, ["user_id=who", "item_id=a.csv:what"]).tables["raw_events"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("CUST_CODE", "user_id"), ("household_key", "user_id"), ("user_id:token", "user_id"), ("cookie_id", "user_id"),
        ("PROD_CODE", "item_id"), ("itemSku", "item_id"), ("venueId", "item_id"), ("item_product_id", "item_id"),
        ("order_item_id", None), ("line_item_id", None), ("SHOP_DATE", "event_time"), ("date_added", "event_time"),
        ("order_approved_at", None), ("shipping_limit_date", None), ("birthday", None), ("item_total", "amount"),
        ("order_total", None), ("row_total", "amount"), ("Book-Title", "title"), ("rating:float", None),
    ],
)  # fmt: skip
def test_names_put_together_from_words_are_known(name: str, role: str | None) -> None:
    assert known_role(name) == role


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
