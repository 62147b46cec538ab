"""A file that is replaced under its name empties no day without a word, and its days are those of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_assets.cli.terminal_output import load_lines
from recsys_lineage.records.records import Records
from tests.platform.nights import CSV, ONE, THREE, TWO, Nights, row


@pytest.fixture
def shop(tmp_path: Path) -> Nights:
    nights = Nights.of(tmp_path)
    nights.deliver("sales.csv", row(ONE, "u1"), row(TWO, "u2"))
    assert nights.night().complete
    nights.deliver("sales.csv", row(TWO, "u2"), row(THREE, "u3"))
    return nights


def days(shop: Nights) -> list[str]:
    return sorted({day for (day,) in shop.events("_day")})


def test_the_days_that_a_moving_window_leaves_behind_stay_and_are_told(shop: Nights) -> None:
    """As where each night's export of the last days replaces the one before."""
    for _ in range(2):
        report = shop.night()
        assert report.complete
        assert report.passed == (ONE,)
        assert days(shop) == [ONE, TWO, THREE]
    shop.deliver("sales.csv", row(THREE, "u3"))
    report = shop.night()
    assert report.complete
    assert report.passed == (ONE, TWO)
    _, notes = load_lines(report)
    assert any(f"are kept: {ONE}, {TWO}. recsys" in note for note in notes)
    assert shop.night(day=ONE).complete
    assert days(shop) == [TWO, THREE]


@pytest.mark.parametrize("left", [(ONE,), (ONE, TWO), ()])
def test_any_other_day_that_no_file_has_any_more_stays_and_fails_until_somebody_asks_for_it(
    shop: Nights, left: tuple[str, ...]
) -> None:
    shop.night()
    shop.deliver("sales.csv", *(row(day, "u2") for day in left))
    lost = sorted({TWO, THREE} - {*left})
    for _ in range(2):
        report = shop.night()
        assert not report.complete
        assert set(lost) <= set(report.days)
        for day in lost:
            (reason,) = report.days[day]
            assert reason.startswith(
                "sales.csv: none of its lines is an event of that day any more, whose rows are kept"
            )
            assert f"recsys materialize raw_events --partition {day}" in reason
        assert days(shop) == [ONE, TWO, THREE]
    for day in lost:
        shop.night(day=day)
    assert set(lost).isdisjoint(days(shop))


def test_forgetting_the_file_gives_the_day_up(shop: Nights) -> None:
    shop.night()
    assert shop.night(forget=["sales.csv"]).complete
    assert days(shop) == []


def test_another_file_that_brings_the_day_again_is_loaded(shop: Nights) -> None:
    shop.night()
    shop.deliver("sales-late.csv", row(ONE, "u9"))
    assert shop.night().complete
    assert {who for day, who in shop.events("_day", "user_id") if day == ONE} == {"u9"}


def _check(shop: Nights, name: str) -> tuple[bool, str]:
    (check,) = [each for each in Records(shop.lake).get("source_files").checks if each.name == name]
    return check.passed, check.found


def test_a_file_that_shrank_is_told_with_its_numbers_of_rows(shop: Nights) -> None:
    assert "fewer rows" not in _check(shop, "no_file_changed")[1]
    shop.deliver("sales.csv", row(TWO, "u2"))
    shop.night()
    passed, found = _check(shop, "no_file_changed")
    assert not passed and "1 of them have fewer rows than before, as sales.csv: 1 instead of 2" in found


@pytest.mark.parametrize(("name", "day", "is_told"), [
    ("sales-2024-02-03.csv", "2024-03-02", True), ("sales-20240203.csv", "2024-03-02", True),
    ("sales-2024-02-03.csv", "2024-02-03", False), ("sales-2024-02-03.csv", "2024-02-02", False),
    ("sales-2024-03-03.csv", "2024-03-03", False), ("sales.csv", "2024-03-02", False),
])  # fmt: skip
def test_a_file_whose_days_have_day_and_month_exchanged_is_told(
    tmp_path: Path, name: str, day: str, is_told: bool
) -> None:
    shop = Nights.of(tmp_path)
    shop.deliver(name, row(day))
    shop.night()
    passed, found = _check(shop, "days_are_those_of_names")
    assert passed is not is_told
    assert (f"as {name}" in found) is is_told


def test_a_file_of_returns_that_no_pattern_reads_is_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    shop.deliver("sales-1.csv", row(ONE))
    for name in ("returns-2024-01-01.csv", "credit_notes.parquet", "stock.csv", "returnees.md"):
        shop.deliver(name, row(ONE))
    assert shop.night().overlooked.keys() == {"returns-2024-01-01.csv", "credit_notes.parquet"}
    shop.mend(raw_events=f"{CSV} UNION ALL {CSV.replace('sales*.csv', 'returns*.csv')}")
    assert not shop.night().overlooked
