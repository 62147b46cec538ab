"""A query is not run where relations are empty without whose rows it has none."""

from __future__ import annotations

import duckdb
import pytest

from recsys_lineage.rows.statement.catalog import Catalog
from recsys_lineage.rows.statement.decomposition import Statement
from recsys_lineage.rows.statement.row_facts.query_facts import QueryFacts
from recsys_lineage.rows.statement.steps import Part, Step
from recsys_lineage.rows.step_cache import StepCache
from recsys_lineage.rows.stepwise import Stepwise
from recsys_lineage.rows.witnesses.narrowing.inputs import Inputs, inputs_of

_TABLES = ("__a", "__b", "__c")
_JOINS = {
    "SELECT * FROM __a JOIN __b USING (k) JOIN __c USING (k)": (("__a",), ("__b",), ("__c",)),
    "SELECT * FROM __a, __b": (("__a",), ("__b",)),
    "SELECT * FROM __a NATURAL JOIN __b": (("__a",), ("__b",)),
    "SELECT * FROM __a ASOF JOIN __b ON __a.k = __b.k AND __a.n >= __b.n": (("__a",), ("__b",)),
    "SELECT * FROM __a LEFT JOIN __b USING (k)": (("__a",),),
    "SELECT * FROM __a RIGHT JOIN __b USING (k)": (("__b",),),
    "SELECT * FROM __a FULL JOIN __b USING (k)": (),
    "SELECT * FROM __a POSITIONAL JOIN __b": (),
    "SELECT * FROM __a SEMI JOIN __b USING (k)": (("__a",), ("__b",)),
    "SELECT * FROM __a ANTI JOIN __b USING (k)": (("__a",),),
    "SELECT * FROM __a ANTI JOIN (__b SEMI JOIN __c ON __b.k = __c.k) ON __a.k = __b.k": (("__a",),),
    "SELECT * FROM __a LEFT JOIN (__b JOIN __c USING (k)) USING (k)": (("__a",),),
    "SELECT * FROM (__a LEFT JOIN __b USING (k)) FULL JOIN __c USING (k)": (),
    "SELECT * FROM __a, (SELECT count(*) FROM __b) AS q": (("__a",),),
}
_CONDITIONS = {
    "SELECT * FROM __a WHERE k IN (SELECT * FROM __c)": (("__a",), ("__c",)),
    "SELECT * FROM __a WHERE k > ANY (SELECT * FROM __c) AND n > 0": (("__a",), ("__c",)),
    "SELECT * FROM __a WHERE EXISTS (SELECT * FROM __c)": (("__a",), ("__c",)),
    "SELECT * FROM __a WHERE k NOT IN (SELECT * FROM __c)": (("__a",),),
    "SELECT * FROM __a WHERE k >= ALL (SELECT * FROM __c)": (("__a",),),
    "SELECT * FROM __a WHERE NOT EXISTS (SELECT * FROM __c)": (("__a",),),
    "SELECT * FROM __a WHERE k IN (SELECT * FROM __c) OR n > 0": (("__a",),),
    "SELECT * FROM __a WHERE (k IN (SELECT * FROM __c)) IS NULL OR n > 0": (("__a",),),
    "SELECT k, k IN (SELECT * FROM __c) FROM __a": (("__a",),),
}
_GROUPS = {
    "SELECT k, count(*) FROM __a GROUP BY k": (("__a",),),
    "SELECT k, count(*) FROM __a GROUP BY k HAVING count(*) > 0": (("__a",),),
    "SELECT count(*) FROM __a": (),
    "SELECT sum(n) FROM __a HAVING true": (),
    "SELECT k, count(*) FROM __a GROUP BY ROLLUP (k)": (),
    "SELECT k, count(*) FROM __a GROUP BY GROUPING SETS ((k), ())": (),
    "SELECT count(*) FROM __a GROUP BY ()": (),
    "SELECT count(*) FROM __a GROUP BY ALL": (),
    "SELECT k, count(*) OVER () FROM __a": (("__a",),),
    "SELECT DISTINCT k FROM __a ORDER BY k LIMIT 1": (("__a",),),
    "SELECT 1": (),
}
_SIDES = {
    "(SELECT * FROM __a) UNION ALL (SELECT * FROM __b)": (("__a", "__b"),),
    "(SELECT * FROM __a) UNION (SELECT * FROM __b WHERE n > 0)": (),
    "(SELECT * FROM __a) INTERSECT (SELECT * FROM __b)": (("__a",), ("__b",)),
    "(SELECT * FROM __a) EXCEPT (SELECT * FROM __b)": (("__a",),),
}
_QUERIES = _JOINS | _CONDITIONS | _GROUPS | _SIDES


def _inputs(query: str) -> Inputs:
    catalog = Catalog({name: {"k": "VARCHAR", "n": "INTEGER"} for name in _TABLES})
    try:
        parsed = catalog.syntax.parsed(query)
        assert isinstance(parsed, dict)
        return inputs_of(parsed, QueryFacts(Statement("SELECT 1 AS one", catalog), ()))
    finally:
        catalog.close()


def _rows(query: str, empty: tuple[str, ...]) -> int:
    with duckdb.connect() as connection:
        for name in _TABLES:
            columns = "'a' AS k" if name == "__c" and "* FROM __c)" in query else "'a' AS k, 1 AS n"
            where = " WHERE false" if name in empty else ""
            _ = connection.execute(f"CREATE TABLE {name} AS SELECT {columns}{where}")
        return len(connection.execute(query).fetchall())


@pytest.mark.parametrize(("query", "inputs"), _QUERIES.items(), ids=_QUERIES)
def test_the_inputs_of_a_query_are_those_without_which_it_has_no_rows(query: str, inputs: Inputs) -> None:
    assert _inputs(query) == inputs
    for each in inputs:
        assert _rows(query, each) == 0


@pytest.mark.parametrize("stored", [True, False])
def test_a_step_is_not_run_where_what_it_joins_has_no_rows(stored: bool) -> None:
    error = Part("SELECT error('it was run') AS v", (), (("none",),))
    with duckdb.connect() as connection:
        none = Step("none", ("v",), (Part("SELECT 1 AS v WHERE false"),), stored=True)
        of_none = Step("of_none", ("v",), (error,), stored=stored, types=("INTEGER",), few=0 if stored else 1)
        above = Step(
            "above", ("v",), (Part(error.text, (), (("of_none",),)),), stored=True, types=("INTEGER",)
        )
        either = Step("either", ("v",), (Part("SELECT 2 AS v", (), (("none", "one"),)),), stored=True)
        one = Step("one", ("v",), (Part("SELECT 1 AS v"),), stored=True)
        steps = Stepwise(connection, [none, of_none, above, one, either], {}, StepCache(connection))
        assert steps.rows("SELECT * FROM above UNION ALL SELECT * FROM of_none").num_rows == 0
        assert steps.rows("FROM either").num_rows == 1
