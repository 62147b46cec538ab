"""One clock: the shop's own, whatever a file's times say."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.shop_rules import ShopRules, SourceError
from recsys_assets.shop.source import Source
from tests.sql.pipeline import run_pipeline
from tests.sql.test_ids import cleaned
from tests.sql.test_source import folder

EVENTS = "SELECT moment AS event_time, who AS user_id, what AS item_id, _file, _line FROM {}"
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
MOMENT = st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


@settings(deadline=None)
@given(MOMENT, st.sampled_from(ZONES), st.integers(-12 * 4, 14 * 4))
def test_a_time_with_an_offset_is_turned_to_the_shop_s_clock(
    moment: datetime, shop: str, quarters: int
) -> None:
    offset = timezone(timedelta(minutes=15 * quarters))
    instant = moment.replace(tzinfo=timezone.utc)
    there = instant.astimezone(offset)
    sign, minutes = "-" if quarters < 0 else "+", abs(15 * quarters)
    texts = [
        there.isoformat(),
        there.strftime("%Y-%m-%d %H:%M:%S %z"),
        f"{there:%Y-%m-%dT%H:%M:%S}.000{sign}{minutes // 60:02}{minutes % 60:02}",
        f"\ufeff{instant:%Y-%m-%dT%H:%M:%S}Z",
        f"{instant:%Y-%m-%d %H:%M:%S} UTC ",
        f"{instant.astimezone(ZoneInfo('Asia/Kolkata')):%Y-%m-%d %H:%M:%S} Asia/Kolkata",
        f"{there.isoformat()}[Etc/Whatever]",
    ]
    local = instant.astimezone(ZoneInfo(shop)).replace(tzinfo=None)
    assert cleaned("local_time", texts, ShopRules(time_zone=shop)) == [local] * len(texts)


@settings(deadline=None)
@given(MOMENT, st.sampled_from(ZONES))
def test_a_time_without_one_is_taken_as_it_stands(moment: datetime, shop: str) -> None:
    texts = [str(moment), moment.isoformat(), f" {moment}.5", f"{moment:%Y-%m-%d}"]
    half, midnight = (
        moment + timedelta(milliseconds=500),
        datetime.combine(moment.date(), datetime.min.time()),
    )
    assert cleaned("local_time", texts, ShopRules(time_zone=shop)) == [moment, moment, half, midnight]


@pytest.mark.parametrize("zone", ["Mars/Base", "BST", "PST", "XYZ", "PM", "+99:00", "+1", "GMT+2"])
def test_a_zone_that_is_unknown_or_ambiguous_is_not_guessed(zone: str) -> None:
    assert cleaned("local_time", [f"2024-01-15 10:00:00 {zone}"]) == [None]


FAR = [
    "20241-01-05",
    "20241-01-05 10:00:00",
    "20241-01-05T10:00:00Z",
    "infinity",
    "-Infinity",
    "0044-03-15 (BC)",
]


@pytest.mark.parametrize("value", [*FAR, "20241-01-05 10:00:00+02:00", "\ufeff20241-01-05", " inf"])
def test_a_moment_beyond_the_year_9999_or_before_the_first_is_none(value: str) -> None:
    assert cleaned("local_time", [value]) == [None]


@pytest.mark.parametrize("kind", ["text", "timestamp"])
def test_a_year_with_a_digit_too_many_is_one_row_s_fault(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str
) -> None:
    moments = ["2024-01-05 10:00:00", "20241-01-05 10:00:00", "infinity"]
    (tmp_path / "promo.csv").write_text(
        "a,b\n2024-01-05,2024-01-06\n2024-01-05,20241-01-06\ninfinity,infinity\n"
    )
    values = ", ".join(f"('{moment}')" for moment in moments)
    con.execute(
        f"COPY (SELECT CAST(moment AS {'VARCHAR' if kind == 'text' else 'TIMESTAMP'}) AS moment, 'u' AS who, "
        f"'i' AS what FROM (VALUES {values}) AS t (moment)) TO '{tmp_path}/sales.parquet' (FORMAT parquet)"
    )
    offers = "SELECT 'i' AS item_id, a AS start_day, b AS end_day, _file, _line FROM read_csv('promo.csv')"
    sql = EVENTS.format("read_parquet('sales.parquet')")
    source = load_source(folder(tmp_path, raw_events__sql=sql, raw_promotions__sql=offers))
    run_pipeline(con, source, tmp_path)
    assert con.execute("SELECT _line FROM events").fetchall() == [(1,)]
    assert con.execute("SELECT _line FROM promotions").fetchall() == [(2,)]
    assert con.execute("SELECT reason, _line FROM rejected_rows ORDER BY ALL").fetchall() == [
        ("end day is not a day", 3),
        ("event time cannot be read", 2),
        ("event time cannot be read", 3),
        ("start day is not a day", 4),
    ]


def test_the_hours_that_come_twice_or_never() -> None:
    berlin = ShopRules(time_zone="Europe/Berlin")
    twice = ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27 02:30:00"]
    assert cleaned("local_time", twice, berlin) == [datetime(2024, 10, 27, 2, 30)] * 3
    never = ["2024-03-31T00:59:59Z", "2024-03-31T01:00:00Z", "2024-03-31 02:30:00"]
    assert cleaned("local_time", never, berlin) == [
        datetime(2024, 3, 31, 1, 59, 59),
        datetime(2024, 3, 31, 3),
        datetime(2024, 3, 31, 2, 30),
    ]


def shop(tmp_path: Path, scan: str, zone: str) -> Source:
    return load_source(
        folder(tmp_path, raw_events__sql=EVENTS.format(scan), source__toml=f'time_zone = "{zone}"')
    )


def test_text_and_zoned_parquet_have_the_same_days_and_times(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    instant = datetime(2024, 1, 15, 3, 30, tzinfo=timezone.utc)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "a.csv").write_text(
        f"moment,who,what\n{instant.isoformat()},u,i\n2024-01-14 22:30:00,u,j\n"
    )
    (tmp_path / "parquet").mkdir()
    table = pa.table({"moment": pa.array([instant], pa.timestamp("us", "UTC")), "who": ["u"], "what": ["i"]})
    pq.write_table(table, tmp_path / "parquet" / "a.parquet")
    local = (datetime(2024, 1, 14, 22, 30), date(2024, 1, 14))
    for kind, scan, rows in (("csv", "read_csv('*.csv')", 2), ("parquet", "read_parquet('*.parquet')", 1)):
        run_pipeline(con, shop(tmp_path, scan, "America/New_York"), tmp_path / kind)
        assert con.execute("SELECT event_time, day FROM events").fetchall() == [local] * rows
        assert con.execute("SELECT DISTINCT _day FROM raw_events").fetchall() == [(local[1],)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('time_zone = "Europe/Berlim"', r"Found: 'Europe/Berlim'[\s\S]*Did you mean 'Europe/Berlin'"),
        ('time_zone = "BST"', "The time zone of the source is unknown"),
        ("time_zone = 1", "The time zone of the source is unknown"),
        ('no_value = "NULL"', "no_value of the source cannot be used"),
        ("no_value = [1]", "no_value of the source cannot be used"),
        ('whole_number_ids = "no"', "whole_number_ids of the source cannot be used"),
        ('target_behaviour = ""', "target_behaviour of the source cannot be used"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused_when_the_source_is_loaded(
    tmp_path: Path, line: str, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        load_source(folder(tmp_path, source__toml=line))
    error = raised.value
    assert error.expected and error.found and error.advice and "source.toml" in (error.where or "")
