"""What raw tables keep of files that are gone from the shop's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_lineage.assets.asset_status import asset_statuses
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.records.records import Records
from tests.platform.nights import ONE, THREE, TWO, Nights, row


@pytest.fixture
def shop(tmp_path: Path) -> Nights:
    return Nights.of(tmp_path)


def test_a_file_that_is_gone_keeps_its_rows_until_it_is_forgotten(shop: Nights) -> None:
    for name, day in (("sales-1.csv", ONE), ("sales-2.csv", TWO), ("sales-both.csv", ONE)):
        shop.deliver(name, row(day, name))
    shop.night()
    before = shop.events()
    for name in ("sales-1.csv", "sales-2.csv"):
        (shop.data / name).unlink()
    for reuse in (True, False):
        report = shop.night(reuse=reuse)
        assert report.complete and report.gone == ("sales-1.csv", "sales-2.csv")
        assert shop.events() == before
    shop.deliver("sales-both.csv", row(ONE, "new"))
    shop.night()
    assert shop.events("user_id") == [("new",), ("sales-1.csv",), ("sales-2.csv",)]
    report = shop.night(forget=["sales-1.csv"])
    assert report.complete and report.gone == ("sales-2.csv",)
    assert shop.events("user_id") == [("new",), ("sales-2.csv",)]


def test_a_raw_table_is_not_stale_because_a_file_of_it_is_gone(shop: Nights) -> None:
    shop.deliver("sales-1.csv", row(ONE))
    shop.deliver("sales-2.csv", row(TWO))
    shop.night()
    (shop.data / "sales-1.csv").unlink()
    shop.night()
    found = asset_statuses(shop.codes(), Records(shop.lake))
    assert found["source_files"].stale is None and found["raw_events"].stale is None


def test_all_files_may_be_gone(shop: Nights) -> None:
    shop.deliver("sales-1.csv", row(ONE)).unlink(shop.night() is None)
    assert shop.night().gone == ("sales-1.csv",)
    assert len(shop.events()) == 1


def test_a_file_moved_within_the_folder_is_not_gone(shop: Nights) -> None:
    shop.deliver("landing/sales-1.csv", row(ONE))
    shop.night()
    shutil.move(shop.data / "landing" / "sales-1.csv", shop.data / "sales-1.csv")
    report = shop.night()
    assert report.complete and report.gone == ()
    assert shop.events("_file") == [("sales-1.csv",)]


def test_a_file_that_is_gone_before_it_was_loaded_is_told(shop: Nights) -> None:
    shop.deliver("sales-1.csv", row(ONE))
    shop.night()
    late = shop.deliver("sales-2.csv", row(TWO))
    materialize(shop.codes()["source_files"], shop.lake)
    late.unlink()
    report = shop.night()
    assert not report.complete and list(report.days) == [TWO]
    assert shop.night(forget=["sales-2.csv"]).complete


def test_a_table_loaded_whole_keeps_the_rows_of_a_file_that_is_gone_or_broken(tmp_path: Path) -> None:
    users = "SELECT who AS user_id, _file, _line FROM read_csv('people*.csv')"
    shop = Nights.of(tmp_path, raw_users=users)
    shop.deliver("sales-1.csv", row(ONE))
    for number in (1, 2, 3):
        shop.deliver(f"people-{number}.csv", (f"u{number}",), header=("who",))
    shop.night()
    (shop.data / "people-1.csv").unlink()
    (shop.data / "people-2.csv").write_bytes(b"\x00\xff" * 300)
    shop.deliver("people-4.csv", ("u4",), header=("who",))
    report = shop.night()
    assert list(report.faulty) == ["people-2.csv"] and report.gone == ("people-1.csv",)
    assert shop.rows("raw_users", "user_id") == [("u1",), ("u2",), ("u3",), ("u4",)]
    assert shop.night().faulty == report.faulty, "and it stays so"
    shop.deliver("people-2.csv", ("v2",), header=("who",))
    assert shop.night(forget=["people-1.csv"]).complete
    assert shop.rows("raw_users", "user_id") == [("u3",), ("u4",), ("v2",)]


ADDED_UP = """
SELECT who AS user_id, count(*) AS occurrences, min(_file) AS _file,
    arg_min(_line, (_file, _line)) AS _line
FROM read_csv('sales*.csv') GROUP BY who
"""


def test_customers_that_files_of_events_told_of_outlive_these_files(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_users=ADDED_UP)
    shop.deliver("sales-1.csv", row(ONE, "ann"), row(ONE, "ben"), row(ONE, "ben"))
    shop.deliver("sales-2.csv", row(TWO, "ben"), row(TWO, "cid"))
    shop.night()
    assert shop.rows("raw_users", "user_id", "occurrences") == [("ann", "1"), ("ben", "3"), ("cid", "1")]
    (shop.data / "sales-1.csv").unlink()  # to an archive
    for night in range(2):
        shop.deliver(f"sales-{3 + night}.csv", row(THREE, "dan"))
        assert shop.night().complete
        assert shop.rows("raw_users", "user_id", "occurrences", "_file") == [
            ("ann", "1", "sales-1.csv"),
            ("ben", "1", "sales-2.csv"),
            ("cid", "1", "sales-2.csv"),
            ("dan", str(1 + night), "sales-3.csv"),
        ]
    assert shop.night(forget=["sales-1.csv"]).complete
    assert [user for (user,) in shop.rows("raw_users", "user_id")] == ["ben", "cid", "dan"]


def test_what_files_of_events_fill_in_is_not_emptied_by_an_archive(tmp_path: Path) -> None:
    joined = """
    SELECT p.who AS user_id, s.n AS occurrences, p._file, p._line FROM read_csv('people*.csv') AS p
    LEFT JOIN (SELECT who, count(*) AS n FROM read_csv('sales*.csv') GROUP BY who) AS s ON s.who = p.who
    """
    shop = Nights.of(tmp_path, raw_users=joined)
    shop.deliver("people-1.csv", ("ann",), header=("who",))
    shop.deliver("sales-1.csv", row(ONE, "ann"))
    shop.night()
    (shop.data / "sales-1.csv").unlink()
    shop.deliver("sales-2.csv", row(TWO, "ben"))
    with pytest.raises(
        FaultyFiles, match=r"sales-1\.csv: the file is gone, and every row of raw_users may depend"
    ):
        shop.night()
    assert shop.rows("raw_users", "user_id", "occurrences") == [("ann", "1")]


def test_a_table_that_looks_something_up_in_a_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    looked_up = """
    SELECT sales.who AS user_id, any_value(cards.name) AS country, min(sales._file) AS _file, min(sales._line) AS _line
    FROM read_csv('sales*.csv') AS sales LEFT JOIN read_csv('cards.csv') AS cards ON cards.card = sales.who
    GROUP BY sales.who
    """
    shop = Nights.of(tmp_path, raw_users=looked_up)
    shop.deliver("sales-1.csv", row(ONE, "ann"))
    shop.deliver("cards.csv", ("ann", "Ann"), header=("card", "name"))
    shop.night()
    (shop.data / "cards.csv").unlink()
    shop.deliver("sales-2.csv", row(TWO, "ben"))
    with pytest.raises(
        FaultyFiles, match=r"cards\.csv: the file is gone, and every row of raw_users may depend on it"
    ):
        shop.night()
    assert shop.rows("raw_users", "user_id") == [("ann",)]
