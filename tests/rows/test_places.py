"""The traced rows are enough for a row wherever a subquery stands: in windows, aggregates, groups, limits and joins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.rows.laws import Rows, check_enough, connected, drawn_tables, traces_of
from tests.rows.places import ALONE, ANSWERS, BY_GROUP, PLACES


def _cases() -> Iterator[Any]:
    """Every place with every subquery that DuckDB takes there; all but one of a place with the slow tests."""
    found = {(place, ""): sql for place, sql in ALONE.items()}
    found |= {(place, how): sql.format(one) for place, sql in PLACES.items() for how, one in ANSWERS.items()}
    found |= {
        (place, how): sql.format(one)
        for place, sql in BY_GROUP.items()
        for how, one in ANSWERS.items()
        if "t.n" not in one and "t.x" not in one
    }
    with connected({"t": [], "u": []}) as connection:
        for (place, how), sql in [*found.items()]:
            try:
                _ = connection.execute(sql)
            except duckdb.ParserException as error:
                assert "window functions are not allowed in window definitions" in str(error), (place, how)
                del found[place, how]
    places = [*dict.fromkeys(place for place, _ in found)]
    for place, how in found:
        here = [other for name, other in found if name == place]
        first = here[places.index(place) % len(here)] == how
        yield pytest.param(
            found[place, how],
            id=f"{place}, {how}" if how else place,
            marks=[] if first else [pytest.mark.slow],
        )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sql", _cases())
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_row_comes_out_again_of_its_rows_but_for_what_needs_the_context(sql: str, seed: int) -> None:
    check_enough(drawn_tables(seed), sql)


def test_a_rank_by_what_other_rows_ask_for_needs_the_context() -> None:
    sql = "SELECT k, rank() OVER (ORDER BY (SELECT sum(y) FROM u WHERE u.k = t.k)) AS v FROM t"
    data: dict[str, Rows] = {"t": [("a", 1, 1), ("b", 1, 1)], "u": [("a", 1), ("b", 2)]}
    traces = traces_of(data, sql, {"k": "b", "v": 2})
    assert traces["u"][1] == [("b", 2)]
    assert traces["u"][0].context == "true" and traces["u"][0].insufficient == ("v",)
