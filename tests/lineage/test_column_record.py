"""What a materialization records of where its columns come from."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from recsys_lineage import (
    Inputs,
    Lake,
    LakeResource,
    Output,
    Query,
    Records,
    frame_code,
    materialize,
    sql_code,
    with_column_lineage,
)
from recsys_lineage.assets.columns import column_origins
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.orchestration.metadata.column_metadata import COLUMN_LINEAGE, COLUMN_SCHEMA
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.progress import listening
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.project import Project, table


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def orders() -> pl.DataFrame:
    return pl.DataFrame({"customer": ["ann", "ben", "ann"], "paid": [1.0, 2.0, 3.0]})


SPEND = "SELECT customer, sum(paid) AS total FROM orders WHERE paid > 0 GROUP BY customer"


def direct(table: str, column: str, subtype: str) -> ColumnEdge:
    return ColumnEdge(table, column, "DIRECT", subtype)  # type: ignore[arg-type]


def indirect(table: str, column: str, subtype: str) -> ColumnEdge:
    return ColumnEdge(table, column, "INDIRECT", subtype)  # type: ignore[arg-type]


def test_a_sql_asset_records_its_columns_and_the_record_keeps_them(lake: Lake) -> None:
    materialize(frame_code(orders), lake)
    made = materialize(sql_code(SqlText(SPEND, "spend.sql")), lake).record
    rows = {indirect("orders", "customer", "GROUP_BY"), indirect("orders", "paid", "FILTER")}
    assert {column: set(edges) for column, edges in made.column_lineage.items()} == {
        "customer": {direct("orders", "customer", "IDENTITY"), *rows},
        "total": {direct("orders", "paid", "AGGREGATION"), *rows},
    }
    kept = Records(lake).latest("spend")
    assert kept is not None and kept.column_lineage == made.column_lineage
    assert list(Records(lake).runs("spend")) == [kept]


def test_the_files_of_a_statement_are_sources_of_columns(lake: Lake, tmp_path: Path) -> None:
    pl.DataFrame({"sku": ["a"], "price": [2.5]}).write_parquet(tmp_path / "prices-1.parquet")
    text = SqlText("SELECT sku, price * 2 AS twice FROM read_parquet('prices-*.parquet')", "prices.sql")
    made = materialize(sql_code(text, files=tmp_path), lake).record
    assert made.column_lineage == {
        "sku": (direct("prices-*.parquet", "sku", "IDENTITY"),),
        "twice": (direct("prices-*.parquet", "price", "TRANSFORMATION"),),
    }


def test_a_frame_that_python_made_passes_on_the_columns_it_was_made_of(lake: Lake) -> None:
    def ranked(inputs: Inputs) -> Output:
        frame = inputs.frame("orders").with_row_index("place")
        inputs.register(
            "places", frame, {"place": {"orders": ["paid"]}, "customer": {"orders": ["customer"]}}
        )
        return Output(Query("SELECT customer, place + 1 AS place FROM places"))

    materialize(frame_code(orders), lake)
    made = materialize(frame_code(ranked, reads=["orders"]), lake).record
    assert made.column_lineage == {
        "customer": (direct("orders", "customer", "TRANSFORMATION"),),
        "place": (direct("orders", "paid", "TRANSFORMATION"),),
    }


def test_where_it_cannot_be_derived_the_table_is_made_and_a_warning_says_why(lake: Lake) -> None:
    materialize(frame_code(orders), lake)
    first, second = (f"(PIVOT orders ON customer USING {each})" for each in ("sum(paid)", "max(paid)"))
    text = f"SELECT one.ann AS a, other.ben AS b FROM {first} AS one, {second} AS other"
    outcome = materialize(sql_code(SqlText(text, "wide.sql")), lake)
    assert outcome.record.column_lineage == {} and outcome.record.rows
    (warning,) = outcome.warnings
    assert "column lineage of wide" in warning and "wide.sql:1:" in warning


@pytest.mark.parametrize("fault", ["other columns", "a fault of the analysis"])
def test_a_faulty_analysis_is_a_warning_and_no_failed_run(
    lake: Lake, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> dict[str, tuple[ColumnEdge, ...]]:
        if fault == "other columns":
            return {"someone": ()}
        raise KeyError(fault)

    materialize(frame_code(orders), lake)
    for name in ("query_columns", "columns_of_frame"):
        monkeypatch.setattr(column_origins, name, wrong)

    def lazily(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    for asset in (sql_code(SqlText(SPEND, "spend.sql")), frame_code(lazily)):
        outcome = materialize(asset, lake)
        assert outcome.record.column_lineage == {} and outcome.record.rows
        assert f"column lineage of {asset.name} is not known" in outcome.warnings[0]


def test_why_it_is_not_known_keeps_no_literal_that_python_put_into_a_statement(lake: Lake) -> None:
    def people() -> pl.DataFrame:
        return pl.DataFrame({"name": ["Zq" + "brien", "Qx" + "joe"], "paid": [1.0, 2.0]})

    def wide(inputs: Inputs) -> Output:
        inputs.view("people")
        first, second = (
            f"(PIVOT people ON (name = '{inputs.frame('people')['name'][0]}') USING {each})"
            for each in ("sum(paid)", "max(paid)")
        )
        return Output(Query(f"SELECT one.* FROM {first} AS one, {second} AS other"))

    materialize(frame_code(people), lake)
    notes: list[str] = []
    with listening(lambda moment: notes.append(moment.text)):
        (warning,) = materialize(frame_code(wide, reads=["people"]), lake).warnings
    assert "column lineage of wide" in warning and "What to do" in warning
    assert "Zqbrien" not in warning and "Zqbrien" in "".join(notes), "only the terminal shows it"


def test_dagster_shows_the_columns_that_values_are_made_of(project: Project) -> None:
    spend = "SELECT customer, sum(amount) AS total FROM orders WHERE id > 0 GROUP BY customer"
    project.run(table("orders"), table("spend", spend))
    shown = project.event("spend").metadata["dagster/column_lineage"].value
    assert isinstance(shown, dg.TableColumnLineage)
    assert shown.deps_by_column == {
        "customer": [dg.TableColumnDep(dg.AssetKey("orders"), "customer")],
        "total": [dg.TableColumnDep(dg.AssetKey("orders"), "amount")],
    }


def test_definitions_show_what_the_latest_version_was_made_of(project: Project) -> None:
    spend = table("spend", "SELECT customer, sum(amount) AS total FROM orders GROUP BY customer")
    definitions = dg.Definitions([table("orders"), spend], resources={"lake": project.resource})
    before = {spec.key.path[0]: spec.metadata.get(COLUMN_LINEAGE) for spec in shown(definitions, project)}
    project.run(table("orders"), spend)
    found = {spec.key.path[0]: spec.metadata.get(COLUMN_LINEAGE) for spec in shown(definitions, project)}
    assert found["spend"] == project.event("spend").metadata[COLUMN_LINEAGE].value
    assert before == found, "the code told it before the first run"


def test_definitions_show_the_tags_that_columns_inherited(project: Project) -> None:
    def people() -> pl.DataFrame:
        return pl.DataFrame({"id": [1, 2], "town": ["P", "Q"]})

    cleared = AssetLook(cleared={"pii": "the customers' own table"})
    source = frame_asset(
        people, name="people", columns_from={"id": {}, "town": {}}, columns={"id": "who [pii]"}, look=cleared
    )
    made = sql_asset(SqlText("SELECT id AS who, town FROM people", "made.sql"), name="made", look=cleared)
    definitions = dg.Definitions([source, made], resources={"lake": project.resource})

    def tags() -> dict[str, dict[str, dict[str, str]]]:
        return {
            spec.key.path[0]: {
                column.name: dict(column.tags) for column in spec.metadata[COLUMN_SCHEMA].columns
            }
            for spec in shown(definitions, project)
        }

    told = {"people": {"id": {"pii": ""}, "town": {}}, "made": {"who": {"pii": ""}, "town": {}}}
    assert tags() == told, "the code tells it before the first run"
    project.run(source, made)
    assert tags() == told


def test_before_the_first_run_no_file_is_opened_and_no_function_called(
    project: Project, tmp_path: Path
) -> None:
    def made(orders: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError

    files = sql_asset(SqlText(f"SELECT * FROM read_csv('{tmp_path}/none.csv')", "files.sql"), name="files")
    behind = sql_asset(SqlText("SELECT * FROM files", "behind.sql"), name="behind")
    told = frame_asset(made, name="told", columns_from={"n": {"orders": ["id"]}}, rows_from={"orders": "*"})
    over = sql_asset(SqlText("SELECT n + 1 AS m FROM told", "over.sql"), name="over")
    definitions = dg.Definitions(
        [table("orders"), files, behind, frame_asset(made), told, over], resources={"lake": project.resource}
    )
    found = {spec.key.path[0]: spec.metadata.get(COLUMN_LINEAGE) for spec in shown(definitions, project)}
    assert {name for name, lineage in found.items() if lineage is not None} == {"orders", "told", "over"}
    for name, column, made_of in (("told", "n", ("orders", "id")), ("over", "m", ("told", "n"))):
        lineage = found[name]
        assert isinstance(lineage, dg.TableColumnLineage)
        assert lineage.deps_by_column == {column: [dg.TableColumnDep(dg.AssetKey(made_of[0]), made_of[1])]}


def daily() -> Output:
    """No day yet."""
    frame = pl.DataFrame(schema={"day": pl.Date, "n": pl.Int64})
    return Output(frame, partition_by="day", partitions=[])


def test_before_its_first_partition_an_asset_shows_its_columns(project: Project) -> None:
    days = dg.DynamicPartitionsDefinition(name="days")
    look = AssetLook(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    asset = frame_asset(daily, columns_from={"day": {}, "n": {}}, columns={"n": "how many"}, look=look)
    definitions = dg.Definitions([asset], resources={"lake": project.resource})

    def columns(value: object) -> list[tuple[str, str, str | None]]:
        assert isinstance(value, dg.TableSchema)
        return [(column.name, column.type, column.description) for column in value.columns]

    (before,) = shown(definitions, project)
    assert columns(before.metadata[COLUMN_SCHEMA]) == [("day", "", None), ("n", "", "how many")]
    project.run(asset)
    wanted = [("day", "DATE", None), ("n", "BIGINT", "how many")]
    (after,) = shown(definitions, project)
    assert columns(after.metadata[COLUMN_SCHEMA]) == wanted
    assert project.instance.get_latest_materialization_event(asset.key) is None, "there is no partition"
    (record,) = project.instance.fetch_observations(asset.key, limit=2).records
    observed = record.asset_observation
    assert observed is not None and "No day yet" in str(observed.metadata["partitions"].value)
    assert columns(observed.metadata[COLUMN_SCHEMA].value) == wanted


def _is_bare(uri: str) -> bool:
    definitions = dg.Definitions([table("orders")], resources={"lake": LakeResource(uri=uri)})
    return with_column_lineage(definitions, Lake(uri)) is definitions


def test_an_executor_s_worker_reads_no_records_for_what_only_pages_show(lake: Lake) -> None:
    workers = multiprocessing.get_context("spawn").Pool(1)
    assert workers.apply(_is_bare, (lake.uri,))
    workers.close()  # not terminated: below pytest-xdist SIGTERM is ignored, and would be waited for
    workers.join()
    assert not _is_bare(lake.uri)


def shown(definitions: dg.Definitions, project: Project) -> Sequence[dg.AssetSpec]:
    return with_column_lineage(definitions, project.lake).resolve_all_asset_specs()
