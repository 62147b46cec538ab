"""Lineage-native assets for any Dagster project: a versioned lake, SQL and frame assets, observed reads.

This package knows nothing of recommenders and nothing of `recsys_assets`. The names below are its public surface;
each is loaded when it is first used, so that reading a table does not import the orchestrator.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsys_lineage.assets.asset_code import Output, Query, Request
    from recsys_lineage.assets.checks import TableCheck, not_empty, not_null, unique
    from recsys_lineage.assets.inputs import Inputs
    from recsys_lineage.assets.reproduction import Reproduction, reproduce
    from recsys_lineage.errors import LineageError
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.lake.table_version import TableVersion
    from recsys_lineage.orchestration.frame_asset import frame_asset
    from recsys_lineage.orchestration.lake_resource import LakeResource
    from recsys_lineage.orchestration.lineage_asset import AssetLook
    from recsys_lineage.orchestration.sql_asset import sql_asset
    from recsys_lineage.records.materialization import Materialization, Read
    from recsys_lineage.records.records import Records

_HOMES = {
    "AssetLook": "orchestration.lineage_asset",
    "Inputs": "assets.inputs",
    "Lake": "lake.lake",
    "LakeResource": "orchestration.lake_resource",
    "LineageError": "errors",
    "Materialization": "records.materialization",
    "Output": "assets.asset_code",
    "Query": "assets.asset_code",
    "Read": "records.materialization",
    "Records": "records.records",
    "Reproduction": "assets.reproduction",
    "Request": "assets.asset_code",
    "TableCheck": "assets.checks",
    "TableVersion": "lake.table_version",
    "frame_asset": "orchestration.frame_asset",
    "not_empty": "assets.checks",
    "not_null": "assets.checks",
    "reproduce": "assets.reproduction",
    "sql_asset": "orchestration.sql_asset",
    "unique": "assets.checks",
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
