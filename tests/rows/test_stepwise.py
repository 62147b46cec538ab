"""Steps are found where a query reads them, and nowhere else."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage.errors import LineageError
from recsys_lineage.rows.kept_steps import KeptSteps
from recsys_lineage.rows.statement.steps import Part, Step
from recsys_lineage.rows.stepwise import Stepwise

_ALIASES = [
    "SELECT 1 AS v FROM t AS dear",
    'SELECT 1 AS v FROM t AS "dear"',
    "SELECT 1 as\ndear",
    'SELECT 1 AS "Dear"',
]
_READS = [
    "FROM dear",
    'SELECT 1 AS dear FROM "dear"',
    "SELECT * FROM t AS a, dear AS b",
    "SELECT dear.v FROM t AS a JOIN dear",
]


def _found(query: str) -> int:
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE t AS SELECT 1 AS v")
        step = Step("dear", (), (Part("SELECT error('it was looked for') AS v"),), stored=True)
        asks = Step("asks", (), (Part(query),), stored=True)
        return Stepwise(connection, [step, asks], {}, KeptSteps(connection)).rows("FROM asks").num_rows


@pytest.mark.parametrize("query", _ALIASES)
def test_a_step_of_which_a_query_has_only_the_name_as_an_alias_is_not_looked_for(query: str) -> None:
    assert _found(query) == 1


@pytest.mark.parametrize("query", _READS)
def test_a_step_that_a_query_reads_is_looked_for(query: str) -> None:
    with pytest.raises(LineageError, match="it was looked for"):
        _ = _found(query)


def test_too_little_memory_is_said_as_that_and_not_as_a_fault_of_the_statement() -> None:
    with duckdb.connect(config={"memory_limit": "4MB", "threads": 1, "temp_directory": ""}) as connection:
        step = Step("many", (), (Part("SELECT list(range) AS v FROM range(2000000)"),), stored=True)
        with pytest.raises(LineageError, match="too many for the memory") as caught:
            _ = Stepwise(connection, [step], {}, KeptSteps(connection)).rows("FROM many")
    assert "more memory" in str(caught.value) and "Out of Memory" in str(caught.value)
