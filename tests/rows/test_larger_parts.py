"""Parts of tables and definitions that are read from larger ones found before hold the same rows."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from recsys_lineage.rows import stepwise
from recsys_lineage.rows.flow_query import flowed
from recsys_lineage.rows.statement.condition import Condition
from recsys_lineage.rows.statement.steps import Part, Step, Within
from recsys_lineage.rows.step_cache import FoundPart, StepCache
from recsys_lineage.rows.stepwise import Stepwise
from tests.examples import JUDGES, examples
from tests.rows.generated import SCHEMAS, tables
from tests.rows.laws import Rows, connected
from tests.rows.test_flow_laws import KEYED

_STRICT = "SELECT a.k, b.n AS v FROM t AS a JOIN t AS b ON b.k = a.k"
_WITH_NULL = "SELECT k, count(*)::INTEGER AS v FROM t GROUP BY k"
_BOTH = {
    "equal and then NULL too": f"{_STRICT} UNION ALL {_WITH_NULL}",
    "NULL too and then equal": f"{_WITH_NULL} UNION ALL {_STRICT}",
    "by one column and then by two": f"{_WITH_NULL} UNION ALL SELECT k, sum(x)::INTEGER FROM t GROUP BY k, n",
    "by two columns and then by one": f"SELECT k, sum(x)::INTEGER AS v FROM t GROUP BY k, n UNION ALL {_WITH_NULL}",
    "of a definition": f"WITH d AS (SELECT k || '' AS k, n, x FROM t WHERE x >= 0) {_WITH_NULL.replace(' t ', ' d ')} "
    f"UNION ALL {_STRICT.replace('t AS', 'd AS')} UNION ALL SELECT k, sum(x)::INTEGER FROM d GROUP BY n, k",
}
_ROWS: dict[str, Rows] = {
    "t": [("a", 0, 1), (None, 2, 1), (None, 0, 1), ("a", 1, 2), ("b", 0, 3), ("a", 1, 2)],
    "u": [("a", 0), (None, 1), ("b", 1)],
}


def _found(sql: str, others: str, data: dict[str, Rows]) -> list[list[str]]:
    """What the rows of each table flow into, after they were followed through another statement on the connection."""
    found: list[list[str]] = []
    for table in SCHEMAS:
        for number in range(1, 3):
            with connected(data) as connection:
                connection.execute(f"CREATE TABLE given AS FROM {table} LIMIT {number}")
                cache = StepCache(connection)
                for each in (others, sql):
                    with connection.cursor() as cursor:
                        rows = flowed(each, SCHEMAS, table, "given", cursor, {}, cache=cache)
                found.append(sorted(map(repr, rows.to_pylist())))
    return found


_AFTER = [_STRICT, _BOTH["by one column and then by two"]]
_WAYS = [*_BOTH, "the second alone", *KEYED]
_PAIRS = [
    (how, others)
    for place, how in enumerate(_WAYS)
    for others in (_AFTER[place % 2 :][:1] if JUDGES else _AFTER)
]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("how", "others"), _PAIRS)
@settings(
    max_examples=examples(1), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit] if JUDGES else [*Phase],
)  # fmt: skip
@given(data=tables())
@example(data=_ROWS)
def test_rows_flow_as_they_do_where_each_part_is_found_alone(
    how: str, others: str, data: dict[str, Rows]
) -> None:
    sql = (_BOTH | KEYED | {"the second alone": _WITH_NULL})[how]
    with pytest.MonkeyPatch.context() as patched:
        shared = _found(sql, others, data)
        patched.setattr(stepwise, "_SMALL", -1)
        assert shared == _found(sql, others, data)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", _BOTH)
def test_a_part_is_read_from_a_larger_one(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    larger, told = Stepwise._larger, []

    def looked(self: Stepwise, part: Within) -> FoundPart | None:
        told.append(found := larger(self, part))
        return found

    monkeypatch.setattr(Stepwise, "_larger", looked)
    _ = _found(_BOTH[how], _BOTH[how], _ROWS)
    assert any(each is not None for each in told)


_VALUES = ("'a'", "'a', 'b'", "'a', NULL", "NULL", "'d'")
_CONDITIONS = {
    "one of": Condition.one_of,
    "equal to one of": Condition.equal_to_one_of,
    "among which IN looks": Condition.of_answers,
}


def _parts(values: list[str], how: list[str]) -> list[Step]:
    """For each list of values a step with them, and one with the part of `t` of which they are requested."""
    steps: list[Step] = []
    for number, (each, of) in enumerate(zip(values, how, strict=True)):
        name = f"__asked{number}"
        condition = _CONDITIONS[of](name, "v")
        asked = Part(f"SELECT unnest([{each}]::VARCHAR[]) AS v")
        where = condition.of("k")
        refuses, answers = condition.refuses_null, bool(condition.answers)
        within = Within("t", ((0, name, "v", refuses),), True, f"SELECT * FROM \0 WHERE {where}", answers)
        part = Part(f"SELECT * FROM t WHERE {where}", (name,))
        steps += [
            Step(name, ("v",), (asked,), stored=True),
            Step(f"__part{number}", ("k", "n", "x"), (part,), stored=True, within=within),
        ]
    return steps


def _each(values: list[str], how: list[str]) -> list[list[str]]:
    with connected(_ROWS) as connection:
        steps = Stepwise(connection, _parts(values, how), {}, StepCache(connection))
        return [
            sorted(map(repr, steps.rows(f"FROM __part{number}").to_pylist())) for number in range(len(values))
        ]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("first", _CONDITIONS)
@pytest.mark.parametrize("second", _CONDITIONS)
def test_a_part_has_its_rows_whatever_part_was_found_before(first: str, second: str) -> None:
    for values in product(_VALUES, _VALUES):
        (alone,) = _each([values[1]], [second])
        assert _each([*values], [first, second])[1] == alone, values


@pytest.mark.parametrize("how", _CONDITIONS)
def test_a_part_is_read_from_one_that_holds_its_values(how: str) -> None:
    for values in product(_VALUES, _VALUES):
        larger, smaller = (set(each.split(", ")) for each in values)
        with connected(_ROWS) as connection:
            steps = Stepwise(connection, _parts([*values], [how, how]), {}, StepCache(connection))
            first = steps.rows("FROM __part0").num_rows
            _ = connection.execute("DELETE FROM t")
            second = steps.rows("FROM __part1").num_rows
        if how == "equal to one of":  # NULL is in none of these parts
            larger, smaller = larger - {"NULL"}, smaller - {"NULL"}
        assert not second or smaller <= larger, values
        assert second or not (smaller and first and larger == smaller), values
