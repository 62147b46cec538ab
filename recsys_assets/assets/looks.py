"""Presentation of the shop's assets in Dagster: group, owner, layer, and the pools they share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_models.families import families as registry

OWNERS = ("team:data",)
PERSONAL = "pii"
"""The tag of columns that hold personal data."""


def look(
    group: str,
    *,
    layer: str | None = None,
    kinds: Collection[str] = (),
    personal: str | None = None,
    **more: Any,
) -> AssetLook:
    """The AssetLook of an asset of a group.

    Args:
        group: Dagster's group; the layer has the same name where none is given.
        layer: the value of the tag.
        kinds: Dagster kinds of the asset, besides those that follow from its code.
        personal: reason why the asset may hold personal data, if it may.
        more: further fields of `AssetLook`.
    """
    return AssetLook(
        group=group,
        owners=OWNERS,
        tags={"layer": layer or group},
        kinds=frozenset(kinds),
        cleared={} if personal is None else {PERSONAL: personal},
        **more,
    )


def family_look(family: str, what: str, group: str, **more: Any) -> AssetLook:
    """The AssetLook of a family's asset in the model layer; families that learn by gradient share a pool for the
    device.

    Args:
        family: a family of the registry.
        what: what the asset is, after the family's name.
        group: Dagster's group.
        more: further fields of `AssetLook`.
    """
    by_gradient = registry[family].learns_by_gradient
    return look(
        group,
        layer="model",
        kinds={"pytorch" if by_gradient else "scipy"},
        pool="gpu" if by_gradient else None,
        description=f"The {family} family: {what}",
        **more,
    )
