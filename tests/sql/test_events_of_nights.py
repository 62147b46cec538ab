"""What comes in another notation on a later night is told: ids that were others, and times by another clock."""

from __future__ import annotations

import duckdb
import pytest

from recsys_assets.assets.clean.events import ONE_CLOCK
from recsys_assets.assets.clean.ids_in_one_way import alike_in_events, in_words


def events(ids: dict[str, list[str]]) -> duckdb.DuckDBPyConnection:
    """Events of files, a line each: file -> the customers."""
    rows = [(who, "i1", file, line) for file, each in ids.items() for line, who in enumerate(each, start=2)]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE events (user_id VARCHAR, item_id VARCHAR, _file VARCHAR, _line BIGINT)")
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
    return connection


@pytest.mark.parametrize(
    ("before", "now"),
    [("007", "7"), ("7", "0007"), ("A7", "a7"), ("1234567", "1,234,567"), ("1234", "1 234")],
)
def test_an_id_that_is_written_in_another_way_later_is_told_with_counts_and_its_place(
    before: str, now: str
) -> None:
    with events({"day-1.csv": [before, "x", before], "day-2.csv": ["y", now, now, before]}) as connection:
        (found,) = alike_in_events("events", lambda sql: connection.execute(sql).fetchall())
    assert found == ("user_id", 1, 2, ("day-2.csv:3",))
    assert "1 customers" in in_words(*found) and "2 events, as at day-2.csv:3" in in_words(*found)


@pytest.mark.parametrize("other", ["8", "70", "7a", "12,34", "7.5"])
def test_other_ids_are_others(other: str) -> None:
    with events({"day-1.csv": ["7", "1234"], "day-2.csv": [other]}) as connection:
        assert not [*alike_in_events("events", lambda sql: connection.execute(sql).fetchall())]


def broken(times: list[object], type_: str = "VARCHAR") -> list[tuple[str, int]]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE raw_events (event_time {type_}, _file VARCHAR, _line BIGINT)")
        rows = [(time, "day.csv", line) for line, time in enumerate(times, start=2)]
        connection.executemany("INSERT INTO raw_events VALUES (?, ?, ?)", rows)
        return connection.execute(f"{ONE_CLOCK.sql} ORDER BY ALL").fetchall()


BARE = "2024-07-01 10:00:00"


@pytest.mark.parametrize(
    "zoned", [f"{BARE}+02:00", f"{BARE}.123 -0430", "2024-07-01T10:00:00+05", f"{BARE}+00:30"]
)
@pytest.mark.parametrize("others", [[BARE], ["2024-07-01T10:00", f"{BARE}.5"]])
def test_times_without_an_offset_beside_some_with_one_are_told(zoned: str, others: list[object]) -> None:
    assert broken([zoned, *others, None]) == [("day.csv", line + 3) for line in range(len(others))]


@pytest.mark.parametrize(
    "times", [[BARE, "2024-07-02"], [f"{BARE}Z", BARE], [f"{BARE}+00:00", BARE], [f"{BARE}+02:00", "2024-07-01"],
              [f"{BARE}+02:00", f"{BARE} UTC"], [f"{BARE}+02:00", f"{BARE}-01:00"], [None]],
)  # fmt: skip
def test_times_by_one_clock_and_days_are_not(times: list[object]) -> None:
    assert broken(times) == []


def test_typed_times_are_one() -> None:
    assert broken([BARE], "TIMESTAMP") == []
