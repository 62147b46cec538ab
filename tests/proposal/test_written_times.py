"""What a proposed source makes of a column of times gives the moments that were written, or says that it doubts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.sample.sampled_column import sampled_column
from recsys_assets.proposal.source_sql import moment_sql
from recsys_assets.shop.shop_rules import ZONED_TIME
from tests.examples import examples

_1970, _1899 = datetime(1970, 1, 1), datetime(1899, 12, 30)
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "%Y/%m/%d",
         "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%B %d, %Y")  # fmt: skip


def _counted(unit: int) -> Callable[[datetime], str]:
    return lambda at: str(int((at - _1970).total_seconds()) * unit)


WRITTEN: dict[str, Callable[[datetime], str]] = {
    **{f"{day} %H:%M:%S": lambda at, way=f"{day} %H:%M:%S": at.strftime(way) for day in _DAYS},
    **{
        f"{day}{between}{clock}": lambda at, way=f"{day}{between}{clock}": at.strftime(way)
        for day in ("%d.%m.%Y", "%m/%d/%Y", "%b %d, %Y", "%d %b %Y", "%Y年%m月%d日")
        for between in (", ", " - ", " at ", " um ")
        for clock in ("%H:%M:%S", "%I:%M:%S %p")
    },
    "%a, %d %b %Y %H:%M:%S +0000": lambda at: at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
    "%a, %d %b %Y %H:%M:%S GMT": lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    "comma before the fraction": lambda at: at.strftime("%Y-%m-%d %H:%M:%S,000"),
    "%Y%m%d%H%M%S": lambda at: at.strftime("%Y%m%d%H%M%S"),
    "%Y%m%dT%H%M%S": lambda at: at.strftime("%Y%m%dT%H%M%S"),
    "%Y%m%dT%H%M%SZ": lambda at: at.strftime("%Y%m%dT%H%M%SZ"),
    **{
        way: lambda at, way=way: at.strftime(way)
        for way in (
            "%d.%m.%Y %H.%M.%S",
            "%d.%m.%Y %H:%M:%S Uhr",
            "%G-W%V-%u %H:%M:%S",
            "%G-W%V-%uT%H:%M:%S",
            "%Y-%j %H:%M:%S",
            "%Y-%jT%H:%M:%SZ",
            "%Y-%m-%d-%H.%M.%S.000000",
            "%d/%b/%Y:%H:%M:%S +0000",
            "%a %b %d %H:%M:%S UTC %Y",
            "%A, %B %d, %Y %H:%M:%S",
            "%A, %d %B %Y %H:%M:%S",
            "%m/%d/%Y, %I:%M:%S\u202f%p",
            "%Y. %m. %d. %H:%M:%S",
        )
    },
    "%m/%d/%Y %I:%M:%S %p": lambda at: at.strftime("%m/%d/%Y %I:%M:%S %p"),
    "s": _counted(1),
    "ms": _counted(1_000),
    "us": _counted(1_000_000),
    "ns": _counted(1_000_000_000),
    "spreadsheet": lambda at: f"{(at - _1899).total_seconds() / 86400:.6f}",
    "spreadsheet, decimal commas": lambda at: f"{(at - _1899).total_seconds() / 86400:.6f}".replace(".", ","),
}


def read(values: pl.Series) -> tuple[list[datetime | None], str]:
    """The moments that the proposed SQL makes of a column's values, and what init says of it."""
    column = sampled_column(values)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'").fetchall()
        con.register("files", pl.DataFrame([values]))
        sql = moment_sql(column, f'"{values.name}"')
        rows = con.execute(f"SELECT TRY_CAST(TRY_CAST({sql} AS VARCHAR) AS TIMESTAMP) FROM files").fetchall()
    return [moment for (moment,) in rows], column.note


MOMENTS = st.builds(
    lambda first, gaps: [first + timedelta(seconds=sum(gaps[:n])) for n in range(len(gaps) + 1)],
    st.datetimes(datetime(2001, 1, 1), datetime(2039, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    st.lists(st.integers(0, 3 * 86_400), max_size=12),
)


@settings(deadline=None, max_examples=examples(25))
@given(MOMENTS, st.sampled_from(sorted(WRITTEN)))
def test_every_way_of_writing_times_is_read_or_in_doubt(moments: list[datetime], form: str) -> None:
    found, note = read(pl.Series("ordered_at", [WRITTEN[form](at) for at in moments]))
    assert found == moments or "can be read as" in note


@settings(deadline=None, max_examples=examples(8))
@given(MOMENTS, st.data())
def test_units_may_be_mixed_and_a_mark_for_no_time_costs_no_other(
    moments: list[datetime], data: st.DataObject
) -> None:
    units = [data.draw(st.sampled_from(["s", "ms", "us", "ns"])) for _ in moments]
    texts = [WRITTEN[unit](at) for unit, at in zip(units, moments, strict=True)]
    found, note = read(pl.Series("ts", [*texts, "0"] if len(texts) > 1 else texts))
    assert found[: len(moments)] == moments
    assert len(texts) == 1 or "1 of" in note


@pytest.mark.parametrize("unit", [1_000, 1_000_000_000])
def test_numbers_of_a_typed_column_are_moments_too(unit: int) -> None:
    moments = [datetime(2024, 1, 1, 10), datetime(2024, 1, 2, 11)]
    counted = [int((at - _1970).total_seconds()) * unit for at in moments]
    assert read(pl.Series("ts", [*counted]))[0] == moments
    assert read(pl.Series("ts", [*counted, 0]))[0][:2] == moments


@pytest.mark.parametrize("way", ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_a_day_and_its_clock_in_one_number_are_a_moment(way: str) -> None:
    moments = [datetime(2024, 1, 31), datetime(2024, 2, 1)]
    assert read(pl.Series("ts", [int(at.strftime(way)) for at in moments]))[0] == moments
    assert sampled_column(pl.Series("weight", [20240131, 20240201])).kind == "number"


@pytest.mark.parametrize("sign", ["0001-01-01", "1900-01-01", "1970-01-01"])
def test_days_that_stand_for_no_time_are_not_the_first_of_a_shop(sign: str) -> None:
    assert (
        sampled_column(pl.Series("ordered_at", [f"{sign} 00:00:00", "1998-05-04 10:00:00"])).first_year
        == 1998
    )
    written = [sign, "1998-05-04"]
    assert sampled_column(pl.Series("ordered_at", written).str.to_date()).first_year == 1998
    assert sampled_column(pl.Series("ordered_at", [f"{sign} 00:00:00"])).first_year == 9999


def test_the_reading_of_the_fewest_days_is_taken_and_the_other_one_named() -> None:
    texts = [f"02/{day:02}/2024 10:00" for day in range(1, 5)]
    found, note = read(pl.Series("ordered_at", texts))
    assert found == [datetime(2024, 2, day, 10) for day in range(1, 5)]
    assert "%m/%d/%Y" in note
    assert "%d/%m/%Y" in note


def test_numbers_that_no_moment_is_are_left_alone() -> None:
    assert sampled_column(pl.Series("timestamp", ["1", "2", "3"])).kind == "number"
    assert sampled_column(pl.Series("weight", ["45000", "45001"])).kind == "number"


@pytest.mark.parametrize("zone", [
    "", "Z", " UTC", " GMT", " CET", " America/New_York", "+01:00", " +0100", "-03", "+01:00[Europe/Berlin]", " BST",
    " PST", " (CET)", " UTC+2", "+24:00",
])  # fmt: skip
def test_a_time_with_a_zone_is_one_where_the_sql_reads_the_zone(zone: str) -> None:
    column = sampled_column(pl.Series("when", [f"2024-01-15 10:0{minute}:00{zone}" for minute in range(3)]))
    is_read = not zone or re.search(ZONED_TIME, f"2024-01-15 10:00:00{zone}") is not None
    assert (column.kind == "time") is is_read
    assert ("zone" in column.note) is (is_read and bool(zone))


@pytest.mark.parametrize(
    "way", ["%d/%m/%Y %Hh%M", "%d.%m.%Y %H:%M Uhr", "%Y年%m月%d日 %H時%M分", "%d.%m.%Y %H.%M"]
)
def test_clocks_without_seconds_are_read(way: str) -> None:
    moments = [datetime(2024, 1, 30, 10, 5), datetime(2024, 1, 31, 23, 59)]
    assert read(pl.Series("ordered_at", [at.strftime(way) for at in moments])) == (moments, "")


@settings(deadline=None, max_examples=examples(40))
@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2001, 1, 1), datetime(2039, 1, 1)), st.sampled_from("/-.")),
        min_size=2,
        max_size=30,
    ),
    st.fixed_dictionaries(
        {sign: st.sampled_from(["%d{0}%m{0}%Y %H:%M", "%m{0}%d{0}%Y %H:%M"]) for sign in "/-"}
    ),
)
def test_a_day_is_never_taken_for_a_month_without_a_word(
    written: list[tuple[datetime, str]], order: dict[str, str]
) -> None:
    """As where a spreadsheet turned some dates around, and wrote them with another sign, in another country."""
    ways = order | {".": "%d{0}%m{0}%Y %H:%M"}
    moments = [at.replace(second=0, microsecond=0) for at, _ in written]
    found, note = read(
        pl.Series("ordered_at", [at.strftime(ways[sign].format(sign)) for at, sign in written])
    )
    is_wrong = any(got is not None and got != at for got, at in zip(found, moments, strict=True))
    assert not is_wrong or any(words in note for words in ("another order", "is a day as", "can be read as"))


@pytest.mark.parametrize("most", ["%d/%m/%Y", "%m/%d/%Y"])
def test_days_in_both_orders_are_told(most: str) -> None:
    other = "%m/%d/%Y" if most == "%d/%m/%Y" else "%d/%m/%Y"
    moments = [datetime(2024, month, day) for month in (1, 2, 3) for day in (3, 14, 28)]
    texts = [at.strftime(other if n == 4 else most) for n, at in enumerate(moments)]
    found, note = read(pl.Series("ordered_at", texts))
    assert found == [None if n == 4 else at for n, at in enumerate(moments)]
    assert (
        f"1 of its values are days only with day and month in another order than in {most}, as {texts[4]}"
        in note
    )
