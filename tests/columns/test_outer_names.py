"""A name of two parts in a subquery is a part of its own column, or else a column of a table around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from recsys_lineage import column_lineage
from recsys_lineage.proof import verify_columns

TYPES: dict[str, Sequence[Any]] = {
    "INTEGER": [1, 2],
    "INTEGER[]": [[1], [2]],
    "STRUCT(id INTEGER)": [{"id": 1}, {"id": 3}],
    "MAP(VARCHAR, INTEGER)": [{"id": 1}, {"id": 3}],
}
CONDITIONS = {
    "in WHERE": "(SELECT count(*) FROM shown WHERE n = film.id)",
    "in ON": "(SELECT count(*) FROM shown JOIN (SELECT 1 AS one) ON film.id = n AND one = 1)",
    "in EXISTS": "EXISTS (FROM shown WHERE n = film.id)",
    "behind a WITH": "(WITH s AS (SELECT film, n FROM shown) SELECT count(*) FROM s WHERE n = film.id)",
    "of an expression": "(SELECT count(*) FROM (SELECT min(film) AS film, n FROM shown GROUP BY n) WHERE n = film.id)",
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_column_called_like_a_table_around_it_hides_it_only_where_it_has_parts(
    condition: str, kind: str
) -> None:
    sql = f"SELECT name, {CONDITIONS[condition]} AS found FROM film"
    schemas = {"film": {"id": "INTEGER", "name": "VARCHAR"}, "shown": {"film": kind, "n": "INTEGER"}}
    data = {
        "film": [(1, "a"), (2, "b"), (7, "c")],
        "shown": [(value, number) for value in TYPES[kind] for number in (1, 2, 3)],
    }
    edges = column_lineage(sql, schemas)
    proof = verify_columns(sql, schemas, data, edges)
    assert proof.sound and not proof.unsteady, proof.report()
    if condition != "of an expression":  # whose type is not known
        has_parts = "(" in kind and not kind.startswith("DECIMAL")
        tables = {(each.table, each.column) for each in edges["found"]}
        assert (("film", "id") in tables) is not has_parts


@pytest.mark.parametrize(
    "sql",
    [
        "UNPIVOT sold ON price, seats INTO NAME hall VALUE value",
        "UNPIVOT sold ON price, seats INTO NAME what VALUE hall",
        "UNPIVOT sold ON (price, seats), (seats, price) INTO NAME what VALUE hall, other",
    ],
)
def test_values_of_unpivot_called_like_another_column_leave_out_rows_by_that_one(sql: str) -> None:
    schemas = {"sold": {"id": "INTEGER", "hall": "INTEGER", "price": "INTEGER", "seats": "INTEGER"}}
    data = {"sold": [(1, 5, 7, 9), (2, None, 8, None), (3, 6, None, 10), (4, 5, None, None)]}
    proof = verify_columns(sql, schemas, data, column_lineage(sql, schemas))
    assert proof.sound, proof.report()
