"""Files as public sets of shops, media and clicks come: `recsys init` has every row loaded, or says what is open."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.proposal import propose
from recsys_assets.proposal.sample.sampled_files import NothingToSample
from recsys_assets.shop.loaded_source import load_source
from tests.examples import examples
from tests.proposal.public_files import AT, lines, proposed
from tests.proposal.shop_files import loaded
from tests.sql.pipeline import CLEAN, open_source, run_raw, run_sql


def kinds() -> dict[str, tuple[dict[str, str | bytes], list[str]]]:
    """Files, and the columns that a person names, of sixty events of the same customers, products and moments."""
    nested = [
        {
            "session": u,
            "events": [{"aid": n % 11, "ts": int(AT[n].timestamp()) * 1000} for n in range(60) if n % 7 == u],
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
    assert found == sorted((str(n % 7), str(n % 11), at.replace(tzinfo=None)) for n, at in enumerate(AT))
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
        json.dumps({"session": f"s{n}", "events": [{"sku": f"p{next(at)}", "date": str(AT[0])} for _ in range(shape)]})
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


def test_a_line_of_json_that_ends_too_early_costs_no_other_and_an_order_s_id_is_beside_its_lines(
    tmp_path: Path,
) -> None:
    lines = [
        {"id": f"o{n}", "user_id": "u", "date": str(AT[0]), "items": [{"sku": "p"}, {"sku": "q"}]}
        for n in (1, 2)
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    proposal = proposed(tmp_path, {"a.jsonl": text + text[:40]})
    assert any("1 of 3 lines are no JSON" in note for note in proposal.notes)
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert sorted(events["order_id", "item_id"].rows()) == [(o, i) for o in ("o1", "o2") for i in ("p", "q")]
    assert rejected.height == 1


def test_lists_of_what_was_shown_and_clicked_are_a_row_each(tmp_path: Path) -> None:
    shown = [[f"N{(7 * n + k) % 11}-{int(k == n % 3)}" for k in range(n % 4)] for n in range(12)]
    lines = [
        f"{n}\tU{n % 5}\t11/{9 + n}/2019 9:05:58 AM\tN1 N2\t{' '.join(each)}\n"
        for n, each in enumerate(shown)
    ]
    told = ["user_id=behaviors.tsv:column_2", "item_id=behaviors.tsv:column_5"]
    proposed(tmp_path, {"behaviors.tsv": "".join(lines)}, told)
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    expected = [
        (f"U{n % 5}", element[:-2], "view" if element.endswith("1") else "impression", n + 1)
        for n, each in enumerate(shown)
        for element in each
    ]
    assert sorted(events["user_id", "item_id", "behaviour", "_line"].rows()) == sorted(expected)
    assert rejected["reason"].to_list() == ["missing item id"] * shown.count([])


def test_files_of_hive_without_a_header_are_divided_by_their_control_character(tmp_path: Path) -> None:
    content = lines("{t:%Y-%m-%d %H:%M:%S}\x01c{u}\x01A{i}\x01\\N")
    proposed(tmp_path, {"000000_0": content}, ["user_id=column_2", "item_id=column_3"])
    sql = (tmp_path / "source" / "raw_events.sql").read_text()
    assert r"delim = '\x01'" in sql and r"nullstr = '\N'" in sql
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events["user_id"].unique().sort().to_list() == [f"c{n}" for n in range(7)]


@pytest.mark.parametrize("sign", ["^", "~", "\x01", "\xa7"])
def test_a_sign_that_no_text_has_stands_between_fields(tmp_path: Path, sign: str) -> None:
    fields = ["order_no", "ordered_at", "customer", "sku", "title"]
    rows = [[f"o{n}", str(at)[:19], f"u{n}", f"p{n}", "Mug, blue; large"] for n, at in enumerate(AT[:5])]
    proposed(tmp_path, {"a.csv": "".join(f"{sign.join(row)}\n" for row in [fields, *rows])})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events["user_id"].to_list() == [f"u{n}" for n in range(5)]


def test_records_in_lists_of_parquet_are_rows_and_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    items = [[{"sku": "p", "price": 2.5}, {"sku": "q", "price": 3.5}], [], [{"sku": "p", "price": 4.5}]]
    frame = {
        "customer": ["a", "b", "a"],
        "created_at": [at.replace(tzinfo=None) for at in AT[:3]],
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


def test_a_description_that_stands_in_events_is_known_from_the_first_of_them(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},p{n % 11},T{n // 30},{at:%d.%m.%Y %H:%M}\n" for n, at in enumerate(AT))
    proposed(
        tmp_path, {"events.csv": "user,sku,title,moment\n" + rows, "products.csv": "sku,title\np99,Mug\n"}
    )
    with duckdb.connect() as con:
        source = load_source(tmp_path / "source")
        open_source(con, source, tmp_path / "data")
        run_raw(con, source)
        run_sql(con, source, "clean", CLEAN)
        found = con.sql("SELECT item_id, title, known_from FROM items WHERE item_id IN ('p3', 'p99')").pl()
    first = AT[3].replace(tzinfo=None)
    assert sorted(found.rows()) == [("p3", "T0", first), ("p99", "Mug", datetime(1970, 1, 1))]


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
        ("0 7 9\n1 4\n2 5 6 8\n", "train.txt", "RECSYS_SOURCE=interaction-lists reads them"),
        (b"\x00\x01\x02" * 400, "model.bin", "neither CSV nor Parquet"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, content: str | bytes, name: str, words: str
) -> None:
    with pytest.raises(NothingToSample, match=words):
        proposed(tmp_path, {name: content})


def test_the_commands_that_are_advised_make_files_that_are_read(tmp_path: Path) -> None:
    told = [{"user_id": f"u{n % 7}", "item_id": f"i{n}", "date": str(at)} for n, at in enumerate(AT)]
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
