"""Automation: which assets follow their inputs once the sensor `follow_inputs` is turned on.

Tables between the raw ones and the models follow their inputs, so that they are up to date after new files; served
tables follow the champion. Raw tables are loaded by the jobs `ingest` and `nightly`, which list the files first; models
are trained by `nightly` or on request.
"""

from __future__ import annotations

from functools import partial

import dagster as dg

from recsys_assets.assets.catalogue import SQL_TABLES
from recsys_assets.assets.retention import NAME as LAST_OF_NIGHT
from recsys_assets.assets.serving.served_profiles import NAME as PROFILES
from recsys_lineage.assets.asset_code import REUSE_TAG

WATCH_SERVED = dg.AssetSelection.assets(
    PROFILES, *(table.name for table in SQL_TABLES if table.follows_champion)
)
"""Assets that monitor the served tables and change only with them."""
SEARCH = dg.AssetSelection.assets("search_index")
"""Served assets that are built from the items, not from the champion."""
FOLLOW_INPUTS = (dg.AssetSelection.groups("clean", "features", "graph", "feedback") | SEARCH) - WATCH_SERVED
"""Assets that follow all of their inputs."""
FOLLOW_MODELS = ("champion", "evaluation")
"""Models and metrics that reports and served tables follow."""
SERVED = (
    (dg.AssetSelection.groups("serving") - SEARCH) | dg.AssetSelection.assets("metrics_report") | WATCH_SERVED
)
_NIGHT_IS_AT_WORK = dg.AutomationCondition.asset_matches(
    dg.AssetKey(LAST_OF_NIGHT), dg.AutomationCondition.in_progress()
).with_label("a night is at work")
_INPUT_WITHOUT_DAYS_IS_MISSING = dg.AutomationCondition.any_deps_missing().ignore(
    # a day whose files cannot be read is missing, and holds up nothing; nor does a service that showed nothing yet
    dg.AssetSelection.assets("raw_events", "exposures", "feedback", "searches")
)
_INPUT_IS_WRONG = dg.AutomationCondition.any_deps_match(
    # not "all passed": a check that a killed run left out says nothing against the table
    dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
).with_label("an input fails a blocking check")


def _follows(updated: dg.AutomationCondition, label: str) -> dg.AutomationCondition:
    """Whether an asset should be materialized: an input was updated since, all inputs exist and are valid, and no run
    is in progress.
    """
    return (
        (updated | dg.AutomationCondition.newly_missing()).since_last_handled()
        & ~_INPUT_WITHOUT_DAYS_IS_MISSING
        & ~_INPUT_IS_WRONG
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & ~_NIGHT_IS_AT_WORK
    ).with_label(label)


INPUTS = _follows(dg.AutomationCondition.any_deps_updated(), "follows its inputs")
MODELS = _follows(
    dg.AutomationCondition.any_deps_updated().allow(SERVED | dg.AssetSelection.assets(*FOLLOW_MODELS)),
    "follows the champion",
)


def automated(definitions: dg.Definitions) -> dg.Definitions:
    """The definitions, each asset with its condition."""
    for condition, selection in ((INPUTS, FOLLOW_INPUTS), (MODELS, SERVED)):
        definitions = definitions.map_resolved_asset_specs(
            func=partial(_with_condition, condition), selection=selection
        )
    return definitions


def _with_condition(condition: dg.AutomationCondition, spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(automation_condition=condition)


def following_sensor() -> dg.AutomationConditionSensorDefinition:
    """Sensor that materializes assets after their inputs; off by default. Assets that are up to date are kept."""
    return dg.AutomationConditionSensorDefinition(
        "follow_inputs",
        target=dg.AssetSelection.all(),
        run_tags={REUSE_TAG: "true"},
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=60,
        description="Materializes tables whose inputs were updated, and serving tables after a new champion.",
    )
