"""AssetDescription: an asset's documentation, owners and tags, which records do not repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys_lineage.records.materialization import Code


@dataclass(frozen=True)
class AssetDescription:
    """Documentation, owners and tags of an asset, which records do not repeat.

    Attributes:
        description: the text about it.
        owners: the people and teams.
        tags: the tags of the asset.
        columns: the description of each column, followed by its tags (`the customer [pii]`).
        code: the asset's code, for its definition.
        code_version: the version of that code.
        upstream: the tables that the code depends on.
    """

    description: str | None = None
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    code: Code | None = None
    code_version: str | None = None
    upstream: tuple[str, ...] = ()
