"""What a look at the files takes from the look before: the table is as if all files had been read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from recsys_assets.assets.raw import source_files
from recsys_assets.assets.raw.file_rows import FaultyFiles
from recsys_assets.assets.raw.found_files import newest_files
from recsys_assets.shop.changing_values import is_deterministic
from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.files import scan
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.records.records import Records
from tests.platform.nights import CSV, PARQUET, Nights

DAYS = ("2024-01-01", "2024-01-02", "2030-01-01", "no day")
USERS = "SELECT card AS user_id, _file, _line FROM read_csv('cards*.csv')"
LOOKUP = (
    "SELECT s.moment AS event_time, c.person AS user_id, s.what AS item_id, s._file, s._line "
    "FROM read_csv('sales*.csv') AS s JOIN read_csv('cards*.csv') AS c ON c.card = s.who"
)
SOURCES = (
    {"raw_events": f"{CSV} UNION ALL BY NAME {PARQUET}", "raw_users": USERS},
    {"raw_events": LOOKUP, "raw_users": USERS},
    {"raw_events": CSV.replace("moment", "TRY_CAST(moment AS TIMESTAMP)") + " WHERE who <> 'u2'"},
)
NAMES = ("sales-a.csv", "sales-b.csv", "sales-2024-01-02.csv", "sales-c.parquet", "cards.csv", "cards-2.csv")
ROWS = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from(["u1", "u2"])), max_size=3)
CHANGES = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(NAMES), ROWS),
    st.tuples(st.sampled_from(["remove", "break"]), st.sampled_from(NAMES)),
    st.tuples(st.just("mend"), st.sampled_from(SOURCES)),
    st.tuples(st.just("wait"), st.sampled_from([1, 3_000])),
)
FIRST = [("deliver", "sales-a.csv", [(day, "u1") for day in DAYS]), ("deliver", "cards.csv", [("", "u1")])]


def change(shop: Nights, kind: str, *what: object) -> None:
    if kind == "mend":
        (shop.folder / "source" / "raw_users.sql").unlink(missing_ok=True)
        shop.mend(**what[0])  # pyright: ignore[reportCallIssue]
        return
    name = str(what[0])
    path = shop.data / name
    if kind == "remove":
        path.unlink(missing_ok=True)
    elif kind == "break":
        path.write_bytes(b"\x00\xff" * 300)
    elif name.startswith("cards"):
        shop.deliver(name, *((who, who) for _, who in what[1]), header=("card", "person"))  # pyright: ignore
    else:
        shop.deliver(name, *((f"{day} 10:00:00", who, "i1", "1") for day, who in what[1]))  # pyright: ignore


def look(shop: Nights, today: date, *, reuse: bool) -> tuple[pl.DataFrame, list[tuple[Any, ...]]]:
    """The table after a look, without the times of files, and the files that its record says were read."""
    (code,) = asset_codes([source_files.asset(shop.source)]).values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_files, "tomorrow", lambda: today)
        materialize(code, shop.lake, Request(reuse=reuse))
    reads = [
        (read.name, read.fingerprint, read.bytes, read.rows, read.schema)
        for read in Records(shop.lake).get("source_files").reads
        if read.kind == "file"
    ]
    return newest_files(shop.lake).drop("arrival"), reads


@settings(
    deadline=None,
    max_examples=3,
    suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType]
    phases=[Phase.explicit, Phase.generate],
)
@given(
    source=st.sampled_from(SOURCES), nights=st.lists(st.lists(CHANGES, min_size=1), min_size=1, max_size=3)
)
def test_a_look_that_reuses_the_one_before_gives_the_table_of_one_that_reads_all(
    source: dict[str, str], nights: list[list[tuple]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shops")
    reusing, reading = (Nights.of(folder / name, **source) for name in ("reusing", "reading"))
    today = date(2024, 6, 1)
    for night, changes in enumerate([FIRST, *nights]):
        for kind, *what in [*changes, ("deliver", f"sales-night-{night}.csv", [])]:
            if kind == "wait":
                today += timedelta(days=what[0])
                continue
            for shop in (reusing, reading):
                change(shop, kind, *what)
        (files, reads), (all_files, all_reads) = (
            look(reusing, today, reuse=True),
            look(reading, today, reuse=False),
        )
        assert_frame_equal(files, all_files)
        assert reads == all_reads


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The CSV files that were parsed, in order."""
    parsed: list[str] = []
    read = scan.csv_blocks

    def noting(path: Path, name: str, *rest: object, **more: object) -> object:
        parsed.append(name)
        return read(path, name, *rest, **more)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(scan, "csv_blocks", noting)
    return parsed


def test_only_files_that_are_new_or_in_doubt_are_read_again(tmp_path: Path, opened: list[str]) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=USERS)
    row = ("2024-01-01 10:00:00", "u1", "i1", "1")
    shop.deliver("sales-a.csv", row, ("2024-07-01 10:00:00", "u1", "i1", "1"))
    shop.deliver("sales-b.csv", row, row)
    shop.deliver("cards.csv", ("u1", "u1"), header=("card", "person"))
    shop.deliver("sales-broken.csv", header=("no", "columns"))

    def parsed(today: date, *, reuse: bool = True) -> list[str]:
        opened.clear()
        look(shop, today, reuse=reuse)
        return sorted(name.removesuffix(".csv") for name in opened)

    events = ["sales-a", "sales-b", "sales-broken"]
    assert parsed(date(2024, 6, 1)) == ["cards", *events]
    shop.deliver("sales-b.csv", row)
    assert parsed(date(2024, 6, 1)) == ["sales-b", "sales-broken"], "what is faulty is read again"
    shop.deliver("sales-c.csv", *[row] * 4)
    assert parsed(date(2024, 6, 1), reuse=False) == ["cards", *events, "sales-c"], "all is asked for"
    shop.deliver("sales-d.csv", row, row, row)
    assert parsed(date(2024, 7, 1)) == [*events, "sales-c", "sales-d"], "a day that was ahead has come"
    shop.mend(raw_events=CSV.replace("sales*", "sale*"))
    shop.deliver("sales-d.csv", row)
    assert parsed(date(2024, 7, 1)) == ["cards", *events, "sales-c"], "the SQL is another; d is a copy of b"


def test_what_a_file_gives_is_looked_at_again_when_one_that_it_is_joined_with_changes(
    tmp_path: Path, opened: list[str]
) -> None:
    shop = Nights.of(tmp_path, raw_events=LOOKUP)
    shop.deliver("sales-a.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    for who, rows in (("u1", 1), ("u2", 0)):
        shop.deliver("cards.csv", (who, who), header=("card", "person"))
        files, _ = look(shop, date(2024, 6, 1), reuse=True)
        assert files.filter(pl.col("path") == "sales-a.csv")["given"].to_list() == [rows]
    shop.deliver("sales-b.csv")
    opened.clear()
    look(shop, date(2024, 6, 1), reuse=True)
    assert sorted(opened) == ["cards.csv", "sales-b.csv"], "the lookup is there for the new file"


@pytest.mark.parametrize(
    ("sql", "timeless"),
    [
        ("SELECT 'now()' AS today_, day -- now and then", True),
        ("SELECT * FROM t WHERE day < today()", False),
        ("SELECT * FROM t WHERE day < Current_Date", False),
        ("SELECT * FROM t WHERE day < current_timestamp - INTERVAL 1 DAY", False),
        ("SELECT * FROM t WHERE random() < 0.5", False),
        ("SELECT * FROM t WHERE ago(INTERVAL 1 DAY) > day", False),
    ],
)
def test_sql_that_reads_a_clock_or_draws_lots_is_told(sql: str, timeless: bool) -> None:
    assert is_deterministic(sql) is timeless


def test_a_file_that_was_loadable_and_is_faulty_when_it_is_opened_stops_its_table(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV, raw_users=USERS)
    shop.deliver("sales-a.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    shop.deliver("cards.csv", ("u1", "u1"), header=("card", "person"))
    assert shop.night().complete
    held = shop.events(), shop.rows("raw_users", "user_id")
    # the files are as they were looked at, and what is asked of them is not
    shop.mend(raw_events=CSV.replace("pieces", "amount"), raw_users=USERS.replace("card AS", "number AS"))
    for table, fault in (("raw_events", r"sales-a\.csv.*amount"), ("raw_users", r"cards\.csv.*number")):
        with pytest.raises(FaultyFiles, match=f"(?s){fault}"):
            materialize(shop.codes()[table], shop.lake, Request(reuse=True))
    assert (shop.events(), shop.rows("raw_users", "user_id")) == held


def test_a_day_that_was_ahead_is_found_when_it_comes_though_no_file_changed(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path)
    shop.deliver(
        "sales-a.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"), ("2024-07-01 10:00:00", "u1", "i1", "1")
    )

    def found(today: date) -> list[date]:
        files, _ = look(shop, today, reuse=True)
        return files["days"].explode().to_list()

    assert found(date(2024, 6, 1)) == [date(2024, 1, 1)]
    version = shop.lake.version("source_files").version
    assert found(date(2024, 6, 30)) == [date(2024, 1, 1)]
    assert shop.lake.version("source_files").version == version, "nothing has come, so nothing was looked at"
    assert found(date(2024, 7, 1)) == [date(2024, 1, 1), date(2024, 7, 1)]


@pytest.mark.parametrize(
    ("sql", "again"), [(CSV, False), (CSV + " WHERE moment < current_date::VARCHAR", True)]
)
def test_sql_that_reads_a_clock_is_asked_each_day(tmp_path: Path, sql: str, again: bool) -> None:
    shop = Nights.of(tmp_path, raw_events=sql)
    shop.deliver("sales-a.csv", ("2024-01-01 10:00:00", "u1", "i1", "1"))
    look(shop, date(2024, 6, 1), reuse=True)
    record = Records(shop.lake).get("source_files")
    assert source_files.due(shop.source, record) is None, "it was made today"
    yesterday = replace(record, started=record.started - timedelta(days=1))
    assert (source_files.due(shop.source, yesterday) is not None) == again
