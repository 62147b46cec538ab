"""The hash of a file's whole row comes from the scan itself where that can be told, and is the one of the join."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from recsys_assets.shop import source as source_module
from recsys_assets.shop.source import Source
from recsys_lineage.files import parse_source_sql
from recsys_lineage.files.row_by_row import is_row_by_row, takes_rows_apart
from tests.sql.pipeline import open_source, run_raw

_GIVEN = "who AS user_id, what AS item_id, _file, _line"
ROW_BY_ROW = [
    f"SELECT {_GIVEN} FROM read_csv('*.csv')",
    f"-- what,\n/* who */ select --, it\n{_GIVEN}\nFROM read_csv('*.csv', all_varchar = true)",
    "SELECT e.who AS user_id, e.what AS item_id, e._file AS _file, e._line FROM read_csv('*.csv') AS e",
    "SELECT unnest(string_split(what, 'i')) AS item_id, who AS user_id, _file, _line FROM read_csv('*.csv')",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') WHERE number::INTEGER > 1 AND who IN (SELECT who FROM read_csv('*.csv'))",
    "SELECT _row_hash AS user_id, what AS item_id, _file, _line FROM read_csv('*.csv') WHERE _row_hash <> 'r1'",
]
OTHERWISE = [
    f"SELECT DISTINCT {_GIVEN} FROM read_csv('*.csv')",
    f"SELECT ALL {_GIVEN} FROM read_csv('*.csv')",
    f"FROM read_csv('*.csv') SELECT {_GIVEN}",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') ORDER BY ALL LIMIT 2",
    f"SELECT {_GIVEN} FROM (SELECT * FROM read_csv('*.csv'))",
    f"WITH lines AS (SELECT * FROM read_csv('*.csv')) SELECT {_GIVEN} FROM lines",
    "SELECT who AS user_id, what AS item_id, _file, _line + 1 AS _line FROM read_csv('*.csv')",
    "SELECT who AS user_id, what AS item_id, _file, number::BIGINT AS _line FROM read_csv('*.csv')",
    "SELECT who AS user_id, what AS item_id, min(_file) AS _file, min(_line) AS _line "
    "FROM read_csv('*.csv') GROUP BY ALL",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') UNION ALL SELECT {_GIVEN} FROM read_csv('*.csv')",
    "SELECT a.who AS user_id, b.what AS item_id, a._file, a._line "
    "FROM read_csv('*.csv') AS a JOIN read_csv('*.csv') AS b USING (who)",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') WHERE who NOT IN (SELECT name FROM read_csv('staff/*.csv'))",
]


def rows(source: Source) -> list[tuple[object, ...]]:
    """The rows of raw_events, in an order."""
    with duckdb.connect() as con:
        open_source(con, source, source.folder / "data")
        run_raw(con, source)
        return con.execute("SELECT * FROM raw_events ORDER BY ALL").fetchall()


@pytest.mark.parametrize(
    ("sql", "told"), [*((sql, True) for sql in ROW_BY_ROW), *((sql, False) for sql in OTHERWISE)]
)
def test_the_hash_is_that_of_the_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str, told: bool
) -> None:
    (tmp_path / "data" / "staff").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_text(
        "who,what,number,_row_hash,more\nu,i,2,r1,x\nu,i,3,r2,y\nu,i,4,r3,y\nbroken\n"
    )
    (tmp_path / "data" / "b.csv").write_text("who,what,number,_row_hash\nv,iji,2,r1\nu,i,3,r2\n")
    (tmp_path / "data" / "staff" / "c.csv").write_text("name\nv\n")
    (tmp_path / "raw_events.sql").write_text(sql)
    assert is_row_by_row(parse_source_sql(sql)) is told
    source = Source.load(tmp_path)
    assert ("whole_rows" in source.query("raw_events")) is not told
    found = rows(source)
    monkeypatch.setattr(source_module, "is_row_by_row", lambda query: False)
    assert "whole_rows" in source.query("raw_events")
    assert found == rows(source) and len(found) > 1


_ELEMENTS = "SELECT unnest(x) AS item_id, _file, _line FROM read_csv('*.csv')"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (_ELEMENTS, True),
        (f"SELECT item_id, _file, _line FROM ({_ELEMENTS}) WHERE item_id IS NOT NULL", True),
        ("SELECT u.e AS item_id, a._file, a._line FROM read_csv('*.csv') AS a, unnest(a.x) AS u (e)", True),
        ("SELECT u.e AS item_id, a._file, a._line FROM read_csv('*.csv') AS a CROSS JOIN unnest(a.x) AS u (e)", True),
        ("SELECT x AS item_id, _file, _line FROM read_csv('*.csv')", False),
        (f"{_ELEMENTS} UNION ALL {_ELEMENTS}", False),
        (f"WITH r AS ({_ELEMENTS}) SELECT r.item_id, r._file, r._line FROM r JOIN r AS s USING (item_id)", False),
        (f"SELECT r.item_id, r._file, r._line FROM ({_ELEMENTS}) AS r JOIN read_csv('b') AS s USING (item_id)", False),
    ],
)  # fmt: skip
def test_lists_are_taken_apart_where_nothing_else_repeats_a_row(sql: str, told: bool) -> None:
    assert takes_rows_apart(parse_source_sql(sql)) is told
