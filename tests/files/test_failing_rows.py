"""Rows at which a source's SQL stops: the second look finds these and no other, within its bounds."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files import FailingRows, FileScan, failing_rows, list_files, open_scan, parse_source_sql
from recsys_lineage.files.failing_rows import MOST_ROWS
from tests.examples import examples

FILES = st.lists(st.lists(st.booleans(), max_size=40), min_size=1, max_size=6)
"""For each file, for each row, whether its price is a number."""


class Looked:
    """Files below a folder, opened for a source's SQL."""

    def __init__(self, folder: Path, sql: str, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (folder / name).write_text(text)
        self.query = parse_source_sql(sql, "raw_events.sql")
        self.connection = duckdb.connect(config={"threads": 1})
        self.relations = {scan: f"files_{n}" for n, scan in enumerate(self.query.scans)}
        for scan, name in self.relations.items():
            open_scan(self.connection, folder, scan, list_files(folder, scan.pattern), name)

    def failing(self, own: list[FileScan] | None = None) -> FailingRows:
        """What the second look finds, once the SQL was stopped."""
        try:
            self.run(self.query.rewritten(self.relations))
        except duckdb.Error as error:
            return failing_rows(
                self.connection, self.query, self.relations, self.query.scans if own is None else own, error
            )
        return FailingRows()

    def run(self, sql: str) -> list[tuple]:
        """All rows of a SELECT."""
        return self.connection.execute(f"SELECT * FROM ({sql})").fetchall()


PRICES = (
    "SELECT who AS user_id, CAST(price AS DOUBLE) AS unit_price, _file, _line FROM read_csv('sales*.csv')"
)


@settings(deadline=None, max_examples=examples(40))
@given(FILES)
def test_exactly_the_rows_that_fail_are_found_and_all_others_can_be_read(files: list[list[bool]]) -> None:
    texts = {
        f"sales{n}'s.csv": "who,price\n" + "".join(f"u,{'1.5' if good else 'x'}\n" for good in rows)
        for n, rows in enumerate(files)
    }
    bad = {
        name: [n for n, line in enumerate(text.splitlines(), 1) if line == "u,x"]
        for name, text in texts.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        looked = Looked(Path(folder), PRICES, texts)
        found = looked.failing()
        told = {name: list(lines) for name, lines in found.rows.items() if name not in found.failed_files}
        assert told == {name: lines for name, lines in bad.items() if 0 < len(lines) <= MOST_ROWS}
        assert set(found.failed_files) == {name for name, lines in bad.items() if len(lines) > MOST_ROWS}
        assert all(
            error.where == "raw_events.sql:1:24" for lines in found.rows.values() for error in lines.values()
        )
        left = looked.run(looked.query.written(found.without(looked.relations)).statement)
        good = sum(sum(rows) for n, rows in enumerate(files) if f"sales{n}'s.csv" not in found.failed_files)
        assert len(left) == good


def test_a_fault_of_the_text_is_no_fault_of_rows(tmp_path: Path) -> None:
    looked = Looked(
        tmp_path, PRICES.replace("CAST(price AS DOUBLE)", "nope(price)"), {"sales.csv": "who,price\nu,x\n"}
    )
    assert not looked.failing()


@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN"])
def test_a_value_of_a_file_that_is_looked_up_is_found_there(tmp_path: Path, join: str) -> None:
    sql = (
        "SELECT s.who AS user_id, c.rate AS unit_price, s._file, s._line FROM read_csv('sales*.csv') AS s "
        f"{join} (SELECT card, CAST(rate AS DOUBLE) AS rate FROM read_csv('cards.csv')) AS c ON s.card = c.card"
    )
    sales = {f"sales{n}.csv": "who,card\n" + "u,a\n" * 30 for n in range(3)}
    looked = Looked(tmp_path, sql, {**sales, "cards.csv": "card,rate\na,1\nb,2\nc,oops\n"})
    own = [scan for scan in looked.query.scans if scan.pattern == "sales*.csv"]
    # where DuckDB computes the rate of cards that nobody has used, it stops at one of them
    found = looked.failing(own)
    if found:
        assert {name: list(lines) for name, lines in found.rows.items()} == {"cards.csv": [4]}


def test_rows_that_fail_together_only_give_their_files_up(tmp_path: Path) -> None:
    sql = (
        "SELECT who AS user_id, CAST(CASE WHEN count(*) OVER () > 1 THEN 'x' ELSE '1' END AS INTEGER) AS quantity, "
        "_file, _line FROM read_csv('sales*.csv')"
    )
    looked = Looked(tmp_path, sql, {"sales1.csv": "who\nu\n", "sales2.csv": "who\nv\n"})
    assert set(looked.failing().failed_files) == {"sales1.csv", "sales2.csv"}


def test_a_file_that_stops_its_reader_is_given_up_whole(tmp_path: Path) -> None:
    for name, who in {"good.parquet": [b"u", b"v"], "bad.parquet": [b"u", b"cr\xe8me"]}.items():
        pq.write_table(pa.table({"who": pa.array(who, pa.binary())}), tmp_path / name)
    sql = "SELECT who AS user_id, _file, _line FROM read_parquet('*.parquet', binary_as_string = true)"
    looked = Looked(tmp_path, sql, {})
    found = looked.failing()
    assert found.places() == ["bad.parquet: the SQL stops at it, at raw_events.sql"]
    rest = looked.query.written(found.without(looked.relations)).statement
    assert looked.run(rest) == [("u", "good.parquet", 1), ("v", "good.parquet", 2)]


def test_the_number_of_looks_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["recsys_lineage.files.failing_rows"], "MOST_RUNS", 40)
    files = {f"sales{n:04}.csv": "who,price\nu,1\nu,x\n" for n in range(40)}
    looked = Looked(tmp_path, PRICES, files)
    found = looked.failing()
    assert found.files == sorted(files)
    assert found.rows and found.failed_files


def test_places_hold_no_value_and_values_do(tmp_path: Path) -> None:
    found = Looked(tmp_path, PRICES, {"sales.csv": "who,price\nu,1\nu,secret\n"}).failing()
    assert found.places() == ["sales.csv:3: the SQL stops at it, at raw_events.sql:1:24"]
    (value,) = found.values()
    assert value.startswith("sales.csv:3: Could not convert string 'secret' to DOUBLE")
