"""What Dagster's page of an asset shows of its latest materialization, without a click."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from recsys_assets.assets.raw.file_changes import WHAT_IS_NEW
from recsys_lineage.columns.tags import Tag
from recsys_lineage.orchestration.defined_assets import asset_codes
from tests.platform.conftest import Shop, opened
from tests.platform.shop import day_file

PLOT = "NDCG@20 over the nights"


def latest_event(shop: Shop, asset: str) -> dg.AssetMaterialization:
    """The latest materialization of an asset of the shop, as Dagster keeps it."""
    with dg.DagsterInstance.from_config(str(shop.home / "dagster")) as instance:
        log = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert log is not None and log.asset_materialization is not None, asset
    return log.asset_materialization


def latest_events(shop: Shop) -> dict[str, dg.AssetMaterialization]:
    """The latest materialization of every asset of the shop, as Dagster keeps it."""
    events = {}
    with opened(shop) as platform:
        for name in platform.names():
            stored = platform.lake.latest(name)
            if stored is not None and stored.partition_column is not None and not stored.partitions:
                continue  # Dagster's events of such a table are its days, and it has none yet
            log = platform.instance.get_latest_materialization_event(dg.AssetKey(name))
            assert log is not None and log.asset_materialization is not None, name
            events[name] = log.asset_materialization
    return events


def reads_of(event: dg.AssetMaterialization, key: str = "reads") -> list[dict[str, object]]:
    """The rows of a table of reads."""
    table = event.metadata[key]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_every_asset_shows_its_columns_its_rows_and_what_it_read(original: Shop) -> None:
    for name, event in latest_events(original).items():
        schema = event.metadata["dagster/column_schema"].value
        assert isinstance(schema, dg.TableSchema) and schema.columns, name
        assert isinstance(event.metadata["dagster/row_count"].value, int), name
        assert reads_of(event) or name == "feedback_files", name  # there is no file before a service ran


def test_each_column_shows_the_tags_of_its_data_those_inherited_from_its_origins_too(original: Shop) -> None:
    inherited = 0
    with opened(original) as platform:
        codes = asset_codes(platform.definitions.assets or ())
        records = {name: platform.records.latest(name) for name in codes}
    for name, event in latest_events(original).items():
        record = records.get(name)
        schema = event.metadata["dagster/column_schema"].value
        if record is None or name not in codes:
            continue
        assert isinstance(schema, dg.TableSchema)
        shown = {column.name: set(column.tags) for column in schema.columns}
        wanted = {
            column.name: {Tag.of(tag).name for tag in record.column_tags.get(column.name, ())}
            for column in record.schema
        }
        assert shown == wanted, name
        declared = {column: {tag.name for tag in tags} for column, tags in codes[name].column_tags.items()}
        inherited += sum(len(tags - declared.get(column, set())) for column, tags in wanted.items())
    assert inherited > 10, "declared once, in the raw tables, and inherited by all that is made of them"


def test_a_day_of_events_shows_its_own_rows_and_files_and_the_last_one_those_of_the_run(
    original: Shop,
) -> None:
    with opened(original) as platform:
        logs = platform.instance.fetch_materializations(dg.AssetKey("raw_events"), limit=1000).records
        version = platform.lake.version("raw_events")
    events = [log.asset_materialization for log in logs if log.asset_materialization is not None]
    assert {event.partition for event in events} == set(version.partitions)
    for event in events:
        assert (
            event.metadata["dagster/partition_row_count"].value
            == version.partitions[event.partition or ""].rows
        )
        files = [row["name"] for row in reads_of(event) if row["kind"] == "file"]
        assert files == [f"sales-{event.partition}.csv"]
    latest, *before = events
    assert latest.metadata["dagster/row_count"].value == version.rows
    of_run = {row["name"] for row in reads_of(latest, "reads of the run")}
    assert {day_file(0), "source_files"} <= of_run
    assert not any("reads of the run" in event.metadata for event in before)


@pytest.mark.parametrize(
    ("asset", "shown"),
    [("evaluation", PLOT), ("gate", PLOT), ("candidate_lightgcn", PLOT), ("source_files", WHAT_IS_NEW)],
)
def test_what_one_looks_for_comes_first_and_is_seen_without_a_click(
    asset: str, shown: str, original: Shop
) -> None:
    metadata = latest_event(original, asset).metadata
    text = metadata[shown]
    assert isinstance(text, dg.MarkdownMetadataValue)
    assert len(text.md_str or "") < 1000
    assert shown in list(metadata)[:3]


def test_dagster_can_plot_each_familys_ndcg(original: Shop) -> None:
    families = json.loads((original.home.parent / "answer.json").read_text())["metrics"]
    for asset in ("evaluation", "gate"):
        shown = latest_event(original, asset).metadata
        for family in families:
            assert isinstance(shown[f"ndcg@20 {family}"], dg.FloatMetadataValue)
