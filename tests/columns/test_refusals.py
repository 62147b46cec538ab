"""What cannot be analysed is refused with its place and the way out; it is never half an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
import sqlglot

from recsys_lineage import LineageError, column_lineage
from recsys_lineage.columns.binding.empty_tables import is_syntax
from recsys_lineage.errors import ColumnLineageError
from tests.columns.broken_statements import BROKEN, BROKEN_TABLES
from tests.columns.written_cases import SCHEMAS

REFUSED: dict[str, tuple[str, str, str, str]] = {
    "unknown column": ("SELECT a,\n  bb FROM t", "no column 'bb'", "q.sql:2:3", "'b'"),
    "unknown column of a table": ("SELECT x.kk FROM u AS x", "no column of 'x' named 'kk'", "q.sql:1:8", "'k'"),
    "unknown table": ("SELECT a FROM tt", "no table 'tt'", "q.sql:1:15", "'t'"),
    "unknown alias": ("SELECT z.a FROM t AS zz", "no table or struct column 'z'", "q.sql:1:8", "'zz'"),
    "ambiguous column": ("SELECT a FROM t JOIN u ON true", "'a' is ambiguous", "q.sql:1:8", "table's name"),
    "ambiguous in a subquery": (
        "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u, v WHERE a = 1)", "'a' is ambiguous", "q.sql:1:56", "name",
    ),
    "unknown in USING": ("SELECT 1 FROM t JOIN u USING (kk)", "no column 'kk'", "q.sql:1:31", "" ),
    "nothing natural": ("SELECT 1 FROM w NATURAL JOIN u", "NATURAL JOIN finds no column", "q.sql:1:30", "ON"),
    "unknown excluded": ("SELECT * EXCLUDE (zz) FROM u", "no column 'zz'", "q.sql:1:19", ""),
    "unknown table of a star": ("SELECT x.* FROM u", "no table 'x'", "q.sql:1:8", ""),
    "unknown window": ("SELECT sum(a) OVER ww FROM t WINDOW w AS ()", "no window 'ww'", "q.sql:1:20", "'w'"),
    "no such place": ("SELECT a FROM t ORDER BY 2", "no column 2", "q.sql:1:26", ""),
    "different widths": ("SELECT a, b FROM t UNION ALL SELECT a FROM u", "different numbers", "q.sql:1:8", ""),
    "COLUMNS of nothing": ("SELECT COLUMNS('zz') FROM t", "COLUMNS chooses no column", "q.sql:1:8", ""),
    "a pivot of data": ("PIVOT t ON b USING sum(a)", "depend on the data", "q.sql:1:12", "IN ("),
    "files not known": ("SELECT * FROM read_csv('z.csv')", "'z.csv' are not known", "q.sql:1:15", ""),
    "a function of files not known": ("SELECT * FROM glob('*')", "glob", "q.sql:1:15", "Python asset"),
    "not parsed": ("SELECT a FROM t WHER b", "cannot be parsed", "q.sql:1:22", "correct it"),
    "not closed": ("SELECT a,\n  'b FROM t", "cannot be parsed", "q.sql:2:3", "correct it"),
    "no SELECT": ("CREATE TABLE x AS SELECT 1", "not one SELECT", "q.sql:1:1", "SELECT"),
    "two statements": ("SELECT 1; SELECT 2", "not one SELECT", "q.sql:1:11", "SELECT"),
    "refused by DuckDB": ("SELECT a FROM t WHERE b + d", "DuckDB refuses", "q.sql:1:25", ""),
    "an alias before it is there": ("SELECT x + 1 AS y, a AS x FROM t", "no column 'x'", "q.sql:1:8", ""),
    "an unknown function": ("SELECT zzz(a) FROM t", "DuckDB refuses", "q.sql:1:8", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_the_fault_its_place_and_the_way_out_are_told(case: str) -> None:
    sql, fault, place, way_out = REFUSED[case]
    with pytest.raises(ColumnLineageError, match=fault.replace("(", r"\(")) as raised:
        _ = column_lineage(sql, SCHEMAS, origin="q.sql")
    assert isinstance(raised.value, LineageError)
    assert str(raised.value.where) == place
    assert way_out in str(raised.value.advice or "") + str(raised.value.expected or "")


@pytest.mark.parametrize("sql", BROKEN)
def test_each_error_says_what_was_expected_and_found_where_and_what_to_do(sql: str) -> None:
    with pytest.raises(ColumnLineageError) as raised:
        _ = column_lineage(sql, BROKEN_TABLES, origin="q.sql")
    error = raised.value
    assert error.expected and error.found and error.advice
    assert re.fullmatch(r"q\.sql:\d+:\d+", str(error.where))


def test_a_type_that_duckdb_does_not_have_is_refused() -> None:
    with pytest.raises(ColumnLineageError, match="DuckDB refuses"):
        _ = column_lineage("SELECT a FROM t", {"t": {"a": "NO_SUCH_TYPE"}})


def test_nothing_outside_is_read(tmp_path: object) -> None:
    frame = "a frame of this function"
    with pytest.raises(ColumnLineageError, match="no table 'frame'"):
        _ = column_lineage("SELECT * FROM frame", {"other": {"a": "INTEGER"}})
    assert frame


def test_the_same_text_over_other_columns_is_analysed_again() -> None:
    sql = "SELECT * FROM changing"
    assert list(column_lineage(sql, {"changing": {"a": "INTEGER"}})) == ["a"]
    assert list(column_lineage(sql, {"changing": {"a": "INTEGER", "b": "DATE"}})) == ["a", "b"]
    assert list(column_lineage(sql, {"changing": {"a": "INTEGER"}})) == ["a"]
    with pytest.raises(ColumnLineageError, match="no table"):
        _ = column_lineage(sql, {"changed": {"a": "INTEGER"}})


def test_tables_that_differ_in_letters_alone_are_told_apart_between_statements() -> None:
    """DuckDB takes their names for one; which columns count is said by the schemas of each question."""
    asked = [("Parcel", "PARCEL_KEY"), ("parcel", "p_sk"), ("PARCEL", "p_sk"), ("Parcel", "PARCEL_KEY")]
    for number, (name, column) in enumerate(asked):
        found = column_lineage(f"SELECT {column} + {number} AS sum FROM {name}", {name: {column: "INTEGER"}})
        assert [(edge.table, edge.column) for edge in found["sum"]] == [(name, column)]


def test_an_answer_is_the_callers_own() -> None:
    sql, schemas = "SELECT a FROM t", {"t": {"a": "INTEGER"}}
    first = column_lineage(sql, schemas)
    first["a"].clear()
    first["b"] = []
    assert [*column_lineage(sql, schemas)] == ["a"] and column_lineage(sql, schemas)["a"]


def test_only_people_make_groups_of_people() -> None:
    sql = "SELECT avg(c) AS m FROM t GROUP BY b HAVING count(DISTINCT a) >= 5"
    assert [
        edge.masking for edge in column_lineage(sql, SCHEMAS, people=[("t", "a")])["m"] if edge.column == "c"
    ] == [True]
    assert not any(edge.masking for edge in column_lineage(sql, SCHEMAS, people=[("t", "d")])["m"])


def test_files_that_are_there_tell_their_columns_themselves(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1], "y": ["a"]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [1], "z": ["a"]}).write_csv(tmp_path / "b.csv")
    sql = f"SELECT y, z FROM '{tmp_path}/a.parquet' JOIN read_csv('{tmp_path}/*.csv') USING (x)"
    found = column_lineage(sql, {})
    assert {(edge.table, edge.column) for edge in found["z"]} == {
        (f"{tmp_path}/a.parquet", "x"),
        (f"{tmp_path}/*.csv", "x"),
        (f"{tmp_path}/*.csv", "z"),
    }
    pl.DataFrame({"x": [1], "w": ["a"]}).write_csv(tmp_path / "b.csv")
    with pytest.raises(ColumnLineageError, match="no column 'z'"):
        _ = column_lineage(sql, {})


def test_files_that_cannot_be_read_so_are_told_in_the_words_of_duckdb(tmp_path: Path) -> None:
    """It was said that their columns are not known, as of files that are not there."""
    for name, text in {"a": "p,q\n1,a\n", "b": "q,r,p\nz,5,3\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    columns = "columns = {'p': 'INTEGER', 'q': 'VARCHAR'}"
    with pytest.raises(ColumnLineageError, match="cannot read the files") as raised:
        _ = column_lineage(f"SELECT *\nFROM read_csv('{tmp_path}/*.csv', {columns})", {}, origin="q.sql")
    assert raised.value.where == "q.sql:2:6"
    assert "b.csv" in str(raised.value.found)
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(ColumnLineageError, match="cannot read the files"):
        _ = column_lineage(f"SELECT * FROM read_parquet('{tmp_path}/c.parquet', no_option = 1)", {})


def test_folders_of_partitions_and_files_united_by_name_have_their_columns(tmp_path: Path) -> None:
    for year in (2024, 2025):
        (tmp_path / f"year={year}").mkdir()
        pl.DataFrame({"x": [1], f"of_{year}": ["a"]}).write_parquet(tmp_path / f"year={year}" / "a.parquet")
    pattern = f"{tmp_path}/*/*.parquet"
    sql = f"SELECT * FROM read_parquet('{pattern}', union_by_name = true, filename = true) WHERE year > 2024"
    found = column_lineage(sql, {})
    assert list(found) == ["x", "of_2024", "of_2025", "filename", "year"]
    for column, edges in found.items():
        assert {(edge.table, edge.column, edge.subtype) for edge in edges} == {
            (pattern, column, "IDENTITY"),
            (pattern, "year", "FILTER"),
        }


def test_only_a_parameter_that_is_known_to_be_large_makes_groups_of_people() -> None:
    def masked(values: Mapping[str, object] | None, bound: str = ">= $k") -> bool:
        sql = f"SELECT avg(c) AS m FROM t GROUP BY b HAVING count(DISTINCT a) {bound}"
        edges = column_lineage(sql, SCHEMAS, parameters=values)["m"]
        return all(edge.masking for edge in edges if edge.column == "c")

    assert masked({"k": 2}) and masked({"k": 5.5}) and masked({"K": 7}) and masked({"k": 1}, "> $k")
    for values in (None, {}, {"k": 1}, {"k": 0}, {"k": None}, {"k": "9"}, {"k": True}, {"k": float("nan")}):
        assert not masked(values), values
    assert not masked({"k": 0}, "> $k") and not masked({"other": 9})


def test_an_empty_parameter_is_no_key_of_a_hash() -> None:
    def masked(values: Mapping[str, object] | None) -> bool:
        edges = column_lineage("SELECT md5(concat(b, $key)) AS h FROM t", SCHEMAS, parameters=values)["h"]
        return all(edge.masking for edge in edges)

    assert masked(None) and masked({"key": "long"}) and masked({"key": 7})
    assert not masked({"key": ""}) and not masked({"key": None}) and not masked({"KEY": b""})


def test_files_of_other_places_are_not_opened() -> None:
    for pattern in ("https://example.com/a.parquet", "../a.csv", "/*"):
        with pytest.raises(ColumnLineageError, match="cannot be read"):
            _ = column_lineage(f"SELECT * FROM read_csv('{pattern}')", {})


UNFINISHED = (
    "SELECT o.id, sum(o.a) AS n FROM t AS o JOIN u ON u.id = o.id WHERE o.a > 1 AND b LIKE 'x%' GROUP BY o.id "
    "HAVING n > 1 WINDOW w AS (ORDER BY o.id) QUALIFY rank() OVER w < 3 ORDER BY n DESC LIMIT 3 OFFSET 1",
    "WITH q AS (SELECT id, a FROM t UNION ALL SELECT id, x FROM u) FROM q SELECT * EXCLUDE (id) WHERE a IN (SELECT 1)",
)


@pytest.mark.parametrize("sql", UNFINISHED)
def test_an_unfinished_statement_is_refused_at_a_word_of_it(sql: str) -> None:
    tokens = sqlglot.tokenize(sql, read="duckdb")
    for token in tokens:
        begun = sql[: token.end + 1]
        if is_syntax(begun) or token.text == "SELECT":  # DuckDB shows no word of a SELECT without columns
            continue
        with pytest.raises(ColumnLineageError, match=r"^The SQL cannot be parsed") as refused:
            column_lineage(begun, BROKEN_TABLES)
        _, line, column = str(refused.value.where).split(":")
        assert (line, int(column) <= len(begun)) == ("1", True), refused.value
        if (near := re.search('near "(.*)"', str(refused.value.found))) is not None:
            assert begun[int(column) - 1 :].startswith(near[1]), refused.value


def test_a_table_with_an_alias_is_named_by_it() -> None:
    for text in ("SELECT t.a FROM t AS o", "SELECT o.a FROM t AS o JOIN u AS p ON p.id = t.id"):
        with pytest.raises(ColumnLineageError, match="another name in this statement") as refused:
            column_lineage(text, BROKEN_TABLES)
        assert str(refused.value.advice) in ("write o.a", "write o.id")


def test_renaming_a_column_that_is_not_there_changes_nothing_as_in_duckdb() -> None:
    renamed = column_lineage("SELECT * RENAME (q AS z, a AS y) FROM t", BROKEN_TABLES)
    assert renamed == column_lineage("SELECT * RENAME (a AS y) FROM t", BROKEN_TABLES)
