"""Descriptions of assets from Dagster definitions, for events to external catalogs."""

from __future__ import annotations

import dagster as dg

from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.orchestration.defined_assets import asset_codes


def asset_descriptions(definitions: dg.Definitions) -> dict[str, AssetDescription]:
    """Description, owners, tags and columns of each asset, by key; for lineage assets also their code.

    Args:
        definitions: the definitions, with lineage assets and others.
    """
    defined = [each for each in definitions.assets or () if isinstance(each, dg.AssetsDefinition)]
    codes, keys = asset_codes(defined), {key for each in defined for key in each.keys}
    found: dict[str, AssetDescription] = {}
    for spec in definitions.resolve_all_asset_specs():
        if spec.key not in keys:  # a table that others make, and these only read
            continue
        name = spec.key.to_user_string()
        code = codes.get(name)
        tags = {key: value for key, value in spec.tags.items() if not key.startswith("dagster/kind/")}
        kinds = {key: "" for key in spec.tags if key.startswith("dagster/kind/")}
        group = {"dagster/group": spec.group_name} if spec.group_name else {}
        found[name] = AssetDescription(
            description=spec.description,
            owners=tuple(spec.owners),
            tags={**tags, **kinds, **group},
            columns={} if code is None else code.column_descriptions,
            code=None if code is None else code.code,
            code_version=spec.code_version,
            upstream=() if code is None else tuple(code.upstream),
        )
    return found
