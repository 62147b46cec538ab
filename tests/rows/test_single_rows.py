"""What is said to have one row at most has no more, whatever the tables hold."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.row_facts.single_rows import SingleRows
from tests.rows.generated import SCHEMAS

_C = "c AS (SELECT count(*) AS c FROM t)"
SINGLE = {
    "a total": "SELECT max(n) AS v FROM t",
    "a total that may be none": "SELECT count(*) AS v FROM t HAVING count(*) > 1",
    "what is left of a total": "SELECT c AS v FROM c WHERE c > 1",
    "two totals": "SELECT c.c AS v FROM c CROSS JOIN (SELECT max(y) AS m FROM u) AS m",
    "a total beside none": "SELECT c.c AS v FROM c LEFT JOIN (SELECT max(y) AS m FROM u) AS m ON m.m = c.c",
    "totals by their positions": "SELECT a.c AS v FROM c AS a POSITIONAL JOIN (SELECT max(y) AS m FROM u) AS m",
    "the first": "SELECT n AS v FROM t ORDER BY n LIMIT 1",
    "the first group": "SELECT count(*) AS v FROM t GROUP BY k ORDER BY ALL LIMIT 1",
}
MANY = {
    "rows": "SELECT n AS v FROM t",
    "groups": "SELECT count(*) AS v FROM t GROUP BY k",
    "a total and sets of groups": "SELECT count(*) AS v FROM t GROUP BY GROUPING SETS ((), (k))",
    "all groups": "SELECT count(*) AS v FROM t GROUP BY ALL",
    "groups of columns that are not named": "SELECT k, count(*) AS v FROM t GROUP BY ALL",
    "rows beside a total": "SELECT t.n AS v FROM t, c",
    "a row of a total that is taken apart": "SELECT unnest([c, c]) AS v FROM c",
    "the first two": "SELECT n AS v FROM t ORDER BY n LIMIT 2",
    "a share": "SELECT n AS v FROM t ORDER BY n LIMIT 100 PERCENT",
    "totals that do not fit": "SELECT c.c AS v FROM c FULL JOIN (SELECT -max(y) - 1 AS m FROM u) AS m ON m.m = c.c",
    "rows by their positions": "SELECT a.c AS v FROM c AS a POSITIONAL JOIN t",
    "a union of totals": "SELECT c AS v FROM c UNION ALL SELECT c + 1 FROM c",
}


def _said(query: str) -> bool:
    statement = Statement(f"WITH {_C}, d AS ({query}) SELECT u.y, d.v FROM u, d", Catalog(SCHEMAS, None))
    names = [name for name in statement.definitions if name.rstrip("_").endswith("_d")]
    assert len(names) == 1
    return SingleRows(statement, QueryFacts(statement, ())).has(names[0])


def _most(query: str) -> int:
    with duckdb.connect() as connection:
        _ = connection.execute(
            "CREATE TABLE t AS SELECT chr(97 + i::INTEGER % 2) AS k, i::INTEGER AS n, 1 AS x FROM range(4) r(i)"
        )
        _ = connection.execute("CREATE TABLE u AS SELECT k, n AS y FROM t")
        return connection.sql(f"WITH {_C} {query}").to_arrow_table().num_rows


@pytest.mark.parametrize("query", SINGLE.values(), ids=SINGLE.keys())
def test_what_has_one_row_at_most_is_told(query: str) -> None:
    assert _said(query)
    assert _most(query) <= 1


@pytest.mark.parametrize("query", MANY.values(), ids=MANY.keys())
def test_of_no_other_it_is_said(query: str) -> None:
    assert not _said(query)
