"""The SQL files: each one SELECT, described column by column, its named queries in place."""

from __future__ import annotations

import re

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from recsys_assets.sql import load_sql, parameters_of, table_names
from tests.sql.shop import EVENT, PARAMETERS, make_shop

TABLES = [(group, name) for group in ("clean", "features", "model") for name in table_names(group)]


def test_the_groups_hold_the_tables_of_the_design() -> None:
    assert table_names("clean") == ("events", "items", "promotions", "rejected_rows", "users")
    assert table_names("features") == (
        "interactions",
        "item_profiles",
        "item_relations",
        "user_profiles",
        "user_sequences",
    )


@pytest.mark.parametrize(("group", "name"), TABLES)
def test_each_is_one_select_over_other_tables(group: str, name: str) -> None:
    statements = sqlglot.parse(load_sql(group, name), dialect="duckdb")
    assert len(statements) == 1
    assert isinstance(statements[0], exp.Query)
    own = {cte.alias for cte in statements[0].find_all(exp.CTE)}
    read = {table.name for table in statements[0].find_all(exp.Table)} - own
    assert read <= {"raw_events", "raw_users", "raw_items", "raw_promotions", *table_names("clean")} - {name}


def test_every_column_is_described_once_and_in_order(con: duckdb.DuckDBPyConnection) -> None:
    make_shop(con, events=[EVENT])
    for group, name in TABLES:
        described = re.findall(r"^-- column: (\w+): \S", load_sql(group, name), flags=re.MULTILINE)
        columns = [row[0] for row in con.execute(f"DESCRIBE {name}").fetchall()]
        assert sorted(described) == sorted(columns), name
        assert load_sql(group, name).startswith("-- "), name


def test_a_named_query_is_put_in_front_once() -> None:
    sql = load_sql("clean", "promotions")
    assert sql.count("checked_promotions AS NOT MATERIALIZED (") == 1
    assert sql.startswith("-- When and where")


def test_an_unknown_table_or_group_names_those_there_are() -> None:
    with pytest.raises(FileNotFoundError, match=r"'events'.*found 'event'"):
        load_sql("clean", "event")
    with pytest.raises(FileNotFoundError, match=r"'clean'.*found 'cleaned'"):
        load_sql("cleaned", "events")


def test_a_statement_takes_the_parameters_that_it_names() -> None:
    assert set(parameters_of(load_sql("features", "interactions"), PARAMETERS)) == {"as_of", "half_life_days"}
    with pytest.raises(KeyError, match="half_life_days"):
        parameters_of("SELECT $half_life_days", {})
