"""A `.sql` file is an asset: nothing about it is declared twice, and what it read and wrote is on record."""

from __future__ import annotations

import importlib
import re
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError, SqlAssetError
from recsys_lineage.lake.lake_tables import is_table_name
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.project import Project, table

SPEND = """-- What each customer paid.
-- column: customer: who paid
SELECT customer, sum(amount) AS paid FROM orders GROUP BY customer
"""


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name)


def test_a_strangers_project_needs_ten_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spend.sql").write_text(SPEND)
    script = f'''
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.sql_asset import sql_asset
import dagster as dg, polars as pl

def orders() -> pl.DataFrame:
    """What was ordered."""
    return pl.DataFrame({{"customer": ["ann", "bob", "ann"], "amount": [1.0, 2.0, 3.0]}})

defs = dg.Definitions(
    assets=[frame_asset(orders), sql_asset({str(tmp_path / "spend.sql")!r})],
    resources={{"lake": LakeResource(uri={str(tmp_path / "lake")!r})}},
)
'''
    (tmp_path / "stranger.py").write_text(script)
    monkeypatch.syspath_prepend(tmp_path)
    stranger = importlib.import_module("stranger")
    dg.Definitions.validate_loadable(stranger.defs)

    assert stranger.defs.resolve_implicit_global_asset_job_def().execute_in_process().success

    lake = LakeResource(uri=str(tmp_path / "lake")).lake()
    assert sorted(lake.arrow(lake.version("spend")).to_pylist(), key=str) == [
        {"customer": "ann", "paid": 4.0},
        {"customer": "bob", "paid": 2.0},
    ]


def test_name_upstream_description_and_code_reference_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spend.sql"
    path.write_text(SPEND)

    asset = sql_asset(path, look=AssetLook(group="sales", owners=["team:data"], tags={"layer": "clean"}))

    spec = asset.get_asset_spec()
    assert spec.key == key("spend")
    assert [dep.asset_key for dep in spec.deps] == [key("orders")]
    assert spec.description == "What each customer paid."
    assert spec.group_name == "sales"
    assert list(spec.owners) == ["team:data"]
    assert spec.kinds == {"sql", "duckdb", "deltalake"}
    references = spec.metadata["dagster/code_references"].code_references
    assert [reference.file_path for reference in references] == [str(path)]
    code = code_of(asset)
    assert code is not None and spec.code_version == code.code_version


def test_the_event_tells_rows_columns_place_and_reads_under_dagsters_own_keys(project: Project) -> None:
    project.run(table("orders"), table("spend", SPEND))

    event = project.event("spend")

    metadata: dict[str, Any] = {name: value.value for name, value in event.metadata.items()}
    reads: Any = event.metadata["reads"]
    version = project.lake.version("spend")
    assert metadata["dagster/row_count"] == 2
    assert metadata["dagster/uri"] == project.lake.table_uri("spend")
    assert metadata["dagster/table_name"] == "spend"
    assert metadata["fingerprint"] == version.fingerprint
    assert metadata["bytes"] == version.bytes > 0
    assert metadata["seconds"] >= 0
    columns = metadata["dagster/column_schema"].columns
    assert [(column.name, column.type, column.description) for column in columns] == [
        ("customer", "VARCHAR", "who paid"),
        ("paid", "DECIMAL(38,1)", None),
    ]
    (read,) = [row.data for row in reads.records]
    orders = project.lake.version("orders")
    assert (read["kind"], read["name"], read["version"]) == ("table", "orders", 0)
    assert read["fingerprint"] == orders.fingerprint
    assert metadata["lineage/record"]["asset"] == "spend"
    assert event.tags is not None and event.tags["dagster/data_version"] == version.fingerprint


def test_the_version_dagster_shows_is_the_one_that_the_asset_has(project: Project) -> None:
    asset = table("orders")
    project.run(asset)
    tags = project.event("orders").tags
    assert tags is not None
    assert tags["dagster/code_version"] == asset.get_asset_spec().code_version


def test_parameters_are_bound_and_never_pasted(project: Project) -> None:
    injection = "ann' OR '1'='1"
    project.run(
        table("orders"),
        table("hers", "SELECT id FROM orders WHERE customer = $who", parameters={"who": injection}),
    )
    assert project.frame("hers").is_empty()
    record = project.records.get("hers")
    assert record.parameters == {"who": injection}
    assert injection not in record.code.text


def test_parameters_of_other_types_keep_their_type_on_record(project: Project) -> None:
    day = date(2024, 2, 29)
    project.run(
        table("days", "SELECT $day + 1 AS next, $names AS names", parameters={"day": day, "names": ["a"]})
    )
    assert str(project.frame("days")["next"][0])[:10] == "2024-03-01"
    assert project.records.get("days").parameters == {"day": day, "names": ["a"]}


def test_a_parameters_value_is_part_of_the_code_version() -> None:
    one, same, other = (
        table("hers", "SELECT $who AS who", parameters={"who": who}).get_asset_spec().code_version
        for who in ("ann", "ann", "bob")
    )
    assert one == same != other


@pytest.mark.parametrize("given", [{}, {"who": "ann", "how": 1}])
def test_missing_and_superfluous_parameters_are_named(given: dict[str, object]) -> None:
    with pytest.raises(SqlAssetError, match=r"parameters of hers do not fit[\s\S]*Expected: \$who"):
        table("hers", "SELECT $who AS who", parameters=given)


def test_a_table_cannot_be_made_of_itself() -> None:
    with pytest.raises(SqlAssetError, match="orders reads itself"):
        table("orders", "SELECT * FROM orders")


@pytest.mark.parametrize(
    "name", ["orders-2024", "orders.v2", "Orders", "my orders", "2024_orders", "größe", "", "a" * 200]
)
def test_a_name_that_no_table_can_have_is_refused_at_once_with_one_that_it_can_have(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(LineageError, match="cannot be the name of an asset") as caught:
        sql_asset(SqlText("SELECT 1 AS a", f"{tmp_path}/odd.sql"), name=name or " ")
    advised = re.search(r"name='(\w+)'", str(caught.value))
    assert advised is not None and is_table_name(advised[1])
    assert caught.value.where == f"{tmp_path}/odd.sql"


@pytest.mark.parametrize("written", ["Orders", "ORDERS", '"Orders"', "orders"])
def test_a_table_is_the_same_in_any_case(written: str, project: Project) -> None:
    pairs = table("pairs", f"SELECT a.id, b.customer FROM orders a JOIN {written} b USING (id)")
    project.run(table("orders"), pairs)
    record = project.records.latest("pairs")
    assert record is not None and record.rows == 3
    assert {read.name: read.columns for read in record.reads} == {"orders": ("id", "customer")}
    assert {edge.table for edges in record.column_lineage.values() for edge in edges} == {"orders"}


@pytest.mark.parametrize("written", ["Orders", "ORDERS", "orders"])
def test_a_table_cannot_be_made_of_itself_in_any_case(written: str) -> None:
    with pytest.raises(SqlAssetError, match="reads itself"):
        sql_asset(SqlText(f"SELECT * FROM {written}", "orders.sql"))


def test_a_parameter_without_a_name_is_refused_with_what_to_write() -> None:
    with pytest.raises(SqlAssetError, match="has no name") as caught:
        sql_asset(SqlText("SELECT 1 AS a WHERE 1 > ?", "one.sql"))
    assert caught.value.advice is not None and "$name" in caught.value.advice


def test_an_asset_warns_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text("SELECT 1 AS a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sql_asset(tmp_path / "one.sql")


def test_an_input_that_was_never_made_is_named_with_what_to_do(project: Project) -> None:
    result = project.run(table("orders"), table("spend", SPEND), only=["spend"], raises=False)
    failure = result.failure_data_for_node("spend")
    assert failure is not None and failure.user_failure_data is not None
    assert "Table 'orders' does not exist" in str(failure.user_failure_data.description)
    assert "materialize orders first" in str(failure.user_failure_data.metadata["what to do"].value)


def test_an_error_in_the_sql_names_the_asset_and_leaves_no_table(project: Project) -> None:
    result = project.run(table("broken", "SELECT 1 / 'x'::INTEGER AS y"), raises=False)
    assert not result.success
    failure = result.failure_data_for_node("broken")
    assert failure is not None and failure.user_failure_data is not None
    description = str(failure.user_failure_data.description)
    assert "broken: The SQL cannot be computed for a value." in description
    assert "broken.sql:1:15" in description
    assert not project.lake.has("broken")


def test_a_misspelt_column_is_answered_with_the_column_that_was_meant(project: Project) -> None:
    project.run(table("orders"))
    asset = sql_code(SqlText("SELECT id,\n  amuont FROM orders", "paid.sql"), name="paid")
    with pytest.raises(LineageError, match="Did you mean 'amount'") as raised:
        _ = materialize(asset, project.lake)
    assert raised.value.where == "paid.sql:2:3"


def test_a_pivot_a_lambda_and_an_asof_join_run_as_assets(project: Project) -> None:
    project.run(
        table("orders"),
        table("pivoted", "SELECT * FROM (PIVOT orders ON customer USING sum(amount) GROUP BY id)"),
        table("mapped", "SELECT list_transform(list(amount), lambda x: x * 2) AS doubled FROM orders"),
        table(
            "joined", "SELECT a.id, b.id AS before FROM orders a ASOF JOIN orders b ON a.amount > b.amount"
        ),
        table("last", "SELECT * FROM orders QUALIFY row_number() OVER (ORDER BY id DESC) = 1"),
    )
    assert set(project.frame("pivoted").columns) == {"id", "ann", "bob"}
    assert sorted(project.frame("mapped")["doubled"][0]) == [20, 40, 60]
    assert sorted(project.frame("joined").rows()) == [(2, 1), (3, 2)]
    assert project.frame("last")["id"].to_list() == [3]
