"""Columns and their lineage in Dagster's form, for the events of a run and for definitions."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dagster as dg

from recsys_lineage.assets.columns.expected_columns import expected_columns
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.tags import Tag, Tags, split_description
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.blobs import COLUMNS
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import Records

_log = logging.getLogger(__name__)
COLUMN_LINEAGE = "dagster/column_lineage"
COLUMN_SCHEMA = "dagster/column_schema"


def shown_schema(types: Mapping[str, str], descriptions: Mapping[str, str], tags: Tags) -> dg.TableSchema:
    """Columns in Dagster's form, with their descriptions and the tags of their data.

    Args:
        types: column → DuckDB's type, in the columns' order.
        descriptions: column → its description.
        tags: column → its tags, those inherited from its origins among them.
    """
    texts = COLUMNS if list(types) == list(COLUMNS) else descriptions
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                type_,
                description=split_description(texts.get(name) or "")[0] or None,
                tags={tag.name: "indirect" if tag.indirect else "" for tag in tags.get(name, ())},
            )
            for name, type_ in types.items()
        ]
    )


def recorded_tags(record: Materialization) -> dict[str, tuple[Tag, ...]]:
    """The tags of a version's columns; empty if it was written before tags existed."""
    return {column: tuple(map(Tag.of, written)) for column, written in record.column_tags.items()}


def column_metadata(record: Materialization) -> dict[str, Any]:
    """The column lineage of a record under Dagster's key; empty where it is unknown."""
    if not record.column_lineage:
        return {}
    tables = {read.name for read in record.reads if read.kind == "table"}
    return {COLUMN_LINEAGE: shown_columns(record.column_lineage, tables)}


def shown_columns(
    lineage: Mapping[str, Sequence[ColumnEdge]], tables: Collection[str]
) -> dg.TableColumnLineage:
    """A column lineage in Dagster's form.

    Dagster has only one kind of column dependency, so it gets the columns that values are made of; the record also has
    the columns that only decide which rows and values there are.

    Args:
        lineage: column → its edges.
        tables: the assets; Dagster cannot show edges from files.
    """
    return dg.TableColumnLineage({column: _dependencies(edges, tables) for column, edges in lineage.items()})


def with_column_lineage(definitions: dg.Definitions, lake: Lake) -> dg.Definitions:
    """The definitions, with the columns of each asset's latest version and their lineage as metadata.

    Any tool that reads definitions can show them, without reading runs. For an asset that was never materialized they
    come from its code, see `expected_columns`; if the lake cannot be read, no asset has them. An executor's worker,
    which loads the definitions again to run one step, does not need them.

    Args:
        definitions: the definitions, with lineage assets and others.
        lake: the lake of their tables.
    """
    if multiprocessing.parent_process() is not None:  # a worker of an executor, that runs one step
        return definitions
    records = Records(lake)
    codes = asset_codes(definitions.assets or ())
    found: dict[dg.AssetKey, Mapping[str, Any]] = {}
    known: dict[str, dict[str, str]] = {}
    known_tags: dict[str, Tags] = {}

    try:
        for spec in definitions.resolve_all_asset_specs():
            if len(spec.key.path) == 1 and (record := records.latest(spec.key.path[0])) is not None:
                found[spec.key] = column_metadata(record)
                known[record.asset] = {column.name: column.type for column in record.schema}
                declared = codes[record.asset].column_tags if record.asset in codes else {}
                known_tags[record.asset] = recorded_tags(record) or declared
        expected = expected_columns(codes, known, known_tags)
        tags = {**known_tags, **expected.tags}
        for name, types in {**known, **expected.types}.items():
            if name in codes:
                own = {
                    COLUMN_SCHEMA: shown_schema(types, codes[name].column_descriptions, tags.get(name, {}))
                }
                found[dg.AssetKey(name)] = {**found.get(dg.AssetKey(name), {}), **own}
        for name, lineage in expected.lineage.items():
            own = {COLUMN_LINEAGE: shown_columns(lineage, codes[name].upstream)}
            found[dg.AssetKey(name)] = {**found.get(dg.AssetKey(name), {}), **own}
    except LineageError as error:  # runs will report it; the code location must load anyway
        _log.warning("The definitions have no column metadata: %s", error)
    return definitions.map_asset_specs(
        func=lambda spec: spec.merge_attributes(metadata=found.get(spec.key, {}))
    )


def _dependencies(edges: Sequence[ColumnEdge], tables: Collection[str]) -> list[dg.TableColumnDep]:
    made_of = dict.fromkeys(
        (edge.table, edge.column) for edge in edges if edge.kind == "DIRECT" and edge.table in tables
    )
    return [dg.TableColumnDep(dg.AssetKey(table), column) for table, column in made_of]
