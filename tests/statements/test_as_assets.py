"""Every statement whose columns are derived can be the text of a SQL asset, which depends on what it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest
from sqlglot.errors import SqlglotError

from recsys_assets.shop.state_conditions import state_conditions
from recsys_lineage import Lake, SqlText, materialize, sql_code
from recsys_lineage.columns.column_lineage import column_lineage
from recsys_lineage.errors import SqlAssetError
from recsys_lineage.files.own_file import relations_by_file
from recsys_lineage.files.path_meaning import path_expressions
from recsys_lineage.sql.json_arrows import parsed_statements
from recsys_lineage.sql.statement import bare_statement
from tests.columns.written_cases import SCHEMAS, cases
from tests.statements.corpus import schemas as tables_of_statements
from tests.statements.corpus import statements
from tests.statements.test_statements import loaded

OF_A_SCHEMA = re.compile(r"\bmain\.", re.IGNORECASE)
"""What a text with it reads depends on the connection, so an asset refuses it."""


OF_NO_USE = {"nowhere"}
"""Tables of common table expressions that nothing reads: the text names them, so an asset waits for them."""
TEXTS = [
    *(pytest.param(each.sql, tables_of_statements(), id=each.name) for each in statements()),
    *(pytest.param(each.sql, SCHEMAS, id=str(each)) for each in cases()),
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("sql", "known"), TEXTS)
def test_it_depends_on_the_tables_that_it_reads(sql: str, known: Mapping[str, Mapping[str, str]]) -> None:
    text = SqlText(sql)
    if OF_A_SCHEMA.search(sql):
        with pytest.raises(SqlAssetError, match="names a schema"):
            _ = text.tables
        return
    asset = sql_code(text, name="made", parameters=dict.fromkeys(text.parameters, 1))
    edges = column_lineage(sql, known)
    read = {edge.table.lower() for of in edges.values() for edge in of}
    files = {pattern for call in text.scans for pattern in call.patterns} | {
        sql[call.start : call.end] for call in text.scans
    }
    assert read - {each.lower() for each in files} <= set(asset.upstream)
    assert set(asset.upstream) - OF_NO_USE <= {table.lower() for table in known}
    with duckdb.connect() as connection:
        (parsed,) = connection.extract_statements(sql)
    assert set(text.parameters) == set(parsed.named_parameters)


def _is_respelled(sql: str) -> bool:
    """Whether sqlglot alone does not parse a text."""
    try:
        _ = parsed_statements(bare_statement(sql))
    except SqlglotError:
        return True
    return False


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with loaded(1) as connection:
        yield connection


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", [each.name for each in statements() if _is_respelled(each.sql)])
def test_those_in_other_spellings_run_as_assets(
    name: str, tables: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    statement = next(each for each in statements() if each.name == name)
    text = SqlText(statement.sql, f"{name}.sql")
    lake = Lake(str(tmp_path / "lake"))
    for table in text.tables:
        file = tmp_path / f"{table}.parquet"
        tables.execute(f"COPY {table} TO '{file}'")
        _ = materialize(sql_code(SqlText(f"FROM '{file}'", f"{table}.sql"), name=table), lake)
    made = materialize(sql_code(text, name="made", parameters=statement.parameters), lake)
    assert made.version is not None and made.version.rows == len(tables.execute(statement.sql).fetchall())


RESPELLED = [str(text.values[0]) for text in TEXTS if _is_respelled(str(text.values[0]))]
OF_A_SOURCE = [
    "SELECT string_split(_file, '-')[::-1][1] AS day, k FROM lines WHERE CASE state WHEN 'paid' THEN true END",
    "FROM lines SELECT n!, _file",
]


@pytest.mark.parametrize("sql", [*OF_A_SOURCE, *RESPELLED])
def test_every_reader_of_a_sources_sql_takes_the_other_spellings(sql: str) -> None:
    text = bare_statement(sql)
    assert relations_by_file(text, frozenset({"lines"})) <= {"lines"}
    assert all("_file" in each for each in path_expressions(text))
    assert all(condition.column == "state" for condition in state_conditions(text))
