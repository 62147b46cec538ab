"""What a proposed source makes of a column of times gives the moments that were written, or says that it doubts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.proposal.column_sql import moment_sql
from recsys_assets.proposal.sample.sampled_column import sampled_column
from recsys_assets.shop.shop_rules import ZONED_TIME
from tests.examples import examples
from tests.proposal.public_files import proposed
from tests.proposal.shop_files import loaded

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
    "GMT+0000 (Coordinated Universal Time)": lambda at: at.strftime(
        "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"
    ),
    "%d-%b-%y %I.%M.%S.000000 %p": lambda at: at.strftime("%d-%b-%y %I.%M.%S.000000 %p").upper(),
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
    "way",
    ["%b %d %Y %I:%M%p", "%d/%m/%Y %Hh%M", "%d.%m.%Y %H:%M Uhr", "%Y年%m月%d日 %H時%M分", "%d.%m.%Y %H.%M"],
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


@pytest.mark.parametrize("count", [1, 1_000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("form", ["csv", "parquet", "two notations", "two files"])
def test_numbers_that_count_from_1970_are_moments_of_utc_on_the_shop_s_clock(
    count: int, form: str, tmp_path: Path
) -> None:
    moments = [datetime(2024, 3, 30, 23, 30) + timedelta(hours=hours) for hours in range(0, 60, 3)]
    counted: list[object] = [int((at - _1970).total_seconds()) * count for at in moments]
    if form == "two notations":
        counted = [
            f"{at}Z" if n % 3 else at_number
            for n, (at, at_number) in enumerate(zip(moments, counted, strict=True))
        ]
    rows = {"ts": [*map(str, counted)] if form in ("csv", "two notations") else counted}
    frame = pl.DataFrame(
        rows | {"user_id": [f"u{n % 3}" for n in range(20)], "item_id": [f"p{n % 4}" for n in range(20)]}
    )
    (tmp_path / "data").mkdir()
    if form in ("csv", "two notations"):
        frame.write_csv(tmp_path / "data" / "clicks.csv")
    else:
        frame.write_parquet(tmp_path / "data" / "clicks.parquet")
    local = [
        at.replace(tzinfo=timezone.utc).astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
        for at in moments
    ]
    if form == "two files":
        frame.select(
            "user_id", "item_id", pl.Series("ordered_at", local), pl.lit(1.5).alias("price")
        ).write_parquet(tmp_path / "data" / "orders.parquet")
    notes = proposed(tmp_path, {}).notes
    assert any("counts from 1970 in UTC" in note for note in notes)
    toml = tmp_path / "source" / "source.toml"
    toml.write_text(f'time_zone = "Europe/Berlin"\n{toml.read_text()}')
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    found = sorted(at.replace(tzinfo=None) for at in events["event_time"])
    assert found == sorted(local * (1 + (form == "two files"))), rejected


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_number_beyond_all_years_costs_its_own_row_alone(form: str, tmp_path: Path) -> None:
    counted = [1_704_067_200_000 + n for n in range(20_000)] + [2**63 - 1]
    frame = pl.DataFrame({"ts": counted}).with_columns(user_id=pl.lit("u"), item_id=pl.lit("p"))
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"clicks.{form}"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    proposed(tmp_path, {})
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert (events.height, rejected.height) == (20_000, 1)


MONTHS = {
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "German, short": "Jan. Feb. Mrz. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "French, short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "Swedish": "januari februari mars april maj juni juli augusti september oktober november december",
    "Danish": "januar februar marts april maj juni juli august september oktober november december",
    "Turkish": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",  # noqa: RUF001
    "Finnish": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta "
    "syyskuuta lokakuuta marraskuuta joulukuuta",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "English, short": "Jan. Feb. Mar. Apr. May June July Aug. Sept. Oct. Nov. Dec.",
}
FORMS: dict[str, Callable[[datetime, str], str]] = {
    "{day}. {month} {year}": lambda at, month: f"{at.day}. {month} {at.year}",
    "{day} {month} {year}": lambda at, month: f"{at.day} {month} {at.year}",
    "{day}-{month}-{year}": lambda at, month: f"{at.day:02d}-{month}-{at:%y}",
    "{day} de {month} de {year}": lambda at, month: f"{at.day} de {month} de {at.year}",
    "martes {day} {month} {year}": lambda at, month: f"martes {at.day} {month} {at.year}",
    "{day}. {month} {year}, {clock} Uhr": lambda at, month: f"{at.day}. {month} {at.year}, {at:%H:%M} Uhr",
    "{day} {month} {year} à {clock}": lambda at, month: f"{at.day} {month} {at.year} à {at:%Hh%M}",
    "{day} {month} {year} {clock}": lambda at, month: f"{at.day} {month} {at.year} {at:%H:%M:%S}",
    "{day} {month} {year} г. в {clock}": lambda at, month: f"{at.day} {month} {at.year} г. в {at:%H:%M}",  # noqa: RUF001
}


@pytest.mark.parametrize(
    ("language", "form"),
    [*zip(MONTHS, cycle(FORMS), strict=False), *zip(cycle(["French", "German"]), FORMS, strict=False)],
)
def test_months_are_read_in_every_language(language: str, form: str) -> None:
    months = MONTHS[language].split()
    moments = [datetime(2024, month, day) for month in range(1, 13) for day in (1, 28)]
    if "clock" in form:
        moments = [at.replace(hour=at.month + 10, minute=5) for at in moments]
    found, note = read(pl.Series("ordered_at", [FORMS[form](at, months[at.month - 1]) for at in moments]))
    assert found == moments and not note


@pytest.mark.parametrize("end", ["", " 3:05 p. m.", ", 3:05 PM", " 10:00 MEZ", " or later"])
def test_a_month_in_another_notation_is_not_guessed(end: str) -> None:
    texts = [f"{day} de marzo de 2024{end}" for day in range(1, 5)]
    found, _ = read(pl.Series("ordered_at", texts))
    assert found == ([datetime(2024, 3, day) for day in range(1, 5)] if not end else [None] * 4)
