"""Where a fault of a person's SQL is: the place in the file that they wrote, whatever runs around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError, SqlAssetError, SqlFailed, TableNotFound
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples

SOUND = (
    "id",
    "upper(customer) AS loud",
    "'日本, the 👍 -- no comment' AS words",
    "CASE WHEN amount > 1 THEN 'much' ELSE 'little' END AS how",
    "'two\nlines' AS broken",
    "id + 1 - 2 AS near",
    '"customer"',
    "amount::DECIMAL(10, 2) AS money",
    "[1, 2][1] AS first",
    f"concat({', '.join(['customer'] * 30)}) AS long",
    "$rate * amount AS rated",
    "(SELECT max(o.id) FROM orders AS o) AS latest",
)
FAULTS = {
    "nope_column": (0, SqlFailed),
    "upper(nope_column) AS y": (6, SqlFailed),
    "orders.nope_column AS y": (0, SqlFailed),
    "nope_function(id) AS y": (0, SqlFailed),
    "lower(nope_function(customer)) AS y": (6, SqlFailed),
    "list_extract(id, 1) AS y": (0, SqlFailed),
    "id + customer + amount AS y": (3, SqlFailed),
    "CAST(customer AS INTEGER) AS y": (0, SqlFailed),
    "upper(CAST(customer AS DATE)::VARCHAR) AS y": (6, SqlFailed),
    "id * 2 + customer::INTEGER AS y": (17, SqlFailed),
    "id AS y AS z": (8, SqlAssetError),
    "id one two": (7, SqlAssetError),
    "upper(id)) AS y": (9, SqlAssetError),
}
"""Expressions with a fault: at which of their characters, and as which error it is told."""
GAPS = st.sampled_from(
    [" ", "\n", "\t", "\r\n", "  \n\n ", " -- a note, with 'quotes\n", " /* and\na longer\none */ "]
)


@dataclass(frozen=True)
class Written:
    """A text, and where in it the fault stands."""

    text: str
    start: int

    def where(self, path: Path) -> str:
        """`path:line:column`, counted character by character."""
        line = column = 1
        for character in self.text[: self.start]:
            line, column = (line + 1, 1) if character == "\n" else (line, column + 1)
        return f"{path}:{line}:{column}"


@st.composite
def written(draw: st.DrawFn, fault: str) -> Written:
    """A SELECT with a fault among sound columns, in any layout."""
    before = draw(st.lists(st.sampled_from(SOUND), max_size=4, unique=True))
    after = draw(st.lists(st.sampled_from(SOUND), max_size=3, unique=True))
    text = draw(st.sampled_from(["", "-- what it is\n", "\n\n", "WITH w AS (SELECT 1 AS one)\n"])) + "SELECT"
    start = 0
    for n, column in enumerate([*before, fault, *(each for each in after if each not in before)]):
        text += ("," if n else "") + (draw(GAPS) if n == 0 or draw(st.booleans()) else "")
        if column == fault:
            start = len(text) + FAULTS[fault][0]
        text += column
    text += (
        draw(GAPS)
        + "FROM"
        + draw(GAPS)
        + "orders"
        + draw(st.sampled_from(["", ";", " -- the end", ";\n\n;"]))
    )
    return Written(text, start)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    lake = Lake(str(tmp_path_factory.mktemp("lake")), Engine(threads=1, memory_limit="500MB"))
    orders = "SELECT * FROM (VALUES (1, 'ann', 10.0), (2, 'bob', 20.0)) AS t(id, customer, amount)"
    materialize(sql_code(SqlText(orders, "orders.sql")), lake)
    yield lake


def failed(lake: Lake, path: Path, text: str) -> LineageError:
    """What is said of the SQL of an asset."""
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(LineageError) as error:
        known = {"rate": 2.0} if "$rate" in text else None
        materialize(sql_code(path, parameters=known), lake)
    return error.value


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", FAULTS)
@settings(
    deadline=None, max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_fault_is_told_at_its_place(fault: str, lake: Lake, tmp_path: Path, data: st.DataObject) -> None:
    sql = data.draw(written(fault))
    error = failed(lake, tmp_path / "made.sql", sql.text)
    assert error.where == sql.where(tmp_path / "made.sql")
    assert type(error) is FAULTS[fault][1]
    assert "LINE " not in str(error) and "COPY" not in str(error) and "_row" not in str(error)


@pytest.mark.parametrize(
    "layout",
    [
        "SELECT id FROM {}",
        "SELECT id\nFROM\n  {} -- here\n",
        "SELECT o.id\nFROM orders o\nJOIN {} USING (id)",
    ],
)
def test_a_table_that_is_not_there_is_told_where_it_is_named(lake: Lake, tmp_path: Path, layout: str) -> None:
    text = layout.format("nope_table")
    error = failed(lake, tmp_path / "made.sql", text)
    assert isinstance(error, TableNotFound)
    assert error.where == Written(text, text.index("nope_table")).where(tmp_path / "made.sql")


@pytest.mark.parametrize(
    ("fault", "offset"),
    [("nope_column", 0), ("CAST(name AS DATE)", 0), ("upper(nope_column)", 6), ("name::INTEGER", 4)],
)
def test_places_are_those_of_the_text_where_files_are_read(
    lake: Lake, tmp_path: Path, fault: str, offset: int
) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,x\n")
    (tmp_path / "b.csv").write_text("id,name\n1,x\n")
    text = (
        f"SELECT a.id, x.name\nFROM read_csv('a.csv') AS a JOIN (SELECT id, name,\n  {fault} AS y\n"
        "FROM read_csv('[b].csv', all_varchar = true)) AS x ON a.id = x.id::BIGINT"
    ).replace("x.name\n", "x.name, x.y\n")
    error = failed(lake, tmp_path / "made.sql", text)
    assert error.where == Written(text, text.index(fault) + offset).where(tmp_path / "made.sql")


def test_an_option_that_reading_does_not_know_is_told_at_the_call(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    text = "SELECT id FROM\n read_csv('a.csv', nope = 3)"
    error = failed(lake, tmp_path / "made.sql", text)
    assert error.where == f"{tmp_path / 'made.sql'}:2:2" and "nope" in str(error)


def test_a_value_that_the_table_cannot_hold_is_told_at_its_column(lake: Lake, tmp_path: Path) -> None:
    text = "SELECT count(*) AS n,\n  sum(9223372036854775807) AS total\nFROM orders"
    error = failed(lake, tmp_path / "made.sql", text)
    assert error.where == f"{tmp_path / 'made.sql'}:2:3" and "'total'" in str(error)


def test_the_value_is_shown_and_kept_in_no_record(lake: Lake, tmp_path: Path) -> None:
    error = failed(lake, tmp_path / "kept.sql", "SELECT CAST(customer || 'secret' AS DATE) AS y FROM orders")
    assert "annsecret" in str(error) and "TRY_CAST" in str(error)
    record = list(Records(lake).runs("kept"))[-1]
    assert record.failure is not None and "annsecret" not in str(record.to_json())
    assert f"{tmp_path / 'kept.sql'}:1:8" in record.failure.message


def test_what_duckdb_says_is_said_once_and_without_all_functions_of_a_name(
    lake: Lake, tmp_path: Path
) -> None:
    error = failed(lake, tmp_path / "once.sql", "SELECT id + customer + DATE '2024-01-01' AS y FROM orders")
    assert str(error).count("No function matches") == 1 and "TINYINT" not in str(error)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("SELECT 1 AS a;\nSELECT 2 AS b", 2, 1),
        ("SELECT 'unfinished", 1, 8),
        ("SELECT (1 + 2 AS a\nFROM orders", 1, 15),
        ("SELECT\t1 AS a,\n  FROM orders\tWHERE\n", 2, 15),
    ],
)
def test_faults_of_syntax_are_placed_when_the_file_is_loaded(
    tmp_path: Path, text: str, line: int, column: int
) -> None:
    path = tmp_path / "made.sql"
    path.write_text(text)
    with pytest.raises(SqlAssetError) as error:
        sql_code(path)
    assert error.value.where == f"{path}:{line}:{column}"
