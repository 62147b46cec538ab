"""Events without times get the day that the names of their files tell, in whichever way a shop writes it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recsys_assets.proposal.proposal import propose
from recsys_assets.runs.trial import try_source
from tests.proposal.shop_files import loaded
from tests.proposal.test_check import Shop

WAYS: dict[str, Callable[[date], str]] = {
    "day first": lambda day: f"sales-{day:%d-%m-%Y}.csv",
    "dots": lambda day: f"shop2/{day:%d.%m.%Y} sales.csv",
    "month's name": lambda day: f"sales_{day:%d-%b-%Y}_shop.csv",
    "month's name first": lambda day: f"sales {day:%Y%b%d}.csv",
    "digits": lambda day: f"sales{day:%d%m%Y}.csv",
    "epoch": lambda day: (
        f"sales-{int(datetime(day.year, day.month, day.day, 9, tzinfo=timezone.utc).timestamp())}.csv"
    ),
}
FIRST = date(2024, 1, 29)


@pytest.mark.parametrize("way", WAYS)
def test_a_day_in_the_names_of_files_is_that_of_their_events(tmp_path: Path, way: str) -> None:
    days = {WAYS[way](day): day for day in (FIRST + timedelta(days=n) for n in range(5))}
    for n, path in enumerate(days):
        (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / path).write_text(f"customer_id,sku,qty\nu{n},i1,1\nu{n},i2,1\n")
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    assert {(each["_file"], each["day"]) for each in events.iter_rows(named=True)} == {*days.items()}
    assert "undated" not in proposal.files["source.toml"]
    assert any("taken of the names of its files" in note for note in proposal.notes)
    # the next file is read too
    pattern = proposal.groups[0].pattern
    assert not any(sign.isdigit() for sign in pattern.replace("shop2", "")) and "Jan" not in pattern


FOLDERS: dict[str, Callable[[datetime], str]] = {
    "numbers": lambda at: f"year={at.year}/month={at.month}/day={at.day}/hour={at.hour}/part-0",
    "zeros": lambda at: f"year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}/part-0",
    "day and hour": lambda at: f"dt={at:%Y-%m-%d}/hr={at:%H}/part-0",
    "no names": lambda at: f"{at:%Y/%m/%d/%H}/part-0",
    "no names, no zeros": lambda at: f"shop/{at.year}/{at.month}/{at.day}/{at.hour}/part-0",
    "one letter": lambda at: f"y={at:%Y}/m={at:%m}/d={at:%d}/h={at:%H}/part-0",
    "a day and an hour": lambda at: f"{at:%Y-%m-%d}/{at:%H}/part-0",
    "names": lambda at: f"events_{at:%Y-%m-%d_%H}",
    "digits in names": lambda at: f"{at:%Y%m%d%H}",
    "names with minutes": lambda at: f"events-{at:%Y%m%d}T{at:%H%M}-shop7",
    "names with seconds": lambda at: f"events {at:%Y-%m-%d at %H.%M.%S}",
    "names of streams": lambda at: f"{at:%Y/%m/%d/%H}/clicks-1-{at:%Y-%m-%d-%H-%M-%S}-5ae2-4f1c9a77d1",
    "names with a zone": lambda at: f"events_{at:%Y%m%dT%H%M%S}Z",
    "below others": lambda at: f"lake/orders/date={at:%Y%m%d}/hour={at.hour}/part-0",
}


@pytest.mark.parametrize("way", FOLDERS)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_folders_of_days_and_hours_hold_the_time_of_events(tmp_path: Path, way: str, form: str) -> None:
    hours = [datetime(2024, 1, 29, 21) + timedelta(hours=7 * n) for n in range(6)]
    for n, at in enumerate(hours):
        path = tmp_path / "data" / f"{FOLDERS[way](at)}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        csv = f"customer_id,sku,qty\nu{n},i1,1\n"
        path.write_text(csv if form == "csv" else f'{{"customer_id": "u{n}", "sku": "i1", "qty": 1}}\n')
    proposal = propose("A shop", [tmp_path / "data"])
    proposal.write(tmp_path / "source")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and "undated" not in proposal.files["source.toml"]
    assert {user: at.replace(tzinfo=None) for user, at in events["user_id", "event_time"].iter_rows()} == {
        f"u{n}": at for n, at in enumerate(hours)
    }


@pytest.mark.parametrize("number", ["01", "07", "7", "24", "part-12", "1234567"])
def test_digits_after_a_day_that_are_no_hours_change_no_time(tmp_path: Path, number: str) -> None:
    """Files of each day with the same number, or one that is no clock."""
    for n in range(5):
        file = tmp_path / "data" / f"sales_2024-02-0{n + 1}_{number}.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"customer_id,sku,qty\nu{n},i1,1\nu{n},i2,1\n")
    proposal = propose("A shop", [tmp_path / "data"])
    assert "event_time" not in proposal.files["raw_events.sql"]
    assert "undated = true" in proposal.files["source.toml"]


def test_a_trial_gives_undated_events_the_day_that_loading_gives_them(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        raw_events="SELECT who AS user_id, what AS item_id, _file, _line FROM read_csv('sales*.csv')",
    )
    (shop.source / "source.toml").write_text("undated = true\n")
    for n in range(3):
        shop.deliver(f"sales-2024-02-0{n + 1}.csv", ("", f"u{n}", "i", "1", ""))
    tried = try_source(shop.folder)
    assert tried.days == 3
    assert {*tried.tables[0].sample["day"]} == {date(2024, 2, n) for n in (1, 2, 3)}
