"""What raw tables hold after nights of deliveries, moves, edits and mishaps, against what was delivered."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_assets.assets.raw.raw_shape import common, fits, widened
from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.materialize import materialize
from tests.examples import examples
from tests.platform.nights import COLUMNS, CSV, DAYS, ONE, PARQUET, THREE, TWO, Nights, is_empty, row


@pytest.fixture
def shop(tmp_path: Path) -> Nights:
    return Nights.of(tmp_path)


# --- the law ----------------------------------------------------------------------------------------------

NAMES = [f"sales-{letter}.{kind}" for letter in "abc" for kind in ("csv", "parquet")]
BOTH = f"{CSV} UNION ALL BY NAME {PARQUET}"
PIECES = st.sampled_from([[1, 2], [2.5, 1.0], ["2", "many"], [None, None], [10**12, 3]])
CHANGES = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(NAMES), st.lists(st.sampled_from(DAYS), max_size=2), PIECES),
    st.tuples(st.sampled_from(["archive", "break", "forget"]), st.sampled_from(NAMES)),
)  # fmt: skip


@settings(deadline=None, max_examples=examples(4, judged=2), suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]
@given(nights=st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=2, max_size=4))
def test_after_any_nights_the_events_are_those_of_all_that_was_delivered_and_not_forgotten(
    nights: list[list[tuple]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = Nights.of(tmp_path_factory.mktemp("shop") / "shop", raw_events=BOTH)
    shop.deliver("sales-start.csv", row(ONE))
    shop.deliver("sales-start.parquet", row(ONE, pieces=1))
    shop.night()
    delivered = {path.name: path.read_bytes() for path in shop.data.iterdir()}
    for changes in nights:
        broken, forgotten = set(), set()
        for kind, name, *content in changes:
            path = shop.data / name
            if kind == "deliver":
                days, pieces = content
                shop.deliver(name, *(row(day, pieces=each) for day, each in zip(days, pieces, strict=False)))
                broken.discard(name)
            elif kind == "break" and path.exists():
                path.write_bytes(b"\x00\xff" * 300)
                broken.add(name)
            elif kind == "archive":
                path.unlink(missing_ok=True)
                broken.discard(name)
            elif kind == "forget" and name in shop.statuses() and not path.exists():
                forgotten.add(name)
        report = shop.emptied(shop.night(forget=forgotten))
        assert report.complete is not bool(report.faulty)
        for name in forgotten:
            delivered.pop(name, None)
        delivered |= {
            name: (shop.data / name).read_bytes()
            for name, status in shop.statuses().items()
            if status in ("loaded", "duplicate")
        }
        known = shop.statuses()
        for name in sorted(
            set(delivered) - set(known)
        ):  # no file is lost but an empty one, and one that was moved
            held = delivered.pop(name)
            assert is_empty(name, held) or held in [delivered[other] for other in known if other in delivered]
        if report.faulty:  # its days are as they were; mended the night after
            for name in report.faulty:
                (shop.data / name).unlink()
                if name in delivered:
                    (shop.data / name).write_bytes(delivered[name])
            assert shop.emptied(shop.night()).complete
    whole = Nights.of(tmp_path_factory.mktemp("whole") / "whole", raw_events=BOTH)
    for name, held in delivered.items():
        (whole.data / name).write_bytes(held)
    whole.night()
    assert without_types(shop.events("user_id", "event_time", "quantity", "_line", "_day")) == without_types(
        whole.events("user_id", "event_time", "quantity", "_line", "_day")
    )


def without_types(rows: list[tuple]) -> list[tuple]:
    """A whole number as text is the same with and without its decimal point."""
    return sorted(
        (tuple(None if each is None else str(each).removesuffix(".0") for each in values) for values in rows),
        key=repr,
    )


# --- lookups ----------------------------------------------------------------------------------------------

LOOKUP = (
    "SELECT s.moment AS event_time, c.person AS user_id, s.what AS item_id, s.pieces AS quantity, s._file, s._line "
    "FROM read_csv('sales*.csv') AS s JOIN read_csv('cards*.csv') AS c ON c.card = s.who"
)
CARDS = ("card", "person")


@pytest.fixture
def looked_up(tmp_path: Path) -> Nights:
    shop = Nights.of(tmp_path, raw_events=LOOKUP)
    shop.deliver("cards.csv", ("k1", "Ann"), ("k2", "Ben"), header=CARDS)
    shop.deliver("sales-1.csv", row(ONE, "k1"), row(TWO, "k2"))
    assert shop.night().complete
    return shop


def people(shop: Nights) -> list[tuple]:
    return shop.events("_day", "user_id")


def test_a_file_that_is_looked_up_belongs_to_every_day(looked_up: Nights) -> None:
    looked_up.deliver("sales-2.csv", row(THREE, "k2"))
    assert looked_up.night().complete
    assert people(looked_up) == [(ONE, "Ann"), (TWO, "Ben"), (THREE, "Ben")]
    assert looked_up.night(day=TWO).complete
    looked_up.deliver("cards.csv", ("k1", "Zoe"), ("k2", "Ben"), header=CARDS)
    assert looked_up.night().complete
    assert people(looked_up) == [(ONE, "Zoe"), (TWO, "Ben"), (THREE, "Ben")]


@pytest.mark.parametrize("spoil", ["faulty", "gone", "empty"])
def test_a_looked_up_file_that_fails_loses_no_event(looked_up: Nights, spoil: str) -> None:
    before = people(looked_up)
    cards = looked_up.data / "cards.csv"
    looked_up.deliver("sales-2024-01-03.csv", row(THREE, "k2"))
    if spoil == "faulty":
        cards.write_bytes(b"\x00\xff" * 300)
    elif spoil == "gone":
        cards.unlink()
    else:
        looked_up.deliver("cards.csv", header=CARDS)
    try:
        report = looked_up.night()
    except FaultyFiles:
        assert spoil == "empty", "no day at all can be written"
        report = None
    assert people(looked_up) == before
    if report is not None:
        assert not report.complete and THREE in report.days
        assert any("cards" in text for text in report.days[THREE])
    looked_up.deliver("cards.csv", ("k1", "Ann"), ("k2", "Ben"), header=CARDS)
    assert looked_up.night().complete
    assert people(looked_up) == [*before, (THREE, "Ben")]


def test_a_day_whose_files_have_rows_and_that_ends_with_none_is_not_loaded(looked_up: Nights) -> None:
    looked_up.deliver("sales-2024-01-03.csv", row(THREE, "nobody"))
    report = looked_up.night()
    (why,) = report.days[THREE]
    assert not report.complete
    assert "sales-2024-01-03.csv: raw_events.sql gives none of the 1 rows" in why and "cards*.csv" in why
    assert looked_up.night(forget=["sales-2024-01-03.csv"]).complete


# --- types ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days",
    [
        ([None], ["two"]),
        ([1], [2.5], [10**12]),
        pytest.param((["x"], [1], [None]), marks=pytest.mark.slow),
        pytest.param(([1], [10**12]), marks=pytest.mark.slow),
        pytest.param(([None], [2]), marks=pytest.mark.slow),
        pytest.param(([1.5], [2]), marks=pytest.mark.slow),
    ],
)
def test_values_of_other_types_are_loaded_night_by_night_as_all_at_once(tmp_path: Path, days: tuple) -> None:
    nightly, whole = (Nights.of(tmp_path / name, raw_events=PARQUET) for name in ("nightly", "whole"))
    for number, pieces in enumerate(days, start=1):
        for shop in (nightly, whole):
            shop.deliver(
                f"sales-{number}.parquet", *(row(f"2024-01-0{number}", pieces=each) for each in pieces)
            )
        assert nightly.night().complete
        if number == 1:  # moved to an archive: its rows are cast in the lake
            (nightly.data / "sales-1.parquet").rename(tmp_path / "archived.parquet")
    assert whole.night().complete
    assert without_types(nightly.events()) == without_types(whole.events())


def test_a_cast_added_to_the_sql_changes_the_table(shop: Nights) -> None:
    shop.deliver("sales-1.csv", row(ONE, pieces="1,5"))
    shop.night()
    shop.deliver("sales-2.csv", row(TWO, pieces="2,5"))
    shop.mend(raw_events=CSV.replace("pieces AS", "CAST(replace(pieces, ',', '.') AS DOUBLE) AS"))
    assert shop.night().complete
    assert shop.events("quantity") == [("1.5",), ("2.5",)]


ID = 2**62 + 1


@pytest.mark.parametrize(
    "nights",
    [[[ID], [5.0]], [[5.0], [ID]], [[ID, 5.0]], [[Decimal(f"5.{20 * '0'}")], [ID]]],
    ids=str,
)
def test_an_id_is_not_rounded_when_a_file_has_fractions(tmp_path: Path, nights: list[list[Any]]) -> None:
    """pandas makes floats of whole numbers as soon as one is missing."""
    shop = Nights.of(tmp_path, raw_events=PARQUET)
    days = iter((ONE, TWO))
    for ids in nights:
        for who in ids:
            day = next(days)
            shop.deliver(f"sales-{day}.parquet", (f"{day} 10:00:00", who, "i1", 1))
        assert shop.night().complete
    assert sorted(re.sub(r"\.0+$", "", who) for (who,) in shop.events("user_id")) == [str(ID), "5"]


TYPES = st.sampled_from(
    ["TINYINT", "INTEGER", "BIGINT", "UBIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL(10,2)", "DECIMAL(38,4)",
     "DECIMAL(38,20)", "DATE", "TIMESTAMP", "TIMESTAMP_NS", "VARCHAR", '"NULL"', "BOOLEAN"]
)  # fmt: skip


@given(TYPES, TYPES)
def test_two_types_have_a_common_one_that_both_fit(one: str, other: str) -> None:
    assert fits(one, widened(one)) and widened(widened(one)) == widened(one)
    held = common(widened(one), widened(other))
    assert fits(one, held) or (held == "DOUBLE" and one.startswith("DECIMAL"))
    assert common(held, widened(one)) == held == common(held, widened(other))


def test_a_header_among_the_rows_of_parquet_is_told_and_neither_an_event_nor_a_customer(
    tmp_path: Path,
) -> None:
    users = "SELECT who AS user_id, _file, _line FROM read_parquet('sales*.parquet')"
    shop = Nights.of(tmp_path, raw_events=PARQUET, raw_users=users)
    shop.deliver("sales-1.parquet", row(ONE), COLUMNS, row(TWO, "u2"))
    shop.deliver("sales-2.parquet", row(THREE, "u3", 1))
    assert shop.night().complete
    told = ("sales-1.parquet", "2", "row is the header again")
    assert [each for each in shop.rows("raw_events", "_file", "_line", "_fault") if each[2]] == [told]
    assert [who for (who,) in shop.rows("raw_users", "user_id")] == ["u1", "u2", "u3"]
    assert [pieces for (pieces,) in shop.events("quantity") if pieces] == ["1", "1", "1"]


# --- copies -----------------------------------------------------------------------------------------------

DAY_IN_NAME = CSV.replace("moment AS", "regexp_extract(_file, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AS")


def test_equal_content_is_a_copy_only_where_the_path_says_the_same(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=DAY_IN_NAME)
    for name in ("sales-2024-01-01.csv", "sales-2024-01-01 (1).csv", "sales-2024-01-02.csv"):
        shop.deliver(name, row("-"))
    for day in (3, 4):
        shop.deliver(f"sales-2024-01-0{day}.csv")
    report = shop.night()
    assert report.complete
    assert report.copies == {"sales-2024-01-01 (1).csv": "sales-2024-01-01.csv"}
    assert shop.events("event_time", "_file") == [
        (ONE, "sales-2024-01-01.csv"),
        (TWO, "sales-2024-01-02.csv"),
    ]
    assert list(shop.statuses().values()).count("loaded") == 4


# --- faulty files -----------------------------------------------------------------------------------------


def test_a_faulty_file_without_a_known_day_blocks_no_day(shop: Nights) -> None:
    shop.deliver("sales-2023-11-14.csv", row("2023-11-14"))  # the day on which the faulty one arrived
    shop.deliver("sales-people.csv", ("u1",), header=("who",))
    report = shop.night()
    assert list(report.faulty) == ["sales-people.csv"] and not report.days and not report.complete
    assert len(shop.events()) == 1


def test_one_pattern_read_in_two_ways_is_loaded_once_each(tmp_path: Path) -> None:
    users = "SELECT who AS user_id, _file, _line FROM read_csv('sales*.csv', delim = ',')"
    shop = Nights.of(tmp_path, raw_users=users)
    shop.deliver("sales-1.csv", row(ONE))
    assert shop.night().complete
    assert len(shop.events()) == len(shop.rows("raw_users", "user_id")) == 1


def test_times_that_are_cut_to_the_microsecond_are_counted(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=PARQUET)
    moments = pa.array([1704103200000000000 + more for more in (0, 1, 1999, 5000)], pa.timestamp("ns"))
    table = {"moment": moments, "who": ["u1"] * 4, "what": ["i1"] * 4, "pieces": [1] * 4}
    pq.write_table(pa.table(table), shop.data / "sales.parquet")
    codes = shop.codes()
    materialize(codes["source_files"], shop.lake, Request())
    made = materialize(codes["raw_events"], shop.lake, Request())
    assert "2 times were cut to the microsecond" in made.warnings
