"""Why rows are refused: the counts are those of rejected_rows, and what is advised reads the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.clean.events import LINES_COUNT_ONCE
from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.assets.clean.rejected_rows import REFUSED_FILES
from recsys_assets.assets.clean.rejections import (
    NUMBERS,
    TIMES,
    Rejection,
    most_rows_are_accepted,
    rejections,
)
from recsys_assets.assets.clean.repeated_files import RepeatedFile, repeated_files
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.source import Source
from recsys_assets.shop.source_settings import SourceSettings
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples

PARAMETERS = Source("made", Path(), SourceSettings(), {}).parameters()
SOUND = {
    "event_time": "2024-01-02 10:00:00",
    "user_id": "u",
    "item_id": "i",
    "quantity": "1",
    "unit_price": "1.5",
}


def connected(rows: Sequence[Mapping[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A connection with raw_events of these rows, and the other raw tables empty."""
    connection = duckdb.connect(config={"threads": 1})
    for table, columns in RAW_COLUMNS.items():
        typed = ", ".join(f"{name} VARCHAR" for name in columns)
        more = ", _day DATE, _row_hash BIGINT, _event_id VARCHAR" if table == "raw_events" else ""
        connection.execute(
            f"CREATE TABLE {table} ({typed}, _file VARCHAR, _line BIGINT, _fault VARCHAR, _row VARCHAR{more})"
        )
    for line, row in enumerate(rows, 2):
        given_row = {
            **SOUND,
            "_file": "made.csv",
            "_line": line,
            "_day": "2024-01-02",
            "_row_hash": line,
            **row,
        }
        names = ", ".join(given_row)
        marks = ", ".join(f"${name}" for name in given_row)
        connection.execute(f"INSERT INTO raw_events ({names}) VALUES ({marks})", given_row)
    return connection


def told(connection: duckdb.DuckDBPyConnection, raw: str = "raw_events") -> tuple[Rejection, ...]:
    def ask(sql: str, values: Mapping[str, Any]) -> pl.DataFrame:
        return connection.sql(sql, params=dict(values)).pl()

    return rejections(raw, ask, PARAMETERS)


@pytest.mark.parametrize("raw", CLEAN_OF)
def test_every_table_can_be_asked(raw: str) -> None:
    with connected([]) as connection:
        connection.execute(
            f"INSERT INTO {raw} (_file, _line, _fault) VALUES ('a.csv', 3, 'one field is missing')"
        )
        (found,) = told(connection, raw)
    assert (found.reason, found.rows, found.hint, found.where) == (
        "malformed row", 1, "one field is missing", ("a.csv:3",)
    )  # fmt: skip


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "event_time": st.sampled_from(["1704103200", "1704103200000", "31.12.2023", "x", ""]),
        "user_id": st.sampled_from(["", "NULL", "v"]),
        "quantity": st.sampled_from(["0", "1e9", "1,5", "-1"]),
        "unit_price": st.sampled_from(["1.299,00", "9e9", "12 €"]),
    },
)


@pytest.mark.slow
@settings(deadline=None, max_examples=examples(25))
@given(st.lists(VALUES, max_size=12))
def test_the_counts_are_those_of_rejected_rows_most_first(rows: list[dict[str, str]]) -> None:
    with connected(rows) as connection:
        for clean in ("events", "users", "items", "promotions", "rejected_rows"):
            sql = load_sql("clean", clean)
            connection.execute(f"CREATE TABLE {clean} AS {sql}", parameters_of(sql, PARAMETERS))
        expected = connection.execute("SELECT reason, count(*) FROM rejected_rows GROUP BY reason").fetchall()
        found = told(connection)
        assert {each.reason: each.rows for each in found} == dict(expected)
        assert [each.rows for each in found] == sorted((each.rows for each in found), reverse=True)
        places = connection.execute("SELECT reason, _file || ':' || _line FROM rejected_rows").fetchall()
        assert all((each.reason, place) in places for each in found for place in each.where)
        assert all(each.where for each in found)


MOMENT = datetime(2024, 3, 14, 9, 30)
EPOCH = datetime(1970, 1, 1)
_SECONDS = int((MOMENT - EPOCH).total_seconds())
TIMES_WRITTEN: dict[str, str] = {
    "epoch seconds": str(_SECONDS),
    "epoch milliseconds": str(_SECONDS * 1000),
    "epoch microseconds": str(_SECONDS * 10**6),
    "epoch nanoseconds": str(_SECONDS * 10**9),
    "times as YYYYMMDDHHMMSS": f"{MOMENT:%Y%m%d%H%M%S}",
    "days as YYYYMMDD": f"{MOMENT:%Y%m%d}",
    "days as a spreadsheet counts them": str((MOMENT - datetime(1899, 12, 30)) / timedelta(days=1)),
    "day-first dates": f"{MOMENT:%d/%m/%Y %H:%M}",
    "month-first dates": f"{MOMENT:%m/%d/%Y %H:%M}",
    "dates with the day or the month first": "03/04/2024 09:30",
    "dates with the name of a month": f"{MOMENT:%d %B %Y %H:%M}",
    "days of a week": f"{MOMENT:%G-W%V-%u}",
    "days of a year": f"{MOMENT:%Y-%j}",
    "dates of zeros": "0000-00-00 00:00:00",
    "numbers in scientific notation": "1.7104E+12",
    "times in digits of another script": "２０２４-０３-１４ ０９:３０",  # noqa: RUF001
}
NUMBERS_WRITTEN: dict[str, tuple[str, float]] = {
    "decimal commas and points between thousands": ("1.299,50", 1299.5),
    "commas between thousands": ("1,299", 1299.0),
    "decimal commas": ("1299,5", 1299.5),
    "a minus behind the number": ("12.5-", -12.5),
    "numbers below zero in brackets, or with another sign for minus": ("(12.5)", -12.5),
    "blanks between thousands": ("1 299.5", 1299.5),
    "a currency or a unit next to the number": ("12.50 €", 12.5),
    "numbers in digits of another script": ("１２.５", 12.5),  # noqa: RUF001
}


def sql_of(advice: str, value: str) -> str:
    """The expression that an advice begins with, over a value."""
    return advice.split(", with ")[0].split("; ")[0].split(" where ")[0].replace("…", f"'{value}'")


def test_every_kind_is_tested() -> None:
    assert {kind for kind, _, _ in TIMES} == set(TIMES_WRITTEN)
    assert {kind for kind, _, _ in NUMBERS} == set(NUMBERS_WRITTEN)


@pytest.mark.parametrize("kind", TIMES_WRITTEN)
def test_a_time_of_a_known_kind_is_named_and_the_advice_reads_it(kind: str) -> None:
    written = TIMES_WRITTEN[kind]
    with connected([{"event_time": written}] * 3 + [{"user_id": ""}]) as connection:
        first = told(connection)[0]
        assert (first.reason, first.rows) == ("event time cannot be read", 3)
        assert first.text(4).startswith(f"3 of 4: event time cannot be read; {kind}? ")
        if kind in ("dates of zeros", "numbers in scientific notation"):
            return
        ((read,),) = connection.execute(
            f"SELECT CAST({sql_of(first.hint.removeprefix(f'{kind}? '), written)} AS TIMESTAMP)"
        ).fetchall()
        wanted = {
            "days as YYYYMMDD": datetime(2024, 3, 14),
            "days of a week": datetime(2024, 3, 14),
            "days of a year": datetime(2024, 3, 14),
            "dates with the day or the month first": datetime(2024, 4, 3, 9, 30),
        }
        assert abs(read - wanted.get(kind, MOMENT)) < timedelta(seconds=1)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("column", ["unit_price", "quantity", "amount", "discount"])
@pytest.mark.parametrize("kind", NUMBERS_WRITTEN)
def test_a_number_of_a_known_kind_is_named_and_the_advice_reads_it(kind: str, column: str) -> None:
    written, number = NUMBERS_WRITTEN[kind]
    with connected([{column: written}] * 2) as connection:
        (first,) = told(connection)
        assert first.reason == f"{column.replace('_', ' ')} is not a number" and first.rows == 2
        assert first.hint.startswith(f"{kind}? ")
        sql = sql_of(first.hint.removeprefix(f"{kind}? "), written)
        assert connection.execute(f"SELECT {sql}").fetchall() == [(number,)]


def test_several_kinds_are_told_with_their_counts() -> None:
    rows = [{"event_time": "1704103200"}] * 3 + [{"event_time": "1704103200000"}] * 2 + [{"event_time": "x"}]
    with connected(rows) as connection:
        (only,) = told(connection)
    assert "epoch seconds in 3 of them?" in only.hint and "epoch milliseconds in 2 of them?" in only.hint


@pytest.mark.parametrize(
    ("row", "setting"),
    [
        ({"unit_price": "450000"}, "largest_price"),
        ({"quantity": "200000"}, "largest_quantity"),
        ({"event_time": "2030-01-01"}, "last_day"),
        ({"event_time": None}, "undated"),
    ],
)
def test_the_setting_that_decides_is_named(row: dict[str, str | None], setting: str) -> None:
    with connected([row]) as connection:
        (only,) = told(connection)
    assert setting in only.hint


def test_of_equal_lines_it_is_told_how_they_become_pieces() -> None:
    with connected([{"_row_hash": 1}, {"_row_hash": 1}]) as connection:
        (only,) = told(connection)
    assert (only.reason, only.rows) == ("exact duplicate", 1) and "_line AS line_id" in only.hint


def test_values_of_rows_stand_in_no_reason_or_hint() -> None:
    with connected([{"event_time": "31.12.2023 secret"}, {"unit_price": "77,77 secret"}]) as connection:
        assert "secret" not in str(told(connection)) and "77" not in str(
            [each.hint for each in told(connection)]
        )


ITEM = {column: None for column in RAW_COLUMNS["raw_items"]} | {
    "_file": "p.csv",
    "_fault": None,
    "_row": None,
}
AGAIN = "row is the header again"


def test_of_malformed_rows_the_commonest_fault_is_told() -> None:
    with connected([{"_fault": AGAIN}, {"_fault": "row has 9 fields"}, {"_fault": AGAIN}]) as connection:
        (only,) = told(connection)
    assert (only.rows, only.hint) == (3, AGAIN)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"item_id": f"i{n % 2}", "title": f"t{n}"} for n in range(9)], None),
        ([{"item_id": "i"}] * 9, None),
        ([{"item_id": "i"}, {"item_id": "NULL"}, {"item_id": "nan"}], "2 of 3: missing item id"),
        ([{"item_id": "i"}, {"item_id": "j"}, {"item_id": "nan"}], None),
        (
            [{"item_id": "i"}, {"_fault": AGAIN}, {"_fault": AGAIN}, {"_fault": "row has 9 fields"}],
            "3 of 4: malformed row; row",  # the fault is whole at the terminal only
        ),
        ([{"item_id": ""}], "1 of 1: missing item id"),
        ([], None),
    ],
)
def test_most_items_that_are_lost_are_told_and_further_descriptions_are_not(
    tmp_path: Path, rows: list[dict[str, str]], told: str | None
) -> None:
    lake = Lake(str(tmp_path), Engine(threads=1))
    schema = dict.fromkeys(ITEM, pl.String) | {"_line": pl.Int64}
    whole = [ITEM | {"_line": line} | row for line, row in enumerate(rows, 2)]
    lake.write_arrow("raw_items", pl.DataFrame(whole, schema=schema))
    sql = load_sql("clean", "items")
    code = sql_code(
        SqlText(sql, "items.sql"),
        name="items",
        parameters=parameters_of(sql, PARAMETERS),
        checks=[most_rows_are_accepted("raw_items", PARAMETERS)],
    )
    (check,) = [
        each for each in materialize(code, lake).record.checks if each.name == "most_rows_are_accepted"
    ]
    assert check.passed == (told is None)
    assert told is None or check.found.startswith(told)


FILES = st.dictionaries(
    st.sampled_from(["a.csv", "b.csv", "c.csv"]),
    st.lists(st.sampled_from(["good", "no time", "nobody", "return"]), min_size=1, max_size=4),
    max_size=3,
)


@settings(deadline=None, max_examples=12)
@given(FILES)
def test_a_file_of_which_no_event_is_accepted_is_named_but_not_one_of_returns(
    files: dict[str, list[str]],
) -> None:
    kinds = {
        "good": {},
        "no time": {"event_time": "x"},
        "nobody": {"user_id": ""},
        "return": {"quantity": "-5"},
    }
    rows = [{**kinds[kind], "_file": path, "item_id": path} for path, each in files.items() for kind in each]
    with connected(rows) as connection:
        for table, name in (("promotions", "promotions"), ("output", "rejected_rows")):
            sql = load_sql("clean", name)
            connection.execute(f"CREATE TABLE {table} AS {sql}", parameters_of(sql, PARAMETERS))
        found = {path for path, *_ in connection.execute(REFUSED_FILES).fetchall()}
    assert found == {path for path, each in files.items() if "good" not in each and {*each} != {"return"}}


def test_a_line_that_a_join_counts_twice_is_told_and_only_where_something_is_joined(tmp_path: Path) -> None:
    (tmp_path / "raw_events.sql").write_text(
        "SELECT head.who AS user_id, line.what AS item_id, line._file, line._line FROM read_csv('lines.csv') AS line "
        "LEFT JOIN read_csv('heads.csv') AS head ON head.no = line.no"
    )
    joined = SourceFolder(load_source(tmp_path), tmp_path).shared_scans("raw_events")
    assert [named.scan.pattern for named in joined] == ["heads.csv"]
    (tmp_path / "raw_events.sql").write_text(
        "SELECT who AS user_id, what AS item_id, _file, _line FROM read_csv('a.csv')"
    )
    assert not SourceFolder(load_source(tmp_path), tmp_path).shared_scans("raw_events")
    rows = [("a", 2, "i", "view"), ("a", 2, "j", "view"), ("a", 3, "i", "view"), ("a", 3, "i", "cart"),
            ("a", 4, "i", "view"), ("a", 4, "i", "view")]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE output (_file VARCHAR, _line BIGINT, item_id VARCHAR, behaviour VARCHAR)"
        )
        connection.executemany("INSERT INTO output VALUES (?, ?, ?, ?)", rows)
        assert LINES_COUNT_ONCE.sql is not None
        assert connection.execute(LINES_COUNT_ONCE.sql).fetchall() == [("a", 4)]


_BASE = [
    {"user_id": f"u{n}", "order_id": f"o{n}", "_file": "a.csv", "_line": n, "_row_hash": n}
    | {"event_time": f"2024-01-02 10:{n:02d}:00", "quantity": "2"}
    for n in range(8)
]


def _again(*changes: tuple[int, dict[str, Any]], file: str = "sent again.csv") -> list[dict[str, Any]]:
    """The rows once more in another file, some changed."""
    other = [{**row, "_file": file} for row in _BASE]
    for place, change in changes:
        other[place] |= change
    return other


_LATER = {"user_id": "x", "order_id": "x", "event_time": "2024-01-02 11:00:00", "_line": 99, "_row_hash": 99}


@pytest.mark.parametrize(
    ("others", "different"),
    [
        ([], 0),
        (_again(), 0),  # a whole copy counts once
        (_again((3, {"quantity": "1"})), 1),
        (_again((3, {"item_id": "mended"})), 1),
        (_again((4, {"event_time": "2024-01-02 10:04:30"})), 1),
        (_again((3, {"user_id": "mended"}), (4, {"event_time": "2024-01-02 10:04:30"})), 2),
        (_again(*((n, {"_row_hash": 50 + n}) for n in range(8))), 8),  # a status in each row
        ([*_again()[2:5], {**_LATER, "_file": "sent again.csv"}], 0),  # the last days, and what came since
        ([{**_BASE[3], "_file": "lines to mend.csv", "quantity": "1"}], 1),
        ([{**row, "order_id": f"{n}", "_file": "b.csv"} for n, row in enumerate(_BASE)], 0),
        (_again((3, {"quantity": "1"}), file="0.csv"), 1),
    ],
)
def test_a_file_that_tells_another_s_events_otherwise_is_named_whatever_it_is_called(
    others: list[dict[str, Any]], different: int
) -> None:
    with connected([*_BASE, *others]) as connection:
        sql = load_sql("clean", "events")
        connection.execute(f"CREATE TABLE output AS {sql}", parameters_of(sql, PARAMETERS))

        def ask(sql: str, values: Mapping[str, Any]) -> pl.DataFrame:
            return connection.sql(sql, params=dict(values)).pl()

        found = repeated_files(ask)
    assert [each.different for each in found] == ([different] if different else [])
    files = {"a.csv", *(row["_file"] for row in others)}
    assert all(isinstance(each, RepeatedFile) and {each.first, each.other} == files for each in found)
