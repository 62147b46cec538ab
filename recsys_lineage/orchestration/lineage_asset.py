"""Conversion of an AssetCode into a Dagster asset; shared by SQL and frame assets."""

import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.columns.tagged_columns import CHECK as CLEARANCE
from recsys_lineage.assets.columns.tagged_columns import DESCRIPTION
from recsys_lineage.orchestration.asset_run import AssetRun
from recsys_lineage.orchestration.dagster_internals import mark
from recsys_lineage.orchestration.launch_config import launch_config
from recsys_lineage.orchestration.transient import RETRY
from recsys_lineage.records.records import Records

_FOR_CALLERS = re.compile(r"^(Args|Returns|Yields|Raises|Attributes):$", re.MULTILINE)
"""Sections of a docstring for callers of a function, which do not describe the table that it makes."""


@dataclass(frozen=True)
class AssetLook:
    """Presentation of an asset in Dagster, apart from what is derived from its code.

    `shown` returns further metadata for Dagster's page of a run, such as a plot over many runs: metadata by name,
    computed from the lake's records including the run's own. It is also called after runs that kept the previous
    version, and is not part of the code version. `cleared` maps each column tag whose data the asset may hold to the
    reason: a write with a tagged column fails if the asset is not cleared for the tag.
    """

    group: str | None = None
    owners: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    description: str | None = None
    partitions_def: dg.PartitionsDefinition[Any] | None = None
    backfill_policy: dg.BackfillPolicy | None = None
    automation_condition: dg.AutomationCondition[Any] | None = None
    freshness_policy: dg.FreshnessPolicy | None = None
    pool: str | None = None
    deps: Iterable[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    shown: Callable[[Records], Mapping[str, Any]] | None = None
    cleared: Mapping[str, str] = field(default_factory=dict)


def lineage_asset(asset: AssetCode, look: AssetLook) -> dg.AssetsDefinition:
    """The Dagster asset of an AssetCode.

    Args:
        asset: the code, its upstream tables and checks.
        look: group, owners, tags and the like.
    """
    asset = replace(asset, cleared={**asset.cleared, **look.cleared})
    # The graph may show dependencies beyond the tables read (ordering); never fewer.
    deps = [*asset.upstream, *(name for name in look.deps if name not in asset.upstream)]

    def step(context: dg.AssetExecutionContext):
        yield from AssetRun(context, asset, look.shown).events()

    mark(step, asset)
    return dg.asset(
        name=asset.name,
        deps=deps,
        group_name=look.group,
        owners=list(look.owners) or None,
        tags=dict(look.tags),
        kinds=set(look.kinds),
        description=look.description and _for_people(look.description),
        code_version=asset.code_version,
        partitions_def=look.partitions_def,
        backfill_policy=look.backfill_policy,
        automation_condition=look.automation_condition,
        freshness_policy=look.freshness_policy,
        pool=look.pool,
        config_schema=launch_config(asset.options),
        required_resource_keys={"lake"},
        retry_policy=RETRY,
        check_specs=[
            dg.AssetCheckSpec(
                check.name, asset=asset.name, description=check.description, blocking=check.blocking
            )
            for check in asset.checks
        ]
        + [dg.AssetCheckSpec(CLEARANCE, asset=asset.name, description=DESCRIPTION, blocking=True)],
        metadata={**_code_reference(asset), **look.metadata},
    )(step)


def _for_people(description: str) -> str:
    """A docstring for Dagster's page: the description of the asset without indents, which Markdown takes for code."""
    return _FOR_CALLERS.split(inspect.cleandoc(description), maxsplit=1)[0].strip()


def _code_reference(asset: AssetCode) -> dict[str, Any]:
    path, _, line = asset.code.origin.partition(":")
    if not Path(path).is_file():
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of every asset, to people who did not ask for it
        reference = dg.LocalFileCodeReference(
            file_path=path, line_number=int(line or 1), label=Path(path).name
        )
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}
