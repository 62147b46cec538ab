"""The hash of a file's whole row comes from the scan itself where that can be told, and is the one of the join."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from recsys_assets.shop import source as source_module
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.source import Source
from recsys_lineage.files import parse_source_sql
from recsys_lineage.files.row_by_row import may_share_files, scan_of_rows, takes_rows_apart
from tests.sql.pipeline import open_source, run_raw

_GIVEN = "who AS user_id, what AS item_id, _file, _line"
_E = "e.who AS user_id, e.what AS item_id, e._file, e._line"
_EVENTS, _NAMES = "read_csv('a.csv', union_by_name = true) AS e", "read_csv('names/*.csv') AS l"
ROW_BY_ROW = [
    f"SELECT {_GIVEN} FROM read_csv('*.csv')",
    f"-- what,\n/* who */ select --, it\n{_GIVEN}\nFROM read_csv('*.csv', all_varchar = true)",
    "SELECT e.who AS user_id, e.what AS item_id, e._file AS _file, e._line FROM read_csv('*.csv') AS e",
    "SELECT unnest(string_split(what, 'i')) AS item_id, who AS user_id, _file, _line FROM read_csv('*.csv')",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') WHERE number::INTEGER > 1 AND who IN (SELECT who FROM read_csv('*.csv'))",
    "SELECT _row_hash AS user_id, what AS item_id, _file, _line FROM read_csv('*.csv') WHERE _row_hash <> 'r1'",
    f"SELECT DISTINCT {_GIVEN} FROM read_csv('*.csv')",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') ORDER BY number, who DESC",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') QUALIFY row_number() OVER (PARTITION BY what ORDER BY number, _file) < 3",
    f"SELECT {_E} FROM read_csv('*.csv') AS e LEFT JOIN read_csv('*.csv') AS l ON e.number = l.number",
    f"SELECT DISTINCT {_E} FROM {_EVENTS} CROSS JOIN {_NAMES}",
    f"SELECT {_E} FROM {_EVENTS} JOIN {_NAMES} ON e.who = l.name ORDER BY e.what",
    f"SELECT {_E} FROM {_NAMES} RIGHT JOIN {_EVENTS} ON e.who = l.name",
    f"SELECT {_E} FROM {_NAMES} LEFT JOIN {_EVENTS} ON e.who = l.name",
    f"SELECT {_E} FROM {_EVENTS} FULL JOIN {_NAMES} ON e.who = l.name AND e.number = '9'",
    f"SELECT {_E} FROM {_EVENTS} SEMI JOIN {_NAMES} ON e.who = l.name",
    f"SELECT {_E} FROM {_EVENTS} ANTI JOIN {_NAMES} ON e.what = l.name",
    f"SELECT e.who AS user_id, x.name AS item_id, e._file, e._line FROM {_EVENTS} "
    "JOIN (SELECT name, name AS who FROM read_csv('names/*.csv')) AS x USING (who)",
    "SELECT e.who AS user_id, u.part AS item_id, e._file, e._line FROM read_csv('[ab].csv') AS e, "
    "unnest(string_split(e.what, 'i')) AS u (part)",
    f"SELECT {_E} FROM {_EVENTS} WHERE e.who IN (SELECT l.name FROM {_NAMES})",
    f"SELECT {_E} FROM {_EVENTS} ASOF JOIN read_csv('a.csv', union_by_name = true) AS f "
    "ON e.what = f.what AND e.number >= f.number",
]
OTHERWISE = [
    f"SELECT DISTINCT ON (what) {_GIVEN} FROM read_csv('*.csv') ORDER BY number, _file, _line",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') ORDER BY 2, _row_hash",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') ORDER BY _row_hash",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') QUALIFY row_number() OVER (PARTITION BY what ORDER BY _row_hash) < 3",
    f"SELECT {_E} FROM read_csv('*.csv') AS e JOIN {_NAMES} ON true",
    f"SELECT e.who AS user_id, e.what AS item_id, l._file, e._line FROM {_EVENTS} JOIN {_NAMES} ON true",
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
    "FROM read_csv('*.csv') AS a JOIN read_csv('*.csv') AS b USING (who) LIMIT 9",
    f"SELECT {_GIVEN} FROM read_csv('*.csv') WHERE who NOT IN (SELECT name FROM read_csv('staff/*.csv'))",
]


def rows(source: Source) -> list[tuple[object, ...]]:
    """The rows of raw_events, in an order."""
    with duckdb.connect() as con:
        open_source(con, source, source.folder / "data")
        run_raw(con, source)
        return con.execute("SELECT * FROM raw_events ORDER BY ALL").fetchall()


@pytest.mark.sampled(2)
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
    (tmp_path / "data" / "names").mkdir()
    (tmp_path / "data" / "names" / "d.csv").write_text("name\nu\nw\n")
    (tmp_path / "raw_events.sql").write_text(sql)
    assert (scan_of_rows(parse_source_sql(sql), "_row_hash") is not None) is told
    source = load_source(tmp_path)
    assert ("whole_rows" in source.query("raw_events")) is not told
    found = rows(source)
    monkeypatch.setattr(source_module, "scan_of_rows", lambda query, added: None)
    assert "whole_rows" in source.query("raw_events")
    assert found == rows(source) and len(found) > 1


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("events.csv", "items.csv", False),
        ("events-*.csv", "items-*.csv", False),
        ("events/*.csv", "items/*.csv", False),
        ("./events.csv", "events.csv", True),
        ("EVENTS.csv", "events.csv", True),
        ("events*.csv", "events-2.csv", True),
        ("items.csv", "items.csv.gz", True),
        ("*.csv", "items.csv", True),
        ("landing/items.csv", "items.csv", True),
        ("a\u0308.csv", "\u00e4.csv", True),
        ("[ei]vents.csv", "events.csv", True),
    ],
)
def test_which_scans_may_read_a_file_that_another_reads(one: str, other: str, told: bool) -> None:
    assert may_share_files(one, other) is told and may_share_files(other, one) is told


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
