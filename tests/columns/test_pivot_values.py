"""A PIVOT that names no values is analysed and traced as one that names those which its result shows."""

from __future__ import annotations

from functools import partial

import duckdb
import pytest

from recsys_lineage import column_lineage
from recsys_lineage.errors import ColumnLineageError
from recsys_lineage.proof import verify_rows
from recsys_lineage.rows.trace_query import trace

SCHEMAS = {"sold": {"shop": "INTEGER", "way": "VARCHAR", "pieces": "INTEGER"}}
ROWS = [(1, "web", 2), (2, "in store", 3), (1, None, 4), (3, "o'x", 5), (3, "web", 7), (3, "web", None)]
WAYS, HALVES = "('in store', 'o''x', 'web')", "('0', '1')"
STATEMENTS = {
    "alone": ("PIVOT sold ON way USING sum(pieces)", {"way": WAYS}),
    "with an alias": ("PIVOT sold ON way USING max(pieces) AS most GROUP BY shop ORDER BY shop", {"way": WAYS}),
    "two of two": (
        "PIVOT sold ON way, (pieces % 2) USING count(*) AS n, sum(pieces) GROUP BY shop",
        {"way": WAYS, "(pieces % 2)": HALVES},
    ),
    "in WITH, and more columns": (
        "WITH w AS (PIVOT (SELECT shop, way, pieces FROM sold) ON way USING sum(pieces)) SELECT *, 1 AS one FROM w",
        {"way": WAYS},
    ),
    "by a column named like a keyword": (
        'PIVOT (SELECT way AS "order", pieces FROM sold) ON "order" USING sum(pieces)',
        {'"order"': WAYS},
    ),
    "named around it": (
        'SELECT shop, web_n + "o\'x_n" AS both_n FROM (PIVOT sold ON way USING count(*) AS n, sum(pieces) AS s)',
        {"way": "('web', 'o''x')"},
    ),
    "named as what it is around it": (
        "SELECT shop, coalesce(web, 0) AS web FROM (PIVOT sold ON way USING count(*) GROUP BY shop)",
        {"way": "('web')"},
    ),
    "two PIVOTs side by side, which add to the names": (
        "FROM (PIVOT sold ON way USING sum(pieces) AS s, min(pieces) AS l GROUP BY shop) JOIN "
        "(PIVOT sold ON (pieces % 2) USING count(*), max(pieces) AS m GROUP BY shop) USING (shop)",
        {"way": WAYS, "(pieces % 2)": HALVES},
    ),
    "two PIVOTs, with a column between": (
        "FROM (PIVOT sold ON way USING sum(pieces) GROUP BY shop) JOIN (SELECT shop AS seller, * EXCLUDE (shop) FROM "
        "(PIVOT sold ON (pieces % 2) USING count(*), max(pieces) AS m GROUP BY shop)) ON shop = seller",
        {"way": WAYS, "(pieces % 2)": HALVES},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATEMENTS)
def test_the_result_tells_the_values(case: str) -> None:
    sql, values = STATEMENTS[case]
    named = sql
    for element, listed in values.items():
        named = named.replace(f"ON {element}", f"ON {element} IN {listed}").replace(
            f", {element} USING", f", {element} IN {listed} USING"
        )
    with duckdb.connect() as connection:
        _ = connection.execute("CREATE TABLE sold (shop INTEGER, way VARCHAR, pieces INTEGER)")
        _ = connection.executemany("INSERT INTO sold VALUES (?, ?, ?)", ROWS)
        result = [column[0] for column in connection.execute(sql).description]
    found = column_lineage(sql, SCHEMAS, result=result)
    assert list(found) == result
    assert found == column_lineage(named, SCHEMAS)
    rows = verify_rows(
        named, SCHEMAS, {"sold": ROWS}, partial(trace, sql, SCHEMAS), sample=2, superfluous=False
    )
    assert rows.true and not rows.refused, rows.report()


@pytest.mark.parametrize(
    "sql",
    [
        "FROM (PIVOT sold ON way USING sum(pieces) GROUP BY shop) JOIN "
        "(PIVOT sold ON (pieces % 2) USING count(*) GROUP BY shop) USING (shop)",
        "SELECT web FROM (PIVOT sold ON way USING sum(pieces) GROUP BY shop), "
        "(PIVOT sold ON (pieces % 2) USING count(*) GROUP BY shop)",
    ],
)
def test_nothing_is_guessed_where_columns_may_be_of_either_of_two(sql: str) -> None:
    with pytest.raises(ColumnLineageError, match="depend on the data"):
        _ = column_lineage(sql, SCHEMAS, result=["shop", "in store", "o'x", "web", "0", "1"])


def test_a_result_of_another_statement_tells_nothing() -> None:
    with pytest.raises(ColumnLineageError, match="depend on the data"):
        _ = column_lineage("PIVOT sold ON way USING sum(pieces)", SCHEMAS, result=["web", "nothing", "shop"])


def test_values_have_names() -> None:
    values = "'web' AS net, 'o''x' AS \"of it\""
    sql = f"PIVOT_WIDER sold ON way IN ({values}) USING sum(pieces) FILTER (pieces > 1) GROUP BY shop"
    found = column_lineage(sql, SCHEMAS)
    assert list(found) == ["shop", "net", "of it"]
    assert {edge.column for edge in found["net"]} == {"shop", "way", "pieces"}
