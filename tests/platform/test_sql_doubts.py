"""What a load says about SQL that changes values or loses rows of the files without a fault."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from recsys_assets.runs.trial import try_source
from recsys_assets.shop.changing_values import changing_columns
from recsys_assets.shop.cut_rows import cut_rows
from recsys_assets.shop.marks_of_nothing import marks_of_nothing
from recsys_assets.shop.unread_texts import unread_texts
from recsys_lineage.progress import Progress, listening
from tests.platform.nights import COLUMNS, CSV, ONE, TWO, Nights, row

TRIED = CSV.replace("pieces AS", "TRY_CAST(pieces AS DOUBLE) AS")
LOOKED_UP = (
    "SELECT s.moment AS event_time, c.customer AS user_id, s.what AS item_id, s._file, s._line "
    "FROM read_csv('sales*.csv') AS s JOIN read_csv('cards.csv') AS c ON c.card = s.who"
)


def told(shop: Nights) -> str:
    """What a night says about raw_events."""
    said: list[str] = []

    def hear(progress: Progress) -> None:
        if progress.kind == "note" and progress.asset == "raw_events":
            said.append(progress.text)

    with listening(hear):
        shop.night()
    return "\n".join(said)


def test_a_text_that_the_sql_cannot_read_is_told_with_its_place(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=TRIED)
    shop.deliver("sales-1.csv", row(ONE), row(ONE, "u2", ""), row(ONE, "u3", "NULL"))
    assert told(shop) == ""
    shop.deliver("sales-2.csv", row(TWO), row(TWO, "u2", "3,0"), row(TWO, "u3", "1.299,00"))
    said = told(shop)
    assert "2 rows have no quantity because the SQL cannot read its text, as at sales-2.csv:3" in said
    trial = try_source(shop.source)
    assert "sales-2.csv:3" in " ".join(trial.tables[0].doubts)


UNREAD = {
    "TRY_CAST(x AS DOUBLE)": 2,
    "TRY_CAST(replace(x, ',', '.') AS DECIMAL(10, 2))": 1,
    "coalesce(TRY_CAST(x AS DOUBLE), TRY_CAST(replace(x, ',', '.') AS DOUBLE))": 1,
    "TRY_CAST(x AS DOUBLE) / 100": 2,
    "nullif(TRY_CAST(x AS DOUBLE), 3)": 2,
    "coalesce(TRY_CAST(x AS DOUBLE), 1)": 0,
    "CASE WHEN x = '3' THEN TRY_CAST(x AS DOUBLE) END": 0,
    "try_strptime(x, '%d')": 2,
    "x": 0,
    "CAST(nullif(x, 'no') AS VARCHAR)": 0,
}


@pytest.mark.parametrize(("value", "rows"), UNREAD.items())
@pytest.mark.parametrize(
    "query",
    [
        "SELECT {} AS quantity, _file, _line FROM t",
        "WITH o AS (SELECT x, _file, _line FROM t) SELECT {} AS quantity FROM o",
        "SELECT quantity FROM (SELECT {} AS quantity, _file, _line FROM t) AS o",
    ],
)
def test_a_value_is_unread_only_if_its_text_alone_leaves_the_column_empty(
    query: str, value: str, rows: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES ('3', 1), ('2,5', 2), ('no', 3), ('', 4), (NULL, 5), ('null', 6)) "
            "AS rows(x, _line), (SELECT 'a.csv' AS _file)"
        )
        ask = connection.execute
        said = [
            *unread_texts(query.format(value), {"quantity"}, "^(?i:null)?$", lambda sql: ask(sql).fetchall())
        ]
    assert [text.split(" ", 1)[0] for text in said] == [str(rows)] * bool(rows)


CUT = {
    "SELECT x FROM t LIMIT 1": "2 of 3 rows are left out by LIMIT",
    "SELECT x FROM t ORDER BY x FETCH FIRST 2 ROWS ONLY": "1 of 3 rows are left out by LIMIT",
    "SELECT x FROM t LIMIT 1 OFFSET 1": "2 of 3 rows are left out by LIMIT and OFFSET",
    "SELECT x FROM t LIMIT 34%": "2 of 3 rows are left out by LIMIT",
    "FROM t OFFSET 1": "1 of 3 rows are left out by OFFSET",
    "SELECT x FROM t USING SAMPLE 1 ROWS": "2 of 3 rows are left out by a sample",
    "SELECT x FROM t TABLESAMPLE 1 ROWS": "2 of 3 rows are left out by a sample",
    "SELECT x FROM (SELECT x FROM t LIMIT 2) AS o": "1 of 3 rows are left out by LIMIT",
    "(SELECT x FROM t LIMIT 1) UNION ALL SELECT x FROM t": "2 of 6 rows are left out by LIMIT",
    "WITH o AS (SELECT x FROM t LIMIT 2) SELECT x FROM o": "1 of 3 rows are left out by LIMIT",
    "WITH o AS (FROM t LIMIT 2), p AS (FROM o) SELECT x FROM P AS q": "1 of 3 rows are left out by LIMIT",
    "WITH o AS (FROM t LIMIT 2) SELECT t.x FROM t JOIN o ON o.x = t.x": "",
    "WITH o AS (FROM t LIMIT 2) SELECT x FROM t WHERE x IN (FROM o)": "",
    "WITH RECURSIVE o AS (SELECT 1 AS x UNION ALL (SELECT x + 1 FROM o WHERE x < 3 LIMIT 1)) FROM o": "",
    "SELECT x FROM t LIMIT 100": "",
    "SELECT x FROM t": "",
    "SELECT x, (SELECT x FROM t LIMIT 1) FROM t": "",
    "SELECT t.x FROM t JOIN (SELECT x FROM t LIMIT 1) AS rate ON true": "",
    "SELECT x FROM t WHERE x IN (SELECT x FROM t LIMIT 1)": "",
    "SELECT t.x FROM t, LATERAL (SELECT s.x FROM t AS s WHERE s.x <= t.x LIMIT 1)": "",
    "SELECT x FROM t WHERE x::INT > 0 LIMIT 1": "",
}


@pytest.mark.parametrize(("query", "words"), CUT.items())
def test_rows_that_a_limit_or_sample_cuts_off_are_told(query: str, words: str) -> None:
    with duckdb.connect() as connection:
        values = "('1'), ('2'), ('x')" if "INT" in query else "(1), (2), (3)"
        connection.execute(f"CREATE TABLE t AS FROM (VALUES {values}) AS rows(x)")
        said = [*cut_rows(query, lambda sql: connection.execute(sql).fetchall())]
    assert [text.partition(" in the SQL")[0] for text in said] == [words] * bool(words)


def test_a_limit_that_was_left_in_is_told_by_a_load_and_a_check(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=f"{CSV} LIMIT 1")
    shop.deliver("sales-1.csv", row(ONE), row(ONE, "u2"))
    assert told(shop).startswith("1 of 2 rows are left out by LIMIT")
    assert "LIMIT" in " ".join(try_source(shop.source).tables[0].doubts)


CHANGING = {
    "now()": "now()",
    "today()": "current_date()",
    "CAST(current_timestamp AS DATE)": "current_timestamp()",
    "least(x, get_current_timestamp())": "get_current_timestamp()",
    "uuid()": "uuid()",
    "age(x)": "age()",
    "x + random() * INTERVAL 1 DAY": "random()",
    "age(x, x)": "",
    "strftime(x, '%Y now()')": "",
    "CASE WHEN x IS NULL THEN error('no time') ELSE x END": "",
    "(SELECT max(o.x) FROM t AS o WHERE o.x < now())": "",
    "x": "",
}


@pytest.mark.parametrize(("value", "name"), CHANGING.items())
def test_a_value_that_no_file_has_is_told(value: str, name: str) -> None:
    for query in (
        f"SELECT {value} AS event_time, _file FROM t",
        f"WITH o AS (SELECT {value} AS event_time, x FROM t) SELECT event_time FROM o WHERE x < now()",
    ):
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT TIMESTAMP '2024-01-01' AS x, 'a.csv' AS _file")
            connection.sql(query)  # DuckDB takes it
        said = [text.partition(", so that")[0] for text in changing_columns(query)]
        assert said == [f"column event_time is made by {name}"] * bool(name)


def test_a_load_and_a_check_tell_events_that_happen_now(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=CSV.replace("moment AS", "now() AS"))
    shop.deliver("sales-1.csv", row(ONE))
    assert "column event_time is made by now()" in told(shop)
    assert "event_time is made by now()" in " ".join(try_source(shop.source).tables[0].doubts)


MARKS = {
    "gone IS NULL": True,
    "x > 0 AND (gone IS NULL)": True,
    "gone IS NOT NULL": False,
    "gone IS NULL OR x = 1": False,
    "x = 1": False,
}


@pytest.mark.parametrize(("condition", "counts"), MARKS.items())
@pytest.mark.parametrize(
    "query",
    [
        "SELECT x, _file, _line FROM t WHERE {}",
        "WITH o AS (SELECT x, _file, _line FROM t WHERE {}) SELECT * FROM o",
        "WITH o AS (SELECT * FROM t) SELECT x, _file, _line FROM o WHERE {}",
    ],
)
def test_rows_that_only_have_a_mark_for_nothing_are_told(query: str, condition: str, counts: bool) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES (1, NULL, 1), (2, '-', 2), (3, 'null', 3), "
            "(4, '0000-00-00 00:00:00', 4), (5, '2024-01-01', 5)) AS rows(x, gone, _line), (SELECT 'a.csv' AS _file)"
        )
        ask = connection.execute
        said = [*marks_of_nothing(query.format(condition), "^(?i:null)?$", lambda sql: ask(sql).fetchall())]
    assert [text.split(" ", 1)[0] for text in said] == ["3"] * counts
    assert all("a.csv:2" in text for text in said)


def test_marks_of_nothing_count_as_nothing_where_the_scan_names_them(tmp_path: Path) -> None:
    cancelled = f"{CSV} WHERE what IS NULL".replace("what AS item_id", "'i1' AS item_id")
    shop = Nights.of(tmp_path, raw_events=cancelled)
    shop.deliver("sales-1.csv", (f"{ONE} 10:00:00", "u1", "", "1"), (f"{ONE} 10:00:00", "u2", "-", "1"))
    assert "1 rows are left out by what IS NULL" in told(shop)
    shop.mend(raw_events=cancelled.replace("*.csv'", "*.csv', nullstr = ['-', 'NULL']"))
    assert told(shop) == ""
    assert len(shop.events()) == 2


def test_lines_that_a_lookup_loses_are_told(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=LOOKED_UP)
    cards = [("1", "c1"), ("2", "c2"), ("3", "c3")]
    shop.deliver("cards.csv", *cards, header=("card", "customer"))
    shop.deliver("sales-1.csv", row(ONE, "1"), row(ONE, "2"), row(ONE, "no card"), header=COLUMNS)
    assert told(shop) == ""
    shop.deliver("cards.csv", cards[0], header=("card", "customer"))
    said = told(shop)
    assert "1 days that were events are none any more, as sales-1.csv:3" in said
    assert [event[1] for event in shop.events()] == ["c1"]
