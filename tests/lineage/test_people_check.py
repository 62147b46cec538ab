"""at_least_k_people: tags stop at a statistic only where the run counted enough people behind each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage import (
    Lake,
    LineageError,
    SqlText,
    TableCheck,
    at_least_k_people,
    frame_code,
    materialize,
    sql_code,
)
from recsys_lineage.assets.materialize import BlockingCheckFailed
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.sql.having import with_having

CLEARED = {"pii": "the customers' own table"}
PER_TOWN = "SELECT c.town, avg(c.income) AS mean FROM customers AS c GROUP BY c.town"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three customers in each of two towns, and one who lives alone and bought a lot."""
    lake = Lake(str(tmp_path / "lake"))

    def customers() -> pl.DataFrame:
        return pl.DataFrame(
            {"id": range(7), "town": [*"PPPQQQ", "R"], "income": [float(n) for n in range(7)], "one": [1] * 7}
        )

    def orders() -> pl.DataFrame:
        return pl.DataFrame(
            {"order_id": range(12), "customer": [0, 1, 2, 3, 4, 5, *[6] * 6], "paid": [1.0] * 12}
        )

    columns = {"id": "who [pii, person]", "income": "what [pii]"}
    materialize(frame_code(customers, columns=columns, cleared=CLEARED), lake)
    bought = {"customer": "who [pii, person]", "paid": "what [pii]"}
    materialize(frame_code(orders, columns=bought, cleared=CLEARED), lake)
    return lake


def made(lake: Lake, text: str, *checks: TableCheck, **parameters: object) -> Materialization:
    return materialize(
        sql_code(SqlText(text, "made.sql"), name="made", checks=checks, parameters=parameters), lake
    ).record


def asserted(columns: Sequence[str] = ("mean",), person: str = "c.id", k: int = 3) -> TableCheck:
    return at_least_k_people(columns, person, k)


SMALL_TOWNS_LEFT_OUT = PER_TOWN.replace("GROUP", "WHERE c.town <> 'R' GROUP")


def test_where_enough_people_are_counted_the_tag_stops(lake: Lake) -> None:
    record = made(lake, SMALL_TOWNS_LEFT_OUT, asserted())
    assert record.column_tags == {}
    people, clearance = record.checks
    assert (people.passed, people.blocking, people.counts) == (True, True, {"groups": 0})
    assert clearance.passed and people.found == "every group has at least 3 different c.id"
    assert all(edge.masking for edge in record.column_lineage["mean"] if edge.kind == "DIRECT")
    with pytest.raises(BlockingCheckFailed, match="mean is tagged pii"):
        made(lake, SMALL_TOWNS_LEFT_OUT)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (PER_TOWN + " HAVING c.town <> 'R' OR false ORDER BY mean LIMIT 1", ["mean"]),
        (
            "WITH known AS (SELECT * FROM customers WHERE town < 'R') "
            "SELECT town, sum(income) AS total, count(*) AS people FROM known AS c GROUP BY ALL",
            ["total"],
        ),
        ("SELECT stddev(income) AS spread FROM customers AS c", ["spread"]),
        (
            "FROM customers AS c SELECT town, avg(income) AS mean WHERE town IN ('P', 'Q') GROUP BY town",
            ["mean"],
        ),
        (
            "SELECT c.town, avg(income) AS mean, sum(mean) OVER w AS up_to FROM customers AS c WHERE town <> $not "
            "GROUP BY c.town WINDOW w AS (ORDER BY c.town) ORDER BY ALL",
            ["mean", "up_to"],
        ),
    ],
    ids=["HAVING and LIMIT", "CTE", "one group", "FROM first", "window"],
)
def test_groups_are_counted_however_the_statement_is_written(
    lake: Lake, text: str, columns: list[str]
) -> None:
    parameters = {"not": "R"} if "$not" in text else {}
    text = text.replace("sum(mean) OVER w", "sum(avg(income)) OVER w")
    assert made(lake, text, asserted(columns), **parameters).column_tags == {}


LIES = {
    "too few people": (PER_TOWN, asserted()),
    "too few, but not among the first": (PER_TOWN + " ORDER BY c.town LIMIT 1", asserted()),
    "too few, hidden by QUALIFY": (PER_TOWN + " QUALIFY row_number() OVER (ORDER BY c.town) < 3", asserted()),
    "orders counted as people": (
        "SELECT c.town, sum(o.paid) AS mean FROM customers AS c JOIN orders AS o ON o.customer = c.id GROUP BY ALL",
        asserted(person="o.order_id"),
    ),
    "a column that tells nobody apart": (SMALL_TOWNS_LEFT_OUT, asserted(person="c.income")),
    "no statistic": (SMALL_TOWNS_LEFT_OUT.replace("avg", "max"), asserted()),
    "a list": (SMALL_TOWNS_LEFT_OUT.replace("avg", "list"), asserted()),
    "a statistic over one of them": (
        SMALL_TOWNS_LEFT_OUT.replace("avg(c.income)", "sum(CASE WHEN c.id = 1 THEN c.income END)"), asserted()
    ),
    "a statistic over some of them": (
        SMALL_TOWNS_LEFT_OUT.replace("avg(c.income)", "sum(c.income) FILTER (WHERE c.id = 1)"), asserted()
    ),
    "another column": (
        SMALL_TOWNS_LEFT_OUT.replace("AS mean", "AS mean, sum(c.income) AS total"), asserted()
    ),
    "a check that only bears the name": (
        PER_TOWN, TableCheck("at_least_3_people_mean", "trust me", "SELECT 1 WHERE false", blocking=True)
    ),
    "an alias that stands for somebody else": (
        "SELECT c.town, sum(income) AS mean FROM (SELECT town, income, income AS id FROM customers) AS c GROUP BY ALL",
        asserted(k=2),
    ),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("text", "check"), LIES.values(), ids=LIES)
def test_a_check_that_lies_stops_no_tag(lake: Lake, text: str, check: TableCheck) -> None:
    with pytest.raises(BlockingCheckFailed, match="tagged pii"):
        made(lake, text, check)
    assert not lake.has("made")


def test_what_does_not_hold_is_told_with_how_many_groups(lake: Lake) -> None:
    with pytest.raises(BlockingCheckFailed, match=r"1 groups have fewer than 3 different c\.id"):
        materialize(
            sql_code(SqlText(PER_TOWN, "made.sql"), name="made", checks=[asserted()], cleared=CLEARED), lake
        )


def test_what_counting_reads_is_on_record_as_read_for_a_check(lake: Lake) -> None:
    record = made(lake, SMALL_TOWNS_LEFT_OUT, asserted())
    read = {each.purpose: each.columns for each in record.reads}
    assert read == {"input": ("town", "income"), "check": ("id", "town")}


def test_what_cannot_be_counted_is_refused(lake: Lake) -> None:
    with pytest.raises(LineageError, match="protects nobody"):
        at_least_k_people(["mean"], "c.id", 1)
    for person in ("1", "count(*)", "c.id, 1", "random()", "c.id) >= 0 OR (1"):
        with pytest.raises(LineageError, match="not a column that identifies people"):
            at_least_k_people(["mean"], person, 3)
    with pytest.raises(LineageError, match="cannot be counted"):
        made(lake, f"{PER_TOWN} UNION ALL {PER_TOWN}", asserted())

    def towns(customers: pl.DataFrame) -> pl.DataFrame:
        return customers.group_by("town").agg(pl.col("income").mean().alias("mean"))

    with pytest.raises(LineageError, match="cannot be counted"):
        frame_code(towns, checks=[asserted()])


def test_a_condition_is_put_behind_the_groups() -> None:
    assert with_having("SELECT a FROM t GROUP BY a HAVING x OR y ORDER BY a;", "n > 1", "t.sql").split() == (
        [
            "SELECT",
            "a",
            "FROM",
            "t",
            "GROUP",
            "BY",
            "a",
            "HAVING",
            "(",
            "x",
            "OR",
            "y",
            ")",
            "AND",
            "(n",
            ">",
            "1)",
            "ORDER",
            "BY",
            "a",
        ]
    )
    assert with_having("SELECT a FROM t GROUP BY a LIMIT 3", "n > 1", "t.sql", whole=False).split() == (
        ["SELECT", "a", "FROM", "t", "GROUP", "BY", "a", "HAVING", "n", ">", "1"]
    )
