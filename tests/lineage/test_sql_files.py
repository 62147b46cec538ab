"""Files that a SQL asset names are read exactly, noted as reads, and looked at again by staleness."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_status import asset_statuses
from recsys_lineage.assets.reading.guarded_threads import unguarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import FilesChanged, SqlAssetError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.sql.file_call import FILE_FUNCTIONS, PURE_FUNCTIONS
from recsys_lineage.sql.sql_text import SqlText
from tests.examples import examples
from tests.lineage.project import Project, table

REUSE = {"lineage/reuse": "true"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of files of each kind; its name and theirs hold what patterns and SQL give a meaning."""
    folder = tmp_path / "it's [1] dätä"
    (folder / "year=2024").mkdir(parents=True)
    (folder / "a.csv").write_text("id,price\n1,2.5\n2,3.5\n")
    (folder / "b.csv").write_text("id,price\n3,4.5\n")
    (folder / "x[1].csv").write_text("id,price\n9,9.5\n")
    (folder / "year=2024" / "c.csv").write_text("id,price\n4,5.5\n")
    (folder / "d.json").write_text('{"id": 5}\n{"id": 6}\n')
    (folder / "notes.txt").write_text("hello")
    duckdb.execute(f"COPY (SELECT 7 AS id, 'x' AS name) TO '{_sql(folder / 'p.parquet')}'")
    duckdb.execute(f"COPY (SELECT 8 AS id, 'y' AS name) TO '{_sql(folder / 'q.parquet')}'")
    return folder


def _sql(path: Path) -> str:
    return str(path).replace("'", "''")


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reads(project: Project, asset: str) -> dict[str, str]:
    return {read.name: read.fingerprint for read in project.records.get(asset).reads if read.kind == "file"}


def failure(result: dg.ExecuteInProcessResult, asset: str) -> str:
    found = result.failure_data_for_node(asset)
    assert found is not None and found.user_failure_data is not None
    metadata = {name: str(value.value) for name, value in found.user_failure_data.metadata.items()}
    return f"{found.user_failure_data.description} {json.dumps(metadata)}"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("sql", "rows", "files"),
    [
        ("SELECT id FROM read_parquet('p.parquet')", [7], ["p.parquet"]),
        ("SELECT id FROM parquet_scan('*.parquet')", [7, 8], ["p.parquet", "q.parquet"]),
        ("SELECT id FROM read_parquet(['q.parquet', '?.parquet'])", [7, 8], ["p.parquet", "q.parquet"]),
        ("SELECT id FROM read_csv('a.csv')", [1, 2], ["a.csv"]),
        ("SELECT t.id FROM read_csv_auto('**/*.csv', delim = ',') AS t", [1, 2, 3, 4, 9],
         ["a.csv", "b.csv", "x[1].csv", "year=2024/c.csv"]),
        ("SELECT read_csv.id FROM read_csv('[ab].csv')", [1, 2, 3], ["a.csv", "b.csv"]),
        ("SELECT p.id FROM 'p.parquet'", [7], ["p.parquet"]),
        ("FROM (SELECT z.id FROM 'a.csv' AS z)", [1, 2], ["a.csv"]),
        ('SELECT id FROM "b.csv"', [3], ["b.csv"]),
        ("SELECT id FROM '[ab].csv'", [1, 2, 3], ["a.csv", "b.csv"]),
        ("SELECT id FROM 'd.json'", [5, 6], ["d.json"]),
        ("SELECT id FROM read_ndjson('d.json')", [5, 6], ["d.json"]),
        ("SELECT length(content) AS id FROM read_text('notes.txt')", [5], ["notes.txt"]),
        ("SELECT size AS id FROM read_blob('notes.txt')", [5], ["notes.txt"]),
        ("SELECT num_rows AS id FROM parquet_file_metadata('*.parquet')", [1, 1], ["p.parquet", "q.parquet"]),
        ("SELECT CAST(year AS INTEGER) AS id FROM read_csv('*/*.csv', hive_partitioning = true)", [2024],
         ["year=2024/c.csv"]),
        ("WITH x AS (FROM 'a.csv') SELECT id FROM x UNION ALL FROM (SELECT id FROM read_csv('b.csv'))", [1, 2, 3],
         ["a.csv", "b.csv"]),
        ("SELECT 1 AS id WHERE 3 IN (SELECT id FROM 'b.csv')", [1], ["b.csv"]),
        ("SELECT \"1\" AS id FROM (PIVOT 'a.csv' ON id IN (1, 2) USING any_value(price))", [2.5], ["a.csv"]),
        ("SELECT 'read_csv(''q'')' = 'ä' /* read_csv('z') */, id -- 'y.csv'\nFROM read_csv(\n  'b.csv' )", [3],
         ["b.csv"]),
    ],
)  # fmt: skip
def test_the_named_files_are_read_and_are_the_reads(
    project: Project, data: Path, sql: str, rows: list[Any], files: list[str]
) -> None:
    project.run(table("made", sql, files=data))
    assert sorted(project.frame("made")["id"].to_list()) == rows
    assert reads(project, "made") == {name: sha(data / name) for name in files}


def test_a_whole_path_is_on_record_as_it_is_written(project: Project, data: Path) -> None:
    pattern = _sql(data).replace("[", "[[]")
    project.run(table("made", f"SELECT id FROM read_csv('{pattern}/?.csv')"))
    assert reads(project, "made") == {str(data / name): sha(data / name) for name in ("a.csv", "b.csv")}


def test_columns_types_and_bytes_of_a_file_are_on_record(project: Project, data: Path) -> None:
    project.run(table("made", "SELECT price FROM 'a.csv'", files=data))
    (read,) = project.records.get("made").reads
    assert read.schema == (Column("id", "BIGINT"), Column("price", "DOUBLE"))
    assert read.bytes == (data / "a.csv").stat().st_size


def test_the_folder_that_a_path_starts_from_is_on_record(project: Project, data: Path) -> None:
    whole = _sql(data).replace("[", "[[]")
    project.run(table("made", f"SELECT id FROM 'a.csv' UNION ALL SELECT id FROM '{whole}/b.csv'", files=data))
    roots = {read.name: read.root for read in project.records.get("made").reads}
    assert roots == {"a.csv": str(data), str(data / "b.csv"): None}


def test_files_lie_beside_the_sql_file_unless_told(project: Project, data: Path) -> None:
    (data / "made.sql").write_text("SELECT id FROM 'b.csv'")
    from recsys_lineage.orchestration.sql_asset import sql_asset

    project.run(sql_asset(data / "made.sql"))
    assert project.frame("made")["id"].to_list() == [3]


def test_files_and_tables_in_one_statement(project: Project, data: Path) -> None:
    project.run(
        table("orders"),
        table("made", "SELECT o.customer, f.price FROM orders AS o JOIN 'a.csv' AS f USING (id)", files=data),
    )
    assert sorted(project.frame("made").rows()) == [("ann", 2.5), ("bob", 3.5)]
    assert {(read.kind, read.name) for read in project.records.get("made").reads} == {
        ("table", "orders"),
        ("file", "a.csv"),
    }


def test_parameters_of_a_scan_are_bound(project: Project, data: Path) -> None:
    sql = "SELECT $x AS x, id FROM read_csv('b.csv', delim = $delim)"
    project.run(table("made", sql, files=data, parameters={"x": 1, "delim": ","}))
    assert project.frame("made").rows() == [(1, 3)]


@pytest.mark.parametrize("change", ["changed", "added", "gone"])
def test_another_file_makes_the_asset_stale(project: Project, data: Path, change: str) -> None:
    asset = table("made", "SELECT id FROM read_csv('[abc].csv')", files=data)
    project.run(asset)

    def stale() -> str | None:
        return asset_statuses(asset_codes([asset]), project.records)["made"].stale

    assert stale() is None
    match change:
        case "changed":
            (data / "a.csv").write_text("id,price\n1,2.5\n2,3.6\n")
        case "added":
            (data / "c.csv").write_text("id,price\n7,2.5\n")
        case _:
            (data / "b.csv").unlink()
    assert stale() == "the source changed"
    project.run(asset, tags=REUSE)
    assert stale() is None
    assert set(reads(project, "made")) == {path.name for path in data.glob("[abc].csv")}


def test_a_file_that_changes_while_it_is_read_is_no_version(
    project: Project, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = Inputs.confirm_files

    def late(self: Inputs) -> None:
        with unguarded():  # another process writes it
            (data / "a.csv").write_text("id,price\n1,2.5\n2,9.9\n")
        confirm(self)

    monkeypatch.setattr(Inputs, "confirm_files", late)
    result = project.run(table("made", "FROM 'a.csv'", files=data), raises=False)
    assert "a.csv changed while made read it" in failure(result, "made")
    assert not project.lake.has("made")


def test_the_same_content_put_in_place_of_a_file_counts_as_a_change(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    lake = Lake(str(tmp_path / "lake"))
    with lake.connect() as connection:
        inputs = Inputs(lake, connection, "made", ())
        with inputs.open_file(path) as stream:
            assert stream.read() == b"x"
        inputs.confirm_files()
        path.unlink()
        path.write_text("x")
        with pytest.raises(FilesChanged, match="changed while made read it"):
            inputs.confirm_files()


def test_no_file_and_no_folder_say_what_to_do(project: Project, data: Path) -> None:
    result = project.run(
        table("one", "FROM 'z.csv'", files=data), table("two", "FROM '/nowhere/*.csv'"), raises=False
    )
    assert "There is no file for 'z.csv'" in failure(result, "one") and "one.sql:1:6" in failure(
        result, "one"
    )
    assert "no folder /nowhere" in failure(result, "two")


def test_a_link_out_of_the_folder_is_refused(project: Project, data: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("id,price\n1,1\n")
    (data / "link.csv").symlink_to(tmp_path / "secret.csv")
    (data / "linked").symlink_to(tmp_path)
    for number, sql in enumerate(("FROM 'link.csv'", "FROM 'l*.csv'", "FROM 'linked/*.csv'")):
        result = project.run(table(f"made_{number}", sql, files=data), raises=False)
        assert "a link that leads outside" in failure(result, f"made_{number}")


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("SELECT *\nFROM glob('*')", "x.sql:2:6"),
        ("FROM sniff_csv('a.csv')", "x.sql:1:6"),
        ("FROM query('FROM read_text(''/etc/passwd'')')", "x.sql:1:6"),
        ("FROM query_table('a')", "x.sql:1:6"),
        ("FROM read_csv($path)", "x.sql:1:6"),
        ("FROM read_csv('a' || '.csv')", "x.sql:1:6"),
        ("FROM read_csv(getvariable('x'))", "x.sql:1:6"),
        ("SELECT (SELECT content FROM read_text('../x'))", "x.sql:1:29"),
        ("FROM read_csv('a/../../x.csv')", "x.sql:1:6"),
        ("FROM 'https://example.org/x.csv'", "x.sql:1:6"),
        ("FROM read_parquet('s3://bucket/x.parquet')", "x.sql:1:6"),
        ("FROM 'file:///etc/x.csv'", "x.sql:1:6"),
        ("FROM '~/x.csv'", "x.sql:1:6"),
        ("FROM read_text('/**')", "x.sql:1:6"),
        ("FROM '/etc/passwd'", "x.sql:1:6"),
        ("FROM main.read_csv('a.csv')", "x.sql:1:11"),
        ("FROM t, read_text(t.path)", "x.sql:1:9"),
        ("FROM t, LATERAL read_text(t.path)", "x.sql:1:17"),
        ("FROM (SUMMARIZE 'a.csv')", "x.sql"),
        ("FROM duckdb_secrets()", "x.sql:1:6"),
        ("FROM 'x.db'", "x.sql:1:6"),
    ],
)
def test_what_cannot_be_noted_is_refused_with_its_place(sql: str, where: str) -> None:
    with pytest.raises(SqlAssetError) as raised:
        table("x", sql, parameters={"path": "a.csv"} if "$path" in sql else {})
    assert raised.value.where == where


def test_every_table_function_of_duckdb_is_a_scan_reads_nothing_or_is_refused(tmp_path: Path) -> None:
    """What DuckDB opens can be seen from outside, so nothing is taken for harmless that is not."""
    functions = {
        name
        for (name,) in duckdb.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro')"
        ).fetchall()
    }
    assert functions >= FILE_FUNCTIONS
    path = tmp_path / "f.csv"
    path.write_text("i\n1\n")
    for name in sorted(functions - FILE_FUNCTIONS):
        if name in PURE_FUNCTIONS:
            with pytest.raises(duckdb.Error), duckdb.connect() as connection:
                connection.execute("SET enable_external_access = false")
                connection.execute(f"FROM {name}('{path}')").fetchall()
                raise duckdb.Error("it took the path for an argument like any other")
        else:
            with pytest.raises(SqlAssetError):
                table("x", f"FROM {name}('{path}')")


@settings(
    deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text("ä' \n\"/*-", max_size=8), st.sampled_from(sorted(FILE_FUNCTIONS)), st.text("a(),'[]", max_size=6)
)
def test_a_call_stands_where_the_text_says(before: str, function: str, name: str) -> None:
    quoted = "'f" + name.replace("'", "''") + "'"
    literal = "'" + before.replace("'", "''") + "'"
    sql = f"SELECT {literal} AS x, * FROM {function}( {quoted}, a = [1, (2)] ) AS t"
    (call,) = SqlText(sql).scans
    assert sql[call.start : call.end] == f"{function}( {quoted}, a = [1, (2)] )"
    assert (call.function, call.patterns, call.options) == (function, (f"f{name}",), ", a = [1, (2)]")
