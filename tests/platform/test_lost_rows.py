"""Rows that a delivery takes away: a table that empties, a day that shrinks, a pattern that no file fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from tests.platform.nights import CSV, ONE, TWO, Nights, row
from tests.platform.test_sql_doubts import LOOKED_UP, told

PEOPLE = "SELECT id AS user_id, land AS country, _file, _line FROM read_csv('people.csv')"


def test_customers_do_not_all_end_because_a_file_has_only_its_header(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=PEOPLE)
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("people.csv", ("u1", "France"), ("u2", "Peru"), header=("id", "land"))
    shop.night()
    shop.deliver("people.csv", header=("id", "land"))
    with pytest.raises(FaultyFiles, match=r"people\.csv: no row of raw_users is left, which had 2"):
        shop.night()
    assert shop.rows("raw_users", "user_id") == [("u1",), ("u2",)]
    shop.night(reuse=False)  # as the advice says
    assert shop.rows("raw_users", "user_id") == []


@pytest.mark.parametrize("ids", [("", ""), ("NULL", " "), ("", "n/a")])
def test_customers_do_not_all_end_because_their_ids_are_empty(ids: tuple[str, ...], tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=PEOPLE)
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("people.csv", ("u1", "France"), ("u2", "Peru"), header=("id", "land"))
    shop.night()
    shop.deliver("people.csv", *((each, "France") for each in ids), header=("id", "land"))
    with pytest.raises(FaultyFiles, match="none of the 2 rows of raw_users has a user_id, which had 2"):
        shop.night()
    assert shop.rows("raw_users", "user_id") == [("u1",), ("u2",)]
    shop.deliver("people.csv", (ids[0], "France"), ("u2", "Peru"), header=("id", "land"))
    assert shop.night().complete, "one customer is left"


def test_lines_that_grew_wider_than_their_header_are_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV)
    file = shop.deliver("sales-1.csv", row(ONE), row(ONE, "u2"))
    assert told(shop) == ""
    with file.open("a") as stream:
        stream.write(f"{TWO} 10:00:00,u1,i1,1,web\n{TWO} 11:00:00,u2,i1,1,web\n")
    assert "2 lines of 1 files cannot be split into columns, as sales-1.csv:4" in told(shop)


def test_what_another_file_takes_out_is_not_told_as_a_replaced_file(tmp_path: Path) -> None:
    joined = (
        "SELECT s.moment AS event_time, s.who AS user_id, s.what AS item_id, s._file, s._line "
        "FROM read_csv('sales*.csv') AS s ANTI JOIN read_csv('gone*.csv') AS gone ON gone.what = s.what"
    )
    shop = Nights.of(tmp_path, raw_events=joined)
    shop.deliver("gone-1.csv", ("other",), header=("what",))
    shop.deliver("sales-1.csv", row(ONE), (f"{TWO} 10:00:00", "u1", "i2", "1"))
    shop.deliver("sales-2.csv", (f"{ONE} 10:00:00", "u1", "i2", "1"))
    assert shop.night().complete
    shop.deliver("gone-2.csv", ("i2",), header=("what",))
    report = shop.night()
    assert "another file or a setting that the SQL uses leaves them out" in str(report.days)


def test_a_slip_in_a_pattern_does_not_empty_a_table(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=PEOPLE)
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("people.csv", ("u1", "France"), header=("id", "land"))
    shop.night()
    shop.mend(raw_users=PEOPLE.replace("people", "poeple"))
    with pytest.raises(FaultyFiles, match=r"no file fits 'poeple\.csv'; raw_users has 1 rows"):
        shop.night()
    shop.mend(raw_users=PEOPLE, raw_events=CSV.replace("sales", "slaes"))
    with pytest.raises(
        FaultyFiles, match=r"(?s)files for 1 days that have events.*no file fits 'slaes\*\.csv'"
    ):
        shop.night()
    assert shop.rows("raw_users", "user_id") == shop.events("user_id") == [("u1",)]
    shop.mend(raw_events=CSV)
    assert shop.night().complete
    shop.mend(raw_users=PEOPLE.replace("people", "poeple"), raw_events=CSV.replace("sales", "slaes"))
    shop.night(reuse=False)  # as the advice says
    assert shop.rows("raw_users", "user_id") == shop.events("user_id") == []


@pytest.mark.parametrize("table", ["raw_users", "raw_items", "raw_promotions"])
def test_a_table_does_not_empty_because_its_sql_is_deleted(table: str, tmp_path: Path) -> None:
    key, *others = (name for name, column in RAW_COLUMNS[table].items() if column.required)
    days = "".join(f", day AS {name}" for name in others)
    shop = Nights.of(
        tmp_path,
        raw_events=CSV,
        **{table: f"SELECT id AS {key}{days}, _file, _line FROM read_csv('more.csv')"},
    )
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("more.csv", ("k1", ONE), header=("id", "day"))
    shop.night()
    written = shop.folder / "source" / f"{table}.sql"
    text = written.read_text()
    written.unlink()
    with pytest.raises(FaultyFiles, match=rf"{table}\.sql is gone.*{table} has 1 rows"):
        shop.night()
    assert shop.rows(table, key) == [("k1",)]
    written.write_text(text)
    assert shop.night().complete
    written.unlink()
    shop.night(reuse=False)  # as the advice says
    assert shop.rows(table, key) == []


def test_a_lookup_that_is_gone_is_the_only_file_to_bring_back_or_forget(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=LOOKED_UP)
    cards = ("1", "c1")
    shop.deliver("cards.csv", cards, header=("card", "customer"))
    first = shop.deliver(f"sales-{ONE}.csv", row(ONE, "1"))
    assert shop.night().complete
    (shop.data / "cards.csv").unlink()
    second = shop.deliver(f"sales-{TWO}.csv", row(TWO, "1"))
    report = shop.night()
    assert report.days.keys() == {TWO}
    assert "recsys forget cards.csv" in str(report.days)
    assert "forget sales" not in str(report.days), "to forget the sales would lose them"
    first.unlink()
    second.rename(shop.data / f"sales-{TWO}b.csv")
    shop.deliver("cards.csv", cards, header=("card", "customer"))
    assert shop.night().days == {}
    assert [event[4] for event in shop.events()] == [f"sales-{ONE}.csv", f"sales-{TWO}b.csv"]


def test_a_file_that_is_given_up_empties_its_table(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=PEOPLE)
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("people.csv", ("u1", "France"), header=("id", "land"))
    shop.night()
    shop.night(forget=["people.csv", "sales-1.csv"])
    assert shop.rows("raw_users", "user_id") == shop.events("user_id") == []


def test_a_day_that_lost_most_of_its_rows_is_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    rows = [row(ONE, f"u{number}") for number in range(5)]
    shop.deliver("sales-1.csv", *rows)
    shop.deliver("sales-2.csv", row(TWO))
    assert told(shop) == ""
    shop.deliver("sales-1.csv", *rows[:3])
    assert told(shop) == ""
    shop.deliver("sales-1.csv", rows[0])
    assert told(shop).startswith(f"the files have 1 rows of {ONE} and had 3: deliver them again")
    (shop.data / "sales-1.csv").rename(shop.data / "gone.csv")
    shop.deliver("sales-3.csv", row(ONE, "u9"))
    assert told(shop) == "", "rows of files that are gone are kept"


def test_a_pattern_that_no_file_ever_matched_is_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=f"{CSV} UNION ALL {CSV.replace('sales', 'returns')}")
    shop.deliver("sales-1.csv", row(ONE))
    report = shop.night()
    assert report.without_files == ("returns*.csv",) and report.complete
    shop.deliver("returns-1.csv", row(ONE))
    assert shop.night().without_files == ()
    (shop.data / "returns-1.csv").unlink()
    assert shop.night().without_files == (), "it is told as gone"
