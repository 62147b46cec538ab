"""Rows that a SQL asset makes of files that it names lead to their lines, and lines to the rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.rows.back import BackwardTrace, trace_back
from recsys_lineage.rows.forward import trace_forward
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples


def make(folder: Path, name: str, sql: str) -> Lake:
    lake = Lake(str(folder / "lake"))
    materialize(sql_code(SqlText(sql, str(folder / f"{name}.sql")), name=name), lake)
    return lake


def lines_behind(lake: Lake, table: str, row: Mapping[str, Any]) -> dict[str, tuple[int, ...] | None]:
    return {each.file: each.lines for each in trace_back(lake, table, row).files}


WORDS = st.text(alphabet="ab,;\"\n #'", max_size=4)
FILES = st.lists(
    st.lists(st.tuples(st.sampled_from("xyz"), WORDS), min_size=1, max_size=5), min_size=1, max_size=3
)


def written(path: Path, rows: list[tuple[str, str]], blank: list[int]) -> list[range]:
    """Writes a CSV file with a header, and an empty line before some rows; the lines of each row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["shop", "word"])
    lines: list[range] = []
    for place, row in enumerate(rows):
        if place in blank:
            text.write("\n")
        first = text.getvalue().count("\n") + 1
        writer.writerow(row)
        lines.append(range(first, text.getvalue().count("\n") + 1))
    path.write_text(text.getvalue(), newline="")
    return lines


OPTIONS = "header = true, delim = ',', quote = '\"', escape = '\"', columns = {'shop': 'VARCHAR', 'word': 'VARCHAR'}"


@settings(max_examples=examples(24, judged=4), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, st.lists(st.integers(0, 4), max_size=3))
def test_each_line_is_behind_the_rows_that_are_made_of_it_and_no_other(
    files: list[list[tuple[str, str]]], blank: list[int]
) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        expected: dict[str, dict[str, set[int]]] = {}
        inside: dict[tuple[str, int], str] = {}
        for number, rows in enumerate(files):
            name = f"in/part[{number}].csv"
            (folder / "in").mkdir(exist_ok=True)
            for (shop, _), lines in zip(rows, written(folder / name, rows, blank), strict=True):
                expected.setdefault(shop, {}).setdefault(name, set()).add(lines.start)
                inside |= {(name, line): shop for line in lines}
        sql = f"SELECT shop, count(*) AS n FROM read_csv('in/*.csv', {OPTIONS}) GROUP BY shop"
        lake = make(folder, "shops", sql)
        for row in lake.arrow(lake.version("shops")).to_pylist():
            found = lines_behind(lake, "shops", row)
            assert {file: {*lines} for file, lines in found.items() if lines} == expected[row["shop"]]
        (name, line), shop = max(inside.items())
        (table,) = trace_forward(lake, file=name, lines=line).tables
        assert [row["shop"] for row in table.rows] == [shop]


CALLS = {
    "separator": ("a.csv", "id;n\n1;2\n3;4\n", "read_csv('a.csv', delim = ';')", 3, (3,)),
    "no header": ("a.csv", "1,2\n3,4\n", "read_csv('a.csv', header = false, names = ['id', 'n'])", 3, (2,)),
    "title first": ("a.csv", "Report\n\nid,n\n1,2\n3,4\n", "read_csv('a.csv', skip = 2)", 3, (5,)),
    "comments": ("a.csv", "# of us\nid,n\n# one\n1,2\n3,4\n", "read_csv('a.csv', comment = '#')", 3, (5,)),
    "line ends": ("a.csv", "id,n\r\n1,2\r\n3,4\r\n", "'a.csv'", 3, (3,)),
    "mark": ("a.csv", "\ufeffid,n\n1,2\n3,4\n", "read_csv('a.csv')", 3, (3,)),
    "all text": ("a.csv", 'id,n\n"1","a\nb"\n3,4\n', "read_csv('a.csv', all_varchar = true)", "3", (4,)),
    "named column": ("a.csv", "id,n\n1,2\n3,4\n", "read_csv('a.csv', filename = true)", 3, (3,)),
    "own file column": ("a.csv", "id,filename\n1,2\n3,4\n", "read_csv('a.csv')", 3, (3,)),
    "escape": ("a.csv", 'id,n\n"1","x\\"y\nz"\n"3","4"\n', "read_csv('a.csv', escape = '\\')", 3, (4,)),
    "rows left out": ("a.csv", "id,n\n1,2\nx\n3,4\n",
                      "read_csv('a.csv', columns = {'id': 'BIGINT', 'n': 'BIGINT'}, ignore_errors = true)", 3, None),
    "objects": ("a.json", '{"id": 1}\n\n{"id": 3}\n', "read_json('a.json')", 3, (3,)),
    "array": ("a.json", '[{"id": 1},\n {"id": 3}]\n', "read_json('a.json')", 3, None),
    "folders": ("day=2/a.csv", "id,n\n1,2\n3,4\n", "read_csv('*/a.csv', hive_partitioning = true)", 3, (3,)),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_however_a_file_is_read_its_lines_are_right_or_it_is_named_as_a_whole(
    tmp_path: Path, case: str
) -> None:
    name, text, call, key, lines = CALLS[case]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, newline="")
    lake = make(tmp_path, "rows", f"SELECT * FROM {call}")
    assert lines_behind(lake, "rows", {"id": key}) == {name: lines}


def test_compressed_and_parquet_files_have_lines_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,n\n1,2\n3,4\n"))
    pl.DataFrame({"id": [1, 2, 3]}).write_parquet(tmp_path / "b.parquet")
    lake = make(tmp_path, "packed", "SELECT id FROM 'a.csv.gz'")
    assert lines_behind(lake, "packed", {"id": 3}) == {"a.csv.gz": (3,)}
    lake = make(tmp_path, "columns", "SELECT max(id) AS most FROM read_parquet('*.parquet')")
    assert lines_behind(lake, "columns", {"most": 3}) == {"b.parquet": (3,)}


def test_a_link_is_traced_as_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "of-may.csv").write_text("id\n1\n2\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "latest.csv").symlink_to("../kept/of-may.csv")
    lake = make(tmp_path, "linked", "SELECT id FROM read_csv('*/latest.csv')")
    assert lines_behind(lake, "linked", {"id": 2}) == {"in/latest.csv": (3,)}


def test_only_the_files_behind_a_row_are_named(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(name)
    lake = make(tmp_path, "texts", "SELECT content FROM read_text('*.txt')")
    assert lines_behind(lake, "texts", {"content": "b"}) == {"b.txt": None}


@pytest.fixture
def joined(tmp_path: Path) -> Lake:
    (tmp_path / "a.csv").write_text("shop,n\na,1\nb,2\na,3\n")
    make(tmp_path, "names", "SELECT * FROM (VALUES ('a', 'A'), ('b', 'B')) AS t (shop, name)")
    return make(
        tmp_path,
        "sales",
        "SELECT name, sum(s.n)::BIGINT AS n FROM read_csv('a.csv') AS s JOIN names USING (shop) GROUP BY ALL",
    )


def rows_of(trace: BackwardTrace, table: str) -> list[dict[str, Any]]:
    return [row for each in trace.tables if each.table == table for row in each.rows]


def test_files_and_tables_of_one_statement_are_both_behind_a_row(joined: Lake) -> None:
    trace = trace_back(joined, "sales", {"name": "A"})
    assert [each.lines for each in trace.files] == [(2, 4)]
    assert rows_of(trace, "names") == [{"shop": "a", "name": "A"}]
    (flown,) = [each.rows for each in trace_forward(joined, table="names", row={"shop": "b"}).tables[1:]]
    assert flown == ({"name": "B", "n": 2},)


@pytest.mark.parametrize("happens", ["changed", "gone"])
def test_a_file_that_is_not_what_it_was_is_named_as_a_whole_and_why(
    tmp_path: Path, joined: Lake, happens: str
) -> None:
    if happens == "gone":
        (tmp_path / "a.csv").unlink()
    else:
        (tmp_path / "a.csv").write_text("shop,n\na,1\nb,2\na,4\n")
    trace = trace_back(joined, "sales", {"name": "A"})
    assert [each.lines for each in trace.files] == [None]
    assert {each.table for each in trace.stopped} == {"names", "its files"}
    assert all("is not what it was" in each.reason for each in trace.stopped)
    forward = trace_forward(joined, file="a.csv", lines=2)
    assert forward.tables == () and ["is not what it was" in each.reason for each in forward.stopped] == [
        True
    ]


def test_python_that_reads_a_file_and_a_table_leads_to_both(tmp_path: Path, joined: Lake) -> None:
    (tmp_path / "b.json").write_text(json.dumps({"A": 2}))

    def weighed(sales: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
        with inputs.open_file(tmp_path / "b.json") as file:
            weights = json.load(file)
        return sales.select("name", weight=pl.col("n") * weights["A"])

    materialize(frame_code(weighed, keys=["name"]), joined)
    trace = trace_back(joined, "weighed", {"name": "A"})
    assert rows_of(trace, "sales") == [{"name": "A", "n": 4}]
    (file,) = [each for each in trace.files if each.table == "weighed"]
    assert file.lines is None
    (stop,) = trace_forward(joined, file=file.file).stopped
    assert stop.asset == "weighed" and "Python" in stop.reason


def test_lines_of_a_file_without_lines_cannot_be_a_start(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 1}, {"id": 2}]')
    lake = make(tmp_path, "ids", "SELECT id FROM read_json('a.json')")
    (stop,) = trace_forward(lake, file="a.json", lines=1).stopped
    assert "The lines of the rows of a.json are not known" in stop.reason
    (table,) = trace_forward(lake, file="a.json").tables
    assert table.count == 2
    with pytest.raises(LineageError, match="No table holds"):
        trace_forward(lake, file="b.json")
