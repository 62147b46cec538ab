"""Two lines of an order are two lines; a row that a file, or another file, holds again is a copy."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.source import Source
from tests.sql.pipeline import run_pipeline
from tests.sql.test_source import folder

SQL = """SELECT
    moment AS event_time, who AS user_id, what AS item_id, bill AS order_id, n AS quantity{more}, _file, _line
FROM {scan}"""
COLUMNS = ("pos", "moment", "who", "what", "bill", "n", "note")
ROWS = [
    ("1", "2024-01-01 10:00:00", "u", "i", "7", "1", "for Ann"),
    ("2", "2024-01-01 10:00:00", "u", "i", "7", "1", "for Bob"),
    ("2", "2024-01-01 10:00:00", "u", "i", "7", "1", "for Bob"),
]


def source(tmp_path: Path, scan: str, more: str = "") -> Source:
    return load_source(folder(tmp_path, raw_events__sql=SQL.format(scan=scan, more=more)))


def accepted(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    return con.execute("SELECT _file, _line FROM events ORDER BY ALL").fetchall()


def write(path: Path, rows: list[tuple[str, ...]]) -> None:
    if path.suffix == ".csv":
        path.write_text("\n".join(",".join(row) for row in [COLUMNS, *rows]) + "\n")
    else:
        pq.write_table(pa.table(dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))), path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_lines_that_differ_in_any_column_of_the_file_both_count(con, tmp_path: Path, kind: str) -> None:
    write(tmp_path / f"a.{kind}", ROWS)
    run_pipeline(con, source(tmp_path, f"read_{kind}('*.{kind}')"), tmp_path)
    assert len(accepted(con)) == 2
    assert con.execute("SELECT count, quantity FROM interactions").fetchall() == [(2, 2.0)]
    first = con.execute("SELECT reason, detail FROM rejected_rows").fetchall()
    assert [reason for reason, _ in first] == ["exact duplicate"]


def test_a_row_in_another_file_is_a_copy(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ROWS[:2])
    write(tmp_path / "b.csv", [ROWS[1], ("3", *ROWS[1][1:])])
    run_pipeline(con, source(tmp_path, "read_csv('*.csv')"), tmp_path)
    assert accepted(con) == [("a.csv", 2), ("a.csv", 3), ("b.csv", 3)]


def test_a_line_s_own_number_says_what_it_is(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ROWS[:2])
    write(tmp_path / "b.csv", [(*ROWS[1][:6], "exported later"), ("3", *ROWS[1][1:])])
    run_pipeline(con, source(tmp_path, "read_csv('*.csv')", ", pos AS line_id"), tmp_path)
    assert accepted(con) == [("a.csv", 2), ("a.csv", 3), ("b.csv", 3)]
    details = con.execute("SELECT detail FROM rejected_rows").fetchall()
    assert details == [("the same row as a.csv:3",)]


def test_a_source_of_several_scans_keeps_its_rows(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ROWS)
    one = SQL.format(scan="read_csv('*.csv')", more="")
    other = SQL.format(scan="read_csv('a.csv')", more="").replace("n AS", "'2' AS")
    both = load_source(folder(tmp_path, raw_events__sql=f"{one}\nUNION ALL\n{other}"))
    run_pipeline(con, both, tmp_path)
    assert con.execute("SELECT count(*) FROM raw_events").fetchall() == [(6,)]
    assert len(accepted(con)) == 4


LISTED = (
    "SELECT moment AS event_time, who AS user_id, element AS item_id, _file, _line FROM "
    "(SELECT moment, who, unnest(string_split(goods, '|')) AS element, _file, _line FROM read_csv('a*.csv'))"
)
JOINED = (
    "SELECT o.moment AS event_time, o.who AS user_id, o.goods AS item_id, o._file, o._line "
    "FROM read_csv('a*.csv') AS o JOIN read_csv('cards.csv') AS c ON c.card = o.who"
)


def test_a_product_several_times_in_one_list_is_as_many_pieces_and_what_a_join_repeats_is_not(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a1.csv").write_text(
        "moment,who,goods\n2024-01-01 10:00:00,u,i|j|i\n2024-01-02 10:00:00,v,i|i\n"
    )
    (tmp_path / "a2.csv").write_text(
        "moment,who,goods\n2024-01-01 10:00:00,u,i|j|i\n2024-01-03 10:00:00,u,i\n"
    )
    run_pipeline(con, load_source(folder(tmp_path, raw_events__sql=LISTED)), tmp_path)
    assert accepted(con) == [*[("a1.csv", 2)] * 3, *[("a1.csv", 3)] * 2, ("a2.csv", 3)]
    (tmp_path / "cards.csv").write_text("card\nu\nu\nv\n")
    run_pipeline(con, load_source(folder(tmp_path, raw_events__sql=JOINED)), tmp_path)
    assert accepted(con) == [("a1.csv", 2), ("a1.csv", 3), ("a2.csv", 3)]


def test_equal_rows_of_two_days_files_without_times_are_events_of_both(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sql = "SELECT who AS user_id, what AS item_id, _file, _line FROM read_csv('a*.csv')"
    for name, lines, day in (("a1.csv", "u,i\nv,i\n", 1), ("a2.csv", "u,i\nu,i\nw,i\n", 2)):
        (tmp_path / name).write_text(f"who,what\n{lines}")
        os.utime(tmp_path / name, (1.7e9, 1.7e9 + 86_400 * day))
    source = load_source(folder(tmp_path, raw_events__sql=sql, source__toml="undated = true"))
    run_pipeline(con, source, tmp_path)
    assert accepted(con) == [("a1.csv", 2), ("a1.csv", 3), ("a2.csv", 2), ("a2.csv", 4)]
