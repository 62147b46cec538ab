"""Lineage-native assets for any Dagster project: a versioned lake, SQL and frame assets, observed reads.

This package knows nothing of recommenders and nothing of `recsys_assets`. The names below are its public surface;
each is loaded when it is first used, so that reading a table does not import the orchestrator.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsys_lineage.asset_code import Output, Query, Request
    from recsys_lineage.checks import TableCheck, not_empty, not_null, unique
    from recsys_lineage.errors import LineageError
    from recsys_lineage.frame_asset import frame_asset
    from recsys_lineage.inputs import Inputs
    from recsys_lineage.lake import Lake
    from recsys_lineage.lake_resource import LakeResource
    from recsys_lineage.lineage_asset import AssetLook
    from recsys_lineage.materialization import Materialization, Read
    from recsys_lineage.records import Records
    from recsys_lineage.reproduction import Reproduction, reproduce
    from recsys_lineage.sql_asset import sql_asset
    from recsys_lineage.table_version import TableVersion

_HOMES = {
    "AssetLook": "lineage_asset",
    "Inputs": "inputs",
    "Lake": "lake",
    "LakeResource": "lake_resource",
    "LineageError": "errors",
    "Materialization": "materialization",
    "Output": "asset_code",
    "Query": "asset_code",
    "Read": "materialization",
    "Records": "records",
    "Reproduction": "reproduction",
    "Request": "asset_code",
    "TableCheck": "checks",
    "TableVersion": "table_version",
    "frame_asset": "frame_asset",
    "not_empty": "checks",
    "not_null": "checks",
    "reproduce": "reproduction",
    "sql_asset": "sql_asset",
    "unique": "checks",
}

__all__ = [
    "AssetLook",
    "Inputs",
    "Lake",
    "LakeResource",
    "LineageError",
    "Materialization",
    "Output",
    "Query",
    "Read",
    "Records",
    "Reproduction",
    "Request",
    "TableCheck",
    "TableVersion",
    "frame_asset",
    "not_empty",
    "not_null",
    "reproduce",
    "sql_asset",
    "unique",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"recsys_lineage.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
