"""A file that was broken, and whose rows come back in another file: no row stands twice, none is lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.platform.nights import ONE, THREE, TWO, Nights, row

USERS = "SELECT who AS user_id, _file, _line FROM read_csv('sales*.csv')"


def halved(path: Path) -> None:
    """What a copy that was interrupted leaves."""
    path.write_bytes(b"\x00\xff" + path.read_bytes()[:20] + b"\x00" * 50)


def rows(shop: Nights) -> list[tuple]:
    return shop.events("user_id", "_day", "_line") + shop.rows("raw_users", "user_id", "_line")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "between"), [("sales-1 (restored).csv", 0), ("landing/sales-1.csv", 1), ("sales-0.csv.gz", 0)]
)
@pytest.mark.parametrize("fate", ["it stays, broken", "it is gone"])
def test_a_broken_file_that_comes_back_under_another_name_has_its_rows_once(
    fate: str, name: str, between: int, tmp_path: Path
) -> None:
    shop = Nights.of(tmp_path, raw_users=USERS)
    shop.deliver("sales-1.csv", row(ONE, "ann"), row(ONE, "ann"), row(TWO, "ben"))
    shop.deliver("sales-2.csv", row(TWO, "cid"))
    shop.night()
    before, content = rows(shop), (shop.data / "sales-1.csv").read_bytes()
    halved(shop.data / "sales-1.csv")
    shop.night()
    assert rows(shop) == before, "what was loaded stays"
    if fate == "it is gone":
        (shop.data / "sales-1.csv").unlink()
    for _ in range(between):
        shop.night()
        assert rows(shop) == before
    back = shop.data / name
    back.parent.mkdir(exist_ok=True)
    back.write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    for _ in range(2):
        report = shop.night()
        assert report.gone == () and report.faulty == {}
        assert rows(shop) == before
    assert {path for (path,) in shop.events("_file")} == {name, "sales-2.csv"}
    assert shop.statuses() == {name: "loaded", "sales-2.csv": "loaded"} | (
        {} if fate == "it is gone" else {"sales-1.csv": "duplicate"}
    )
    shop.deliver("sales-3.csv", row(ONE, "dan"))
    shop.night()
    assert len(shop.events()) == 5, "its days are held back no more"


@pytest.mark.parametrize("broken", ["sales-1.csv", "sales-2.csv"])
def test_a_copy_that_is_replaced_by_a_damaged_file_is_a_fault_and_no_row_is_lost(
    broken: str, tmp_path: Path
) -> None:
    shop = Nights.of(tmp_path, raw_users=USERS)
    for name in ("sales-1.csv", "sales-2.csv"):
        shop.deliver(name, row(ONE, "ann"), row(TWO, "ben"))
    assert shop.night().copies == {"sales-2.csv": "sales-1.csv"}
    before = rows(shop)
    halved(shop.data / broken)
    for _ in range(2):
        report = shop.night()
        assert {*report.faulty} == {broken} and report.days == {}
        assert rows(shop) == before
    shop.deliver(broken, row(THREE, "cid"))
    assert shop.night().complete
    assert shop.events("user_id") == [("ann",), ("ben",), ("cid",)]
