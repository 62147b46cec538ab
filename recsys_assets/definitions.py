"""The code location: what `workspace.yaml` loads."""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg

from recsys_assets.assets import all_assets
from recsys_assets.assets.model.gate import decided_so_far
from recsys_assets.assets.raw.source_folder import SourceFolder, source_folder
from recsys_assets.assets.retention import NAME as RETENTION
from recsys_assets.assets.serving.reports import ReportFiles
from recsys_assets.automation import automated, following_sensor
from recsys_assets.instance import keep_private
from recsys_assets.jobs import (
    FRESH,
    everything,
    ingest,
    landing_sensor,
    nightly,
    nightly_schedule,
    proof,
    tuning,
    upkeep,
    upkeep_sensor,
)
from recsys_assets.launcher import locking_multiprocess_executor
from recsys_assets.openlineage import emission
from recsys_assets.orphans import end_with_starter
from recsys_assets.service.champion_decisions import Decided
from recsys_assets.settings import CODE_LOCATION, Settings, checkout_is_dirty, load_settings
from recsys_lineage.assets.code.code_constants import constants_for
from recsys_lineage.assets.code.code_version import hold_code
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.metadata.column_metadata import with_column_lineage
from recsys_lineage.orchestration.sensors.openlineage_sensor import openlineage_check, openlineage_sensor
from recsys_lineage.orchestration.sensors.records_sensor import records_sensor


def lake_resource(settings: Settings) -> LakeResource:
    """The lake of the settings."""
    return LakeResource(
        uri=settings.lake_url,
        memory_limit=settings.memory_bytes,
        threads=settings.threads,
        git_commit=settings.git_commit,
        git_dirty=checkout_is_dirty(),
        work_folder=str(settings.home / "checkpoints"),
        code_location=CODE_LOCATION,
    )


def build_definitions(
    settings: Settings, forget: Collection[str] = (), decided: Decided | None = None
) -> dg.Definitions:
    """Definitions of all assets, jobs, schedules and sensors.

    Args:
        settings: those of the platform.
        forget: files that `source_files` leaves out.
        decided: people's decisions about families; read from the lake by default.
    """
    platform = all_assets(settings, forget, decided)
    definitions = dg.Definitions(
        assets=platform.assets,
        asset_checks=[*platform.checks, openlineage_check(RETENTION)],
        jobs=[everything, nightly, ingest, tuning, proof, upkeep],
        schedules=[nightly_schedule(settings)],
        sensors=[
            landing_sensor(settings),
            records_sensor(),
            upkeep_sensor(),
            openlineage_sensor(
                lambda: emission(settings, lambda: build_definitions(settings)), checked=RETENTION
            ),
            following_sensor(),
        ],
        resources={
            "lake": lake_resource(settings),
            "reports": ReportFiles(folder=str(settings.home / "reports")),
        },
        executor=locking_multiprocess_executor(lake_resource(settings)).configured(
            {
                "max_concurrent": 2,
                "start_method": {"forkserver": {"preload_modules": ["recsys_assets.preload"]}},
            }
        ),
    )
    return automated(definitions).map_asset_specs(
        func=lambda spec: dg.apply_freshness_policy(spec, FRESH, overwrite_existing=False)
    )


_prepared: list[tuple[Settings, dg.Definitions]] = []
"""The definitions that processes forked from this one use, and the settings they were built for."""


def prepare() -> None:
    """Define everything once, for the step processes that are forked from this one.

    They run the code that this process has loaded, so their records name this code, even if its files are edited
    meanwhile. The lake is not opened, because the threads of its readers do not survive a fork, and waiting for them
    would never end.
    """
    settings = load_settings()
    definitions = build_definitions(settings, decided=Decided())
    for asset in asset_codes(definitions.assets or ()).values():
        constants_for(asset)
    hold_code()
    _prepared[:] = [(settings, definitions)]


_Built = tuple[Settings, Decided, SourceFolder]
_built: list[tuple[_Built, dg.Definitions]] = []
"""The definitions that `defs` built last, with the settings they were built for."""


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings of the environment; read when Dagster loads the code location.

    Dagster loads it several times in one process, seven times in `dagster asset materialize`: the assets are defined
    again only if settings, source or decisions changed since the last time.
    """
    keep_private()
    end_with_starter()
    settings = load_settings()
    decided = decided_so_far(settings)
    for prepared_for, definitions in _prepared:
        if prepared_for == settings and decided == Decided():
            return definitions
    key = (settings, decided, source_folder(settings))
    if not _built or _built[0][0] != key:
        _built[:] = [(key, build_definitions(settings, decided=decided))]
    return with_column_lineage(_built[0][1], lake_resource(settings).lake())
