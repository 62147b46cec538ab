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
}  # fmt: skip
HARMLESS = {
    "another column": "SELECT town FROM customers",
    "a count": "SELECT town, count(*) AS n FROM customers GROUP BY town",
    "a choice by what is no such tag": "SELECT paid FROM orders WHERE customer > 1",
    "a choice of named values": "PIVOT customers ON email IN ('a@x') USING count(*) GROUP BY town",
    "a hash with a key": "SELECT md5(email || $key) AS x FROM customers",
    "a statistic over many":
        "SELECT town, avg(id) AS x FROM customers GROUP BY town HAVING count(DISTINCT id) >= 2",
}  # fmt: skip


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_tagged_column_does_not_reach_an_asset_that_is_not_cleared(lake: Lake, text: str) -> None:
    with pytest.raises(BlockingCheckFailed) as refused:
        materialize(sql(text), lake)
    assert "tagged" in str(refused.value) and "cleared=" in str(refused.value)
    assert not lake.has("made")


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_there_is_no_false_alarm(lake: Lake, text: str) -> None:
    parameters: dict[str, object] = {"key": "secret"} if "$key" in text else {}
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
}  # fmt: skip


@pytest.mark.parametrize("plan", POLARS_LEAKS.values(), ids=POLARS_LEAKS)
def test_tags_follow_a_polars_plan(lake: Lake, plan: Callable[[pl.LazyFrame], pl.LazyFrame]) -> None:
    def made(customers: pl.LazyFrame) -> pl.LazyFrame:
        return plan(customers)

    with pytest.raises(BlockingCheckFailed, match=r"from customers\.email"):
        materialize(frame_code(made), lake)


def test_a_polars_plan_raises_no_false_alarm(lake: Lake) -> None:
    def made(customers: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
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
