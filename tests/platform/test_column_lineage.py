"""Every column of the shop's tables is known to come from columns of its files, models and lists included."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence

import pytest

from recsys_assets.assets import all_assets
from recsys_lineage import AssetCode, Records
from recsys_lineage.assets.columns.expected_columns import expected_columns
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.columns import columns
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.proof import verify_columns
from recsys_lineage.proof.rerun import rerun_sample
from recsys_lineage.records.records import RESERVED
from tests.platform.conftest import Shop, opened
from tests.platform.test_daemon import served

ROWS = {"gate": 5000, "evaluation": 400}
"""Of how many rows of each table an asset can be made at least: the gate compares models by the same customers."""
OPAQUE = [
    "interaction_graph", "candidate_popularity", "candidate_item_neighbours", "evaluation", "gate", "champion",
    "recommendations", "similar_items", "user_embeddings", "item_embeddings",
]  # fmt: skip


@pytest.fixture(scope="module")
def codes(original: Shop) -> Mapping[str, AssetCode]:
    with opened(original) as platform:
        return asset_codes(all_assets(platform.settings).assets)


@pytest.fixture(scope="module")
def graph(original: Shop) -> LineageGraph:
    return LineageGraph.of(Records(original.lake))


def test_every_table_has_the_lineage_of_all_its_columns(original: Shop) -> None:
    lake, made = original.lake, 0
    for table in lake.tables():
        if table not in RESERVED:
            record = Records(lake).get(table)
            assert list(record.column_lineage) == [column.name for column in record.schema], table
            made += 1
    assert made > 20


def test_every_asset_that_is_no_select_tells_what_its_columns_are_made_of(
    codes: Mapping[str, AssetCode],
) -> None:
    told_by_the_run = {"source_files"}  # of the files that it opened
    for name, code in codes.items():
        if code.code.kind == "python" and name not in told_by_the_run:
            assert code.columns_from is not None, name
            assert {*code.columns_from} == {*code.column_descriptions}, name


def test_what_the_code_tells_before_the_first_run_is_what_the_runs_find(
    original: Shop, codes: Mapping[str, AssetCode]
) -> None:
    expected = expected_columns(codes, {})
    told = expected.lineage
    assert (
        not codes.keys()
        - told.keys()
        - {"source_files", "raw_events", "raw_users", "raw_items", "raw_promotions"}
        - {"exposures", "feedback", "searches"}  # of the service's files
    )
    assert codes.keys() - expected.types.keys() <= {"source_files"}, "every page shows columns"

    def direct(lineage: Mapping[str, Sequence[ColumnEdge]]) -> dict[str, set[tuple[str, str]]]:
        return {
            column: {(edge.table, edge.column) for edge in edges if edge.kind == "DIRECT"}
            for column, edges in lineage.items()
        }

    for name in told.keys() & {*original.lake.tables()}:
        found = Records(original.lake).get(name).column_lineage
        if codes[name].code.kind == "sql":
            assert direct(told[name]) == direct(found), name
        else:
            before, after = direct(told[name]), direct(found)
            assert all(after[column] <= before[column] for column in after), name


def test_the_code_tells_the_tags_that_columns_will_inherit(
    original: Shop, codes: Mapping[str, AssetCode]
) -> None:
    expected = expected_columns(codes, {})
    records = Records(original.lake)
    inherited = 0
    for name in expected.lineage.keys() & {*original.lake.tables()}:
        found = records.column_tags(name)
        told = {column: set(tags) for column, tags in expected.tags[name].items()}
        assert all(set(tags) <= told.get(column, set()) for column, tags in found.items()), name
        if codes[name].code.kind == "sql":
            assert told == {column: set(tags) for column, tags in found.items()}, name
        inherited += sum(len(tags) for tags in found.values()) - sum(
            map(len, codes[name].column_tags.values())
        )
    assert inherited > 10


@pytest.mark.parametrize(
    ("report", "table", "column"),
    [("recommendations_report", "recommendations", "score"), ("metrics_report", "evaluation", "value")],
)
def test_a_report_tells_where_its_columns_come_from(
    original: Shop, report: str, table: str, column: str
) -> None:
    (made,) = Records(original.lake).runs(report)
    assert ColumnEdge(table, column, "DIRECT", "IDENTITY") in made.column_lineage[column]
    assert {edge.table for edges in made.column_lineage.values() for edge in edges} == {table}


def test_every_column_of_the_recommendations_goes_back_to_columns_of_files(
    original: Shop, graph: LineageGraph
) -> None:
    for column in Records(original.lake).get("recommendations").column_lineage:
        answer = columns(graph, f"recommendations.{column}")
        of_files = {link.source_column for link in answer.links if link.source.startswith("file:")}
        assert {"customer", "product"} <= of_files, column
        assert not [link for link in answer.links if link.subtype == ""], "every step is known"


def test_what_is_of_a_customer_is_tagged_and_a_title_is_not(original: Shop) -> None:
    tags = Records(original.lake).get("recommendations").column_tags
    assert "pii" in tags["user_id"] and "pii" in tags["reason"]
    assert "title" not in tags and "rank" not in tags


@pytest.mark.slow
@pytest.mark.parametrize("name", OPAQUE)
def test_what_an_asset_declares_of_its_columns_is_so(
    original: Shop, codes: Mapping[str, AssetCode], name: str
) -> None:
    record = Records(original.lake).get(name)
    taken = rerun_sample(codes[name], record, original.lake, ROWS.get(name, 120))
    proof = verify_columns(
        taken.compute, taken.schemas, taken.tables, record.column_lineage, rounds=1, name=name
    )
    assert proof.sound, proof.report()
    assert proof.runs > proof.failed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("gate", "evaluation", "value"),
        ("interaction_graph", "item_relations", "weight"),
        ("recommendations", "item_profiles", "title"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_declared_is_found(
    original: Shop, codes: Mapping[str, AssetCode], name: str, table: str, column: str
) -> None:
    record = Records(original.lake).get(name)

    def without(edges: tuple[ColumnEdge, ...]) -> list[ColumnEdge]:
        return [edge for edge in edges if (edge.table, edge.column) != (table, column)]

    told = {output: without(edges) for output, edges in record.column_lineage.items()}
    taken = rerun_sample(codes[name], record, original.lake, ROWS.get(name, 120))
    proof = verify_columns(taken.compute, taken.schemas, taken.tables, told, rounds=1, name=name)
    assert {(each.table, each.column) for each in proof.refuted} == {(table, column)}


@pytest.mark.slow
def test_dagster_s_server_gives_the_columns_of_every_table_s_definition(original: Shop) -> None:
    asked = (
        "query { assetNodes { assetKey { path } metadataEntries { "
        "... on TableColumnLineageMetadataEntry { lineage { columnName columnDeps { columnName } } } } } }"
    )
    with served(original) as url:
        body = json.dumps({"query": asked}).encode()
        request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            nodes = json.load(answer)["data"]["assetNodes"]
    shown = {
        node["assetKey"]["path"][-1]: {
            each["columnName"] for entry in node["metadataEntries"] for each in entry.get("lineage", ())
        }
        for node in nodes
    }
    for name in {*original.lake.tables()} & shown.keys():
        assert shown[name] == {column.name for column in Records(original.lake).get(name).schema}, name
    assert {name for name, columns in shown.items() if not columns} == {
        "recommendations_report",
        "metrics_report",
    }
