"""Tags follow the values of columns from asset to asset, and stop where an asset is not cleared for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from recsys_lineage import (
    AssetCode,
    AssetLook,
    Lake,
    LineageError,
    Records,
    frame_code,
    materialize,
    sql_code,
)
from recsys_lineage.assets.materialize import BlockingCheckFailed
from recsys_lineage.columns.tags import Tag, split_description
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.project import Project

REASON = {"pii": "the customers' own table", "health": "asked for by the doctors"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """With customers, whose columns are tagged, and orders, of which the customer is."""
    lake = Lake(str(tmp_path / "lake"))
    customers = pl.DataFrame(
        {"id": [1, 2, 3], "email": ["a@x", "b@x", "c@x"], "ill": [True, False, True], "town": ["P", "P", "Q"]}
    )
    orders = pl.DataFrame({"order_id": [7, 8, 9], "customer": [1, 1, 2], "paid": [1.0, 2.0, 3.0]})
    columns = {"id": "who [pii, person]", "email": "where to [pii]", "ill": "whether [health+indirect]"}
    bought = {"customer": "who bought [pii, person]"}
    materialize(_given("customers", customers, columns), lake)
    materialize(_given("orders", orders, bought), lake)
    return lake


def _given(name: str, frame: pl.DataFrame, columns: dict[str, str]) -> AssetCode:
    def table() -> pl.DataFrame:
        return frame

    return frame_code(table, name=name, columns=columns, cleared=REASON)


def sql(
    text: str, name: str = "made", parameters: dict[str, object] | None = None, **options: object
) -> AssetCode:
    return sql_code(SqlText(text, f"{name}.sql"), name=name, parameters=parameters, **options)  # pyright: ignore[reportArgumentType]


GIVEN: dict[str, object] = {"key": "secret", "empty": "", "nothing": None, "one": 1, "two": 2, "less": 1.5}
LEAKS = {
    "as it is": "SELECT email FROM customers",
    "renamed": "SELECT email AS note FROM customers",
    "everything": "SELECT * FROM customers",
    "through a CTE": "WITH c AS (SELECT id, email AS e FROM customers) SELECT upper(e) AS x FROM c",
    "an expression": "SELECT town || ' ' || email AS label FROM customers",
    "part of it": "SELECT substr(email, 1, 1) AS initial FROM customers",
    "a join": "SELECT o.paid, c.email AS buyer FROM orders AS o JOIN customers AS c ON c.id = o.customer",
    "USING": "SELECT customer FROM orders SEMI JOIN (SELECT id AS customer FROM customers) USING (customer)",
    "an aggregate of single values": "SELECT max(email) AS x FROM customers",
    "a list": "SELECT town, list(email) AS x FROM customers GROUP BY town",
    "a struct": "SELECT {'who': email, 'town': town} AS x FROM customers",
    "a window": "SELECT lag(email) OVER (ORDER BY town) AS x FROM customers",
    "a scalar subquery": "SELECT town, (SELECT email FROM customers LIMIT 1) AS x FROM customers",
    "a set operation": "SELECT town AS x FROM customers UNION ALL SELECT email FROM customers",
    "a hash without a key": "SELECT md5(email) AS x FROM customers",
    "a statistic over few": "SELECT town, sum(id) AS x FROM customers GROUP BY town",
    "a count of other things": "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(*) >= 2",
    "a choice, where the tag says so": "SELECT CASE WHEN ill THEN 'yes' ELSE 'no' END AS x FROM customers",
    "names of columns": "PIVOT customers ON email USING count(*) GROUP BY town",
    "rows chosen, where the tag says so": "SELECT town FROM customers WHERE ill",
    "a field of a struct of a list": "SELECT town, list({'e': email})[1].e AS x FROM customers GROUP BY town",
    "the whole row": "SELECT c AS x FROM customers AS c",
    "a JSON text": "SELECT to_json({'e': email}) AS x FROM customers",
    "a text of a group of few": "SELECT town, string_agg(email, ',') AS x FROM customers GROUP BY town",
    "a text of a group of many":
        "SELECT town, string_agg(email, ',') AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= 2",
    "the greatest of a group of many": "SELECT max(id) AS x FROM customers HAVING count(DISTINCT id) >= 2",
    "the greatest of a window": "SELECT max(email) OVER (PARTITION BY town) AS x FROM customers",
    "a choice of values": "SELECT CASE WHEN town = 'P' THEN email ELSE '' END AS x FROM customers",
    "a hash whose key is beside it": "SELECT md5(email) || $key AS x FROM customers",
    "a hash with a key, and the value too": "SELECT md5(email || $key) || email AS x FROM customers",
    "the length of a value": "SELECT len(email) AS x FROM customers",
    "a key that is joined by": "SELECT o.customer AS x FROM orders AS o JOIN customers AS c ON c.id = o.customer",
    "values of a sample": "SELECT approx_top_k(email, 2) AS x FROM customers",
    "a summary": "SUMMARIZE SELECT email FROM customers",
    "a histogram": "SELECT histogram(email) AS x FROM customers HAVING count(DISTINCT id) >= 2",
    "groups of at least one": "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= 1",
    "groups of at least one, by a parameter":
        "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= $one",
    "groups of more than nobody knows how many":
        "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= $less",
    "a hash whose key is empty": "SELECT md5(email || $empty) AS x FROM customers",
    "a hash whose key is unknown": "SELECT md5(concat(email, $nothing)) AS x FROM customers",
    "groups of no people": "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT email) >= 2",
    "groups of many or not":
        "SELECT town, sum(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= 2 OR town = 'Q'",
    "groups of other people":
        "SELECT c.town, sum(c.id) AS x FROM customers AS c CROSS JOIN orders AS o GROUP BY c.town "
        "HAVING count(DISTINCT o.customer) >= 2",
    "groups of other people, in a subquery":
        "WITH q AS (SELECT c.town, c.id, o.customer FROM customers AS c CROSS JOIN orders AS o) "
        "SELECT town, sum(id) AS x FROM q GROUP BY town HAVING count(DISTINCT customer) >= 2",
    "one of a group of many":
        "WITH q AS (SELECT id, town, CASE WHEN email = 'a@x' THEN id END AS v FROM customers) "
        "SELECT sum(v) AS x FROM q HAVING count(DISTINCT id) >= 2",
    "one of a group of many, by a join":
        "SELECT sum(o.customer) AS x FROM customers AS c LEFT JOIN (SELECT max(order_id) AS oid, customer FROM orders "
        "WHERE paid > 2 GROUP BY customer) AS o ON o.customer = c.id HAVING count(DISTINCT c.id) >= 2",
    "people and things counted as one":
        "WITH q AS (SELECT id, id AS who FROM customers UNION ALL SELECT 1, order_id FROM orders) "
        "SELECT sum(id) AS x FROM q HAVING count(DISTINCT who) >= 2",
    "part of a group of many":
        "SELECT sum(id) FILTER (email = 'a@x') AS x FROM customers HAVING count(DISTINCT id) >= 2",
}  # fmt: skip
HARMLESS = {
    "another column": "SELECT town FROM customers",
    "a count": "SELECT town, count(*) AS n FROM customers GROUP BY town",
    "a choice by what is no such tag": "SELECT paid FROM orders WHERE customer > 1",
    "a choice of named values": "PIVOT customers ON email IN ('a@x') USING count(*) GROUP BY town",
    "a hash with a key": "SELECT md5(email || $key) AS x FROM customers",
    "a statistic over many":
        "SELECT town, avg(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= 2",
    "a statistic over many, by a parameter":
        "SELECT town, avg(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= $two",
    "a statistic over more than one, by a parameter":
        "SELECT town, avg(id) AS x FROM customers GROUP BY town HAVING $one < count(DISTINCT id)",
    "a statistic over many, joined by who they are":
        "SELECT c.town, sum(c.id) AS x, avg(o.customer) AS y FROM orders AS o JOIN customers AS c ON c.id = o.customer "
        "GROUP BY c.town HAVING count(DISTINCT o.customer) >= 2",
    "a statistic over many, through a subquery":
        "WITH q AS (SELECT town, id, len(email) AS n FROM customers WHERE town <> 'Q') "
        "SELECT town, avg(n) AS x FROM q GROUP BY town HAVING count(DISTINCT id) > 1",
    "unknown values as zero": "SELECT sum(coalesce(id, 0)) AS x FROM customers HAVING count(DISTINCT id) >= 2",
    "a field beside": "SELECT {'who': email, 'town': town}.town AS x FROM customers",
    "a field beside, through a list": "SELECT list({'who': email, 'town': town})[1].town AS x FROM customers",
    "a field that was put in": "SELECT struct_insert({'who': email}, town := town).town AS x FROM customers",
    "how many there are of a list": "SELECT town, len(list(email)) AS x FROM customers GROUP BY town",
    "rows by a tagged column": "SELECT town FROM customers WHERE email LIKE 'a%' ORDER BY id",
    "the town of somebody": "SELECT arg_max(town, id) AS x FROM customers",
    "a join by a tagged column": "SELECT o.paid FROM orders AS o JOIN customers AS c ON c.id = o.customer",
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_tagged_column_does_not_reach_an_asset_that_is_not_cleared(lake: Lake, text: str) -> None:
    parameters = {name: value for name, value in GIVEN.items() if f"${name}" in text}
    with pytest.raises(BlockingCheckFailed) as refused:
        materialize(sql(text, parameters=parameters), lake)
    assert "tagged" in str(refused.value) and "cleared=" in str(refused.value)
    assert not lake.has("made")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_there_is_no_false_alarm(lake: Lake, text: str) -> None:
    parameters = {name: value for name, value in GIVEN.items() if f"${name}" in text}
    assert materialize(sql(text, parameters=parameters), lake).record.checks[0].passed


def test_a_polars_asset_of_unknown_origin_has_every_tag_that_it_read(lake: Lake) -> None:
    def towns(customers: pl.DataFrame) -> pl.DataFrame:
        return customers.select("town")

    with pytest.raises(BlockingCheckFailed, match="origin of the columns is unknown"):
        materialize(frame_code(towns), lake)
    made = materialize(frame_code(towns, cleared=REASON), lake).record
    assert made.column_tags == {"town": ("health+indirect", "pii")}


POLARS_LEAKS = {
    "renamed": lambda customers: customers.select(pl.col("email").alias("note")),
    "in a text": lambda customers: customers.select((pl.col("town") + pl.col("email").str.to_uppercase()).alias("x")),
    "a list of a group": lambda customers: customers.group_by("town").agg(pl.col("email")),
    "the longest": lambda customers: customers.select(pl.col("email").sort_by(pl.col("town")).first().alias("x")),
    "unpivoted": lambda customers: customers.select("town", "email").unpivot(index="town"),
    "a field": lambda customers: customers.select(x=pl.struct("town", "email").struct.field("email")),
    "a struct of a group": lambda customers: customers.group_by("town").agg(s=pl.struct("town", "email")).select(
        x=pl.col("s").list.first().struct.field("email")
    ),
    "over": lambda customers: customers.select(x=pl.col("email").max().over("town", order_by=["id", "town"])),
    "pivoted": lambda customers: customers.pivot(
        on="town", on_columns=["P", "Q"], index="ill", values="email", aggregate_function="first"
    ).select("P"),
    "changed in a list": lambda customers: customers.group_by("town").agg("email").select(
        x=pl.col("email").list.eval(pl.element().str.to_uppercase()).list.first()
    ),
    "hashed": lambda customers: customers.select(x=pl.col("email").hash(7)),
    "beside": lambda customers: pl.concat(
        [customers.select("town"), customers.select(x="email")], how="horizontal_extend"
    ),
}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("plan", POLARS_LEAKS.values(), ids=POLARS_LEAKS)
def test_tags_follow_a_polars_plan(lake: Lake, plan: Callable[[pl.LazyFrame], pl.LazyFrame]) -> None:
    def made(customers: pl.LazyFrame) -> pl.LazyFrame:
        return plan(customers)

    with pytest.raises(BlockingCheckFailed, match=r"from customers\.email"):
        materialize(frame_code(made), lake)


def test_a_polars_plan_raises_no_false_alarm(lake: Lake) -> None:
    def made(customers: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
        customers = customers.select(s=pl.struct("town", "email", "ill"), email="email").select(
            pl.col("s").struct.field("town"), "email"
        )
        towns = customers.filter(pl.col("email").is_not_null()).group_by("town").agg(pl.len())
        return towns.with_columns(pl.lit(1).alias("one")).join(orders.select("paid"), how="cross")

    assert materialize(frame_code(made), lake).record.column_tags == {}


def test_tags_go_on_through_cleared_assets_and_the_message_says_from_where(lake: Lake) -> None:
    materialize(sql("SELECT id, email AS mail FROM customers", "mails", cleared=REASON), lake)
    assert Records(lake).column_tags("mails") == {
        "id": (Tag("person"), Tag("pii")),
        "mail": (Tag("pii"),),
    }
    with pytest.raises(BlockingCheckFailed, match=r"words is tagged pii \(from mails\.mail\)"):
        materialize(sql("SELECT lower(mail) AS words FROM mails"), lake)
    own = sql("-- column: town: where [place]\nSELECT town FROM customers")
    with pytest.raises(BlockingCheckFailed, match="town is tagged place"):
        materialize(own, lake)


def test_being_cleared_takes_a_reason() -> None:
    with pytest.raises(LineageError, match="without a reason"):
        sql("SELECT 1 AS x", cleared={"pii": " "})


def test_a_tag_is_what_stands_in_brackets_at_the_end() -> None:
    assert split_description("who [pii, person]") == ("who", (Tag("pii"), Tag("person")))
    assert split_description("ill [health+indirect]") == ("ill", (Tag("health", indirect=True),))
    for text in ("in euro", "between [0, 1]", "a list such as [a] of things", "[A]"):
        assert split_description(text) == (text, ())
    assert [str(tag) for tag in split_description("x [a, b+indirect]")[1]] == ["a", "b+indirect"]


def test_dagster_shows_the_check_and_the_tags(project: Project) -> None:
    text = "-- column: who: the customer [pii]\nSELECT 'ann' AS who"
    cleared = sql_asset(SqlText(text, "people.sql"), look=AssetLook(cleared=REASON))
    leaking = sql_asset(SqlText("SELECT who FROM people", "report.sql"))
    result = project.run(cleared, leaking, raises=False)
    assert not result.success
    found = {each.asset_key.path[-1]: each.passed for each in result.get_asset_check_evaluations()}
    assert found == {"people": True, "report": False}
    schema = project.event("people").metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert (schema.columns[0].description, schema.columns[0].tags) == ("the customer", {"pii": ""})
