"""Column origins: where an output's columns come from, the tags they inherit, and whether the asset is cleared for
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from recsys_lineage.assets.asset_code import AssetCode, Output, Query
from recsys_lineage.assets.columns.people_check import PeopleCheck, count_people, masked_by
from recsys_lineage.assets.columns.query_columns import People, query_columns
from recsys_lineage.assets.columns.tagged_columns import DESCRIPTION, clearance, output_tags
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.frames.columns_of_frame import columns_of_frame
from recsys_lineage.columns.frames.declared import ColumnsFrom, Declared
from recsys_lineage.columns.tags import PERSON, Tag, Tags
from recsys_lineage.errors import ColumnLineageError, UnnotedFile
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records
from recsys_lineage.sql.pivot_values import is_named_by_data


@dataclass(frozen=True)
class ColumnOrigins:
    """Columns of an output before it is committed, with their origins and tags.

    Attributes:
        lineage: column → its edges; empty where it cannot be derived.
        tags: column → its tags.
        checks: whether its groups have as many people as declared, and whether it is cleared for the tags.
        fault: the error because of which the lineage is not known.
    """

    lineage: Mapping[str, tuple[ColumnEdge, ...]] = field(default_factory=dict)
    tags: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)
    checks: tuple[CheckOutcome, ...] = ()
    fault: Exception | None = None


def origins_of(
    asset: AssetCode, lake: Lake, inputs: Inputs, output: Output, schema: Sequence[Column]
) -> ColumnOrigins:
    """Find the origins of an output's columns, and check that the asset is cleared for their tags.

    Args:
        asset: the asset that made the output.
        lake: the lake that it read from.
        inputs: the inputs of its run.
        output: the return value of its code.
        schema: the columns as they will be stored.

    Raises:
        ColumnLineageError: the asset's declarations about its columns are wrong.
    """
    columns = [column.name for column in schema]
    tags = _tags_read(lake, inputs)
    fault: Exception | None = None
    lineage: dict[str, tuple[ColumnEdge, ...]] = {}
    counted = [
        (check, count_people(check, output.data, inputs, asset.code.origin))
        for check in asset.checks
        if isinstance(check, PeopleCheck) and isinstance(output.data, Query)
    ]
    if asset.columns_from is not None:  # a run's own declaration is more precise
        origins = asset.columns_from if output.columns_from is None else output.columns_from()
        lineage = _declared(asset, origins, inputs, columns)
    else:
        try:
            held = [check for check, outcome in counted if outcome.passed]
            lineage = _derived(asset, inputs, output, columns, _people(lake, inputs), held)
        except UnnotedFile:
            raise
        except Exception as error:  # the table is right all the same
            fault = error
    shown = _shown(lineage, output)
    inherited = output_tags(columns, asset.column_tags, shown, tags)
    found = clearance(inherited, asset.cleared, shown, tags)
    checks = (*(outcome for _, outcome in counted), replace(found, blocking=True, description=DESCRIPTION))
    return ColumnOrigins(lineage, inherited, checks, fault)


def _derived(
    asset: AssetCode,
    inputs: Inputs,
    output: Output,
    columns: list[str],
    people: People,
    held: Sequence[PeopleCheck],
) -> dict[str, tuple[ColumnEdge, ...]]:
    """Edges of each column: derived from a statement or a Polars plan, or as declared; empty for other data.

    Raises:
        ColumnLineageError: they cannot be derived, or the derived columns differ from the actual ones.
    """
    if output.columns_from is not None:
        return _declared(asset, output.columns_from(), inputs, columns)
    if isinstance(output.data, pl.LazyFrame):
        found = _sorted(columns_of_frame(output.data, inputs.lazy_frames()))
    elif isinstance(output.data, Query):
        found = query_columns(output.data, inputs, asset.code.origin, people, columns)
        for check in held:
            found = masked_by(check, found, output.data, inputs, asset.code.origin, people)
    else:
        return {}
    if [*found] != columns:
        raise ColumnLineageError(
            "It was derived for other columns than those of the result.",
            expected=", ".join(columns),
            found=", ".join(found),
            where=asset.code.origin,
        )
    return found


def _shown(
    lineage: Mapping[str, tuple[ColumnEdge, ...]], output: Output
) -> Mapping[str, tuple[ColumnEdge, ...]]:
    """The edges along which tags pass: values that a PIVOT turned into column names are visible in these names."""
    if not isinstance(output.data, Query) or not is_named_by_data(output.data.text or output.data.sql):
        return lineage
    return {
        column: tuple(
            replace(edge, kind="DIRECT", subtype="TRANSFORMATION") if edge.subtype == "FILTER" else edge
            for edge in edges
        )
        for column, edges in lineage.items()
    }


def _declared(
    asset: AssetCode, columns_from: ColumnsFrom, inputs: Inputs, columns: Sequence[str]
) -> dict[str, tuple[ColumnEdge, ...]]:
    declared = Declared(columns_from, asset.rows_from, {asset.name, *asset.upstream}, asset.code.origin)
    return _sorted(declared.edges(columns, _columns_read(inputs)))


def _sorted(found: Mapping[str, Sequence[ColumnEdge]]) -> dict[str, tuple[ColumnEdge, ...]]:
    return {column: tuple(edges) for column, edges in found.items()}


def _columns_read(inputs: Inputs) -> dict[str, list[str]]:
    """Table, file or scan of files → its columns that were read, reads for checks excluded."""
    found: dict[str, dict[str, None]] = {}
    schemas = inputs.schemas() if inputs.relations else {}
    for name, files in inputs.relations.items():
        found.setdefault(files.scan, {}).update(dict.fromkeys(schemas[name]))
    for read in inputs.reads:
        if read.purpose == "check":
            continue
        names = [column.name for column in read.schema] if read.columns is None else read.columns
        found.setdefault(read.name, {}).update(dict.fromkeys(names))
    return {name: [*columns] for name, columns in found.items()}


def _people(lake: Lake, inputs: Inputs) -> list[tuple[str, str]]:
    """The columns of the input tables that identify people."""
    records = Records(lake)
    return [
        (table, column)
        for table, version in inputs.versions().items()
        for column, tags in records.column_tags(table, version).items()
        if any(tag.name == PERSON for tag in tags)
    ]


def _tags_read(lake: Lake, inputs: Inputs) -> dict[str, Tags]:
    """Table → column → tags, for the columns that were read."""
    records = Records(lake)
    names = {read.name: read.columns for read in inputs.reads if read.kind == "table"}
    return {
        table: {
            column: tags
            for column, tags in records.column_tags(table, version).items()
            if (read := names[table]) is None or column in read
        }
        for table, version in inputs.versions().items()
    }
