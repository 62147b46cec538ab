"""The lineage assets among Dagster definitions."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.orchestration.dagster_internals import code_of


def asset_codes(definitions: Iterable[object]) -> dict[str, AssetCode]:
    """The lineage assets among Dagster definitions, by name, upstream first."""
    codes = {
        code.name: code
        for definition in definitions
        if isinstance(definition, dg.AssetsDefinition) and (code := code_of(definition)) is not None
    }
    order = TopologicalSorter(
        {name: [u for u in code.upstream if u in codes] for name, code in codes.items()}
    )
    return {name: codes[name] for name in order.static_order()}
