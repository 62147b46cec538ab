"""Files that no pattern of a source fits are told where their names are like those of files that are read."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.raw.named_day import named_day
from recsys_assets.assets.raw.overlooked_files import overlooked_files
from recsys_lineage.records.records import Records
from tests.examples import examples
from tests.platform.nights import CSV, Nights

NAMES = st.builds(
    lambda folder, word, number, end: f"{folder}{word}{number}{end}",
    st.sampled_from(["", "old/", "2024/", "2025/"]),
    st.sampled_from(["orders", "people"]),
    st.sampled_from(["", "-1", "-2", "-2024-01-03"]),
    st.sampled_from([".csv", ".csv.gz", ".parquet", ".csv.zst", ".md"]),
)


@settings(deadline=None, max_examples=examples(40))
@given(st.sets(NAMES, max_size=8), st.data())
def test_what_is_told_is_not_read_and_differs_in_numbers_or_format_alone(
    names: set[str], data: st.DataObject
) -> None:
    read = {name for name in names if data.draw(st.booleans())}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).touch()
        found = overlooked_files(Path(folder), read)
    assert set(found.values()) <= read
    assert not read & set(found)

    kept = {_stem(name) for name in read}
    like = {re.sub(r"\d[\d-]*", "#", stem) for stem in kept}
    assert set(found) == {
        name
        for name in names - read
        if not name.endswith(".md")
        and _stem(name) not in kept
        and re.sub(r"\d[\d-]*", "#", _stem(name)) in like
    }


def _stem(name: str) -> str:
    """The name without its format; a format that holds no rows stays."""
    return name if name.endswith(".md") else name.split(".")[0]


def test_a_night_says_which_file_of_the_next_day_was_not_read(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV.replace("sales*.csv", "sales-1.csv"))
    shop.deliver("sales-1.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    assert not shop.night().overlooked
    shop.deliver("sales-2.csv", ("2024-01-02 10:00:00", "u1", "i1", "1"))
    shop.deliver("people.csv", ("2024-01-02 10:00:00", "u1", "i1", "1"))
    assert shop.night().overlooked == {"sales-2.csv": "sales-1.csv"}


def test_files_of_a_linked_folder_that_a_pattern_does_not_go_into_are_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV.replace("sales*.csv", "**/sales*.csv"))
    shop.deliver("a/sales-1.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    (tmp_path / "outside" / "more").mkdir(parents=True)
    for name in ("sales-2.csv", "more/sales-3.csv", "more/people.csv"):
        (tmp_path / "outside" / name).write_text("x")
    (shop.data / "again").symlink_to(shop.data / "a")
    (shop.data / "ext").symlink_to(tmp_path / "outside")
    (shop.data / "round").symlink_to(tmp_path)
    (tmp_path / "outside" / "back").symlink_to(tmp_path / "outside")
    overlooked = shop.night().overlooked
    assert overlooked == {"ext/sales-2.csv": "a/sales-1.csv", "ext/more/sales-3.csv": "a/sales-1.csv"}


def test_a_file_sent_again_under_another_name_is_told_while_both_count(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    for day in ("2024-01-01", "2024-01-02"):
        shop.deliver(f"sales-{day}.csv", (f"{day} 10:00:00", "u1", "i1", "1"))
    shop.deliver("sales-2024-01-02_part2.csv", ("2024-01-02 10:00:00", "u2", "i1", "1"))
    shop.night()
    assert not _corrections(shop)
    shop.deliver("sales-2024-01-01_v2.csv", ("2024-01-01 10:00:00", "u9", "i1", "1"))
    shop.night()
    assert _corrections(shop) == 1
    shop.night(forget={"sales-2024-01-01.csv"})
    assert not _corrections(shop)


def _corrections(shop: Nights) -> float:
    record = Records(shop.lake).latest("source_files")
    assert record is not None
    return next(c for c in record.checks if c.name == "no_file_corrects_another").counts["rows"]


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("sales-2024-01-31.csv", "2024-01-31"),
        ("day=2024-01-31/part-0.csv", "2024-01-31"),
        ("shop/year=2024/month=1/day=31/part-0.csv", "2024-01-31"),
        ("2024/01/31/sales.csv", "2024-01-31"),
        ("2024-01-30/sales-20240131.csv", "2024-01-31"),
        ("2024/02/31/sales.csv", "None"),
        ("2024/01/sales.csv", "None"),
        ("sales.csv", "None"),
    ],
)
def test_the_day_of_a_file_is_told_by_its_name_or_else_by_its_folders(path: str, day: str) -> None:
    assert str(named_day(path)) == day
