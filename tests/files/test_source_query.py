"""Source SQL: what it scans, which columns of the files it needs, and what it becomes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files import FileScan, list_files, open_scan, parse_source_sql


def test_a_scan_has_its_pattern_and_options() -> None:
    query = parse_source_sql("SELECT a AS x FROM read_csv('in/*.csv', delim = ';', header = true)")
    assert query.scans == (FileScan("read_csv", "in/*.csv", (("delim", ";"), ("header", True))),)
    assert query.columns == ("x",)


def test_the_leading_comment_is_the_description() -> None:
    query = parse_source_sql("-- One.\n-- Two.\n\nSELECT a FROM read_csv('a.csv') -- not this\n")
    assert query.description == "One.\nTwo."


def test_required_columns_are_those_that_the_sql_names() -> None:
    query = parse_source_sql(
        """
        WITH lines AS (SELECT upper(a) AS code, b, _file FROM read_csv('a.csv') WHERE c > '1')
        SELECT lines.code, count(*) AS n, max(p.price) AS price
        FROM lines LEFT JOIN read_parquet('p.parquet') AS p ON p.item = lines.code
        GROUP BY lines.code ORDER BY n
        """
    )
    csv, parquet = query.scans
    assert set(query.required_columns[csv]) == {"a", "b", "c"}
    assert set(query.required_columns[parquet]) == {"price", "item"}


def test_a_name_given_by_the_select_is_no_column_of_the_file() -> None:
    query = parse_source_sql("SELECT trim(a) AS code FROM read_csv('a.csv') GROUP BY code ORDER BY code")
    assert query.required_columns[query.scans[0]] == ("a",)


def test_a_lambda_s_parameter_is_no_column_of_the_file() -> None:
    query = parse_source_sql(
        "SELECT list_transform(string_split(a, ' '), lambda part: part || 'x') AS parts FROM read_csv('a.csv')"
    )
    assert query.required_columns[query.scans[0]] == ("a",)


def test_rewriting_replaces_the_scans_and_nothing_else() -> None:
    sql = """SELECT a /* read_csv('x') */, 'read_csv(' AS text
        FROM read_csv('a.csv', names = ['a', 'b'], header = false) AS t, read_csv('b.csv') u
        WHERE t.a IN (SELECT u2.b FROM read_csv('b.csv') u2)"""
    query = parse_source_sql(sql.replace("SELECT a", "SELECT t.a", 1))
    first, second = query.scans
    text = query.rewritten({first: "one", second: "two"})
    assert text.split() == (
        sql.replace("SELECT a", "SELECT t.a", 1)
        .replace("read_csv('a.csv', names = ['a', 'b'], header = false)", '"one"')
        .replace("read_csv('b.csv')", '"two"')
        .split()
    )
    con = duckdb.connect()
    con.execute("CREATE TABLE one AS SELECT 1 AS a; CREATE TABLE two AS SELECT 1 AS b")
    assert con.execute(text).fetchall() == [(1, "read_csv(")]


@pytest.mark.parametrize(
    "end", ["", ";", " ; ;\n", "; -- end of file", " -- end of file", "\n/* end; */ ;\n-- x"]
)
@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff-- One.\r\n"])
def test_what_stands_around_the_statement_does_not_matter(start: str, end: str) -> None:
    query = parse_source_sql(f"{start}SELECT a, ';' AS b FROM read_csv('a.csv') WHERE a || '' <> '--'{end}")
    con = duckdb.connect()
    con.execute("CREATE TABLE one AS SELECT 1 AS a")
    assert con.execute(f"SELECT * FROM ({query.rewritten({query.scans[0]: 'one'})})").fetchall() == [(1, ";")]
    assert query.description == ("One." if "One" in start else "")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT a FROM events", "Sources read files only"),
        ("SELECT 1 AS a", "reads no file"),
        ("SELECT * FROM read_csv('a.csv')", "to have a name"),
        ("SELECT a + 1 FROM read_csv('a.csv')", "to have a name"),
        ("SELECT a FROM read_csv('../a.csv')", "relative to the data folder"),
        ("SELECT a FROM read_text('a.csv')", "write FROM read_csv"),
        ("SELECT a FROM read_csv(['a.csv', 'b.csv'])", "one file pattern"),
        ("DROP TABLE a", r"is not one SELECT[\s\S]*Found: DROP"),
        ("SELECT a FROM read_csv('a.csv'); SELECT 1", r"is not one SELECT"),
        ("SELECT c FROM read_csv('a.csv') AS a, read_csv('b.csv') AS b", "write one of a.c, b.c"),
    ],
)
def test_sql_that_is_no_source_says_why(sql: str, words: str) -> None:
    with pytest.raises(SourceSqlError, match=words) as raised:
        parse_source_sql(sql)
    assert raised.value.expected and raised.value.found and raised.value.advice


S, T, U = "read_csv('s.csv')", "read_csv('t.csv')", "read_csv('u.csv')"


@pytest.mark.parametrize(
    ("sql", "required"),
    [
        (f"SELECT a, _file FROM {S} WHERE a IN (SELECT x FROM {T})", {"s.csv": "a", "t.csv": "x"}),
        (f"SELECT a, (SELECT max(x) FROM {T} WHERE y > 1) AS m FROM {S}", {"s.csv": "a", "t.csv": "xy"}),
        (f"SELECT s.a FROM {S} AS s WHERE EXISTS (SELECT 1 FROM {T} AS t WHERE t.x = s.b)",
         {"s.csv": "ab", "t.csv": "x"}),
        (f"SELECT s.a FROM {S} AS s JOIN {T} AS t ON t.x = s.b WHERE s.c IN (SELECT y FROM {U})",
         {"s.csv": "abc", "t.csv": "x", "u.csv": "y"}),
        (f"SELECT a, (SELECT b * 2) AS twice FROM {S}", {"s.csv": "ab"}),
        (f"WITH t AS (SELECT x FROM {T}) SELECT a FROM {S} WHERE b IN (SELECT x FROM t) ORDER BY c",
         {"s.csv": "abc", "t.csv": "x"}),
        (f"SELECT a FROM (SELECT a, b FROM {S}) WHERE b > (SELECT avg(x) FROM {T})", {"s.csv": "ab", "t.csv": "x"}),
    ],
)  # fmt: skip
def test_a_column_of_a_subquery_is_of_the_subquerys_files(sql: str, required: dict[str, str]) -> None:
    query = parse_source_sql(sql)
    found = {scan.pattern: "".join(sorted(names)) for scan, names in query.required_columns.items()}
    assert found == required


@pytest.mark.parametrize(
    "scan",
    [
        "read_csv('a.csv', comment = '#')",
        "read_csv('a.csv', skip = 'two')",
        "read_parquet('a.parquet', filename = true)",
    ],
)
def test_an_option_that_cannot_be_is_told_with_its_place_when_the_sql_is_read(scan: str) -> None:
    with pytest.raises(SourceSqlError, match="option of a scan cannot be used") as raised:
        parse_source_sql(f"SELECT a\nFROM {scan}", "shop.sql")
    assert str(raised.value.where).startswith("shop.sql:2:6")


@pytest.mark.parametrize("parameter", ["$since", "?", "$1"])
def test_a_parameter_is_refused_with_its_place(parameter: str) -> None:
    with pytest.raises(SourceSqlError, match="parameter") as refused:
        parse_source_sql(f"SELECT a,\n  {parameter} AS b FROM read_csv('a.csv')", "shop.sql")
    assert "shop.sql:2:3" in str(refused.value.where)
    assert parse_source_sql(f"SELECT {parameter} AS b FROM read_csv('a.csv')", bound=True).columns == ("b",)


@pytest.mark.parametrize("written", [r"E'\x01'", r"'\x01'", "chr(1)", r"'\u0001'", r"'\001'", "'\x01'"])
def test_a_delimiter_that_nobody_can_type_may_be_written_in_several_ways(
    tmp_path: Path, written: str
) -> None:
    (tmp_path / "000000_0").write_text("c1\x01A1\n")
    (scan,) = parse_source_sql(
        f"SELECT u, i, _FILE, _Line FROM read_csv('000000_0', delim = {written}, header = false, names = ['u', 'i'])"
    ).scans
    with duckdb.connect() as con:
        opened = open_scan(con, tmp_path, scan, list_files(tmp_path, "*"), "files", ("u", "i"))
        assert opened.faults == () and con.execute("FROM files").fetchall() == [("c1", "A1", "000000_0", 1)]


def test_the_columns_of_every_scan_may_be_named_in_any_case() -> None:
    query = parse_source_sql("SELECT u, _FILE, _Line FROM read_csv('a.csv')")
    assert [*query.required_columns.values()] == [("u",)]
