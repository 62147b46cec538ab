"""Metadata from an asset's code with possible cells of a table masked, because Dagster stores it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dagster as dg

from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.reading.guarded_functions import guarded_function
from recsys_lineage.records.parts.failure import LEFT_OUT

_OF_A_TEXT: dict[type, Callable[[str], dg.MetadataValue[Any]]] = {
    dg.TextMetadataValue: dg.MetadataValue.text,
    dg.MarkdownMetadataValue: dg.MetadataValue.md,
    dg.UrlMetadataValue: dg.MetadataValue.url,
    dg.PathMetadataValue: dg.MetadataValue.path,
    dg.NotebookMetadataValue: dg.MetadataValue.notebook,
}
_WITHOUT_TEXTS = (
    dg.IntMetadataValue, dg.FloatMetadataValue, dg.BoolMetadataValue, dg.TimestampMetadataValue, dg.NullMetadataValue,
    bool, int, float, type(None),
)  # fmt: skip
"""Types of numbers and moments, which are stored unchanged."""

_TYPES = ("string", "int", "float", "bool")
"""Dagster's types of the columns of a table."""


def stored_metadata(value: Any, plain: Callable[[Any], Any]) -> Any:
    """One value of `Output.metadata` in a form that Dagster may store.

    Texts, Markdown, JSON and tables are masked like those of a record, and a Plot is drawn. Finished pictures inside
    Markdown and values of other kinds are left out.

    Args:
        value: what the asset's code handed back.
        plain: masks possible cells of a table in a JSON value.
    """
    if isinstance(value, Plot):
        return replace(value, draw=guarded_function("a plot", value.draw)).drawn(plain)
    if isinstance(value, _WITHOUT_TEXTS):
        return value
    for kind, made in _OF_A_TEXT.items():
        if isinstance(value, kind):
            return made(plain(str(value.value)))
    if isinstance(value, dg.DagsterRunMetadataValue):
        return dg.MetadataValue.dagster_run(plain(value.run_id))
    if isinstance(value, dg.DagsterAssetMetadataValue):
        return dg.MetadataValue.asset(dg.AssetKey([plain(part) for part in value.asset_key.path]))
    if isinstance(value, dg.JsonMetadataValue):
        return dg.MetadataValue.json(plain(value.data))
    if isinstance(value, dg.TableMetadataValue):
        columns = [
            dg.TableColumn(plain(column.name), column.type if column.type in _TYPES else LEFT_OUT)
            for column in value.schema.columns
        ]
        rows = [
            dg.TableRecord({plain(name): plain(cell) for name, cell in row.data.items()})
            for row in value.records
        ]
        return dg.MetadataValue.table(rows, dg.TableSchema(columns))
    if isinstance(value, str | dict | list | tuple):
        return plain(value)
    return LEFT_OUT
