"""Every asset and check of the platform, for given settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import dagster as dg

from recsys_assets.assets import retention
from recsys_assets.assets.clean import events, items, promotions, reconciliation, rejected_rows, users
from recsys_assets.assets.features import (
    interactions,
    item_profiles,
    item_relations,
    user_profiles,
    user_sequences,
)
from recsys_assets.assets.feedback import (
    clicks_by_position,
    day_profiles,
    drift_report,
    experiment_report,
    feedback_days,
    feedback_files,
    feedback_tables,
    policies,
    recommendation_drift,
    search_quality,
)
from recsys_assets.assets.looks import look
from recsys_assets.assets.model import candidates, champion, evaluation, gate, graph, split, tuning
from recsys_assets.assets.model.competing import competing
from recsys_assets.assets.raw import raw_tables, source_files, source_folder
from recsys_assets.assets.raw.service_events import ServiceEvents
from recsys_assets.assets.serving import reports, search_index, served_profiles, served_tables
from recsys_assets.service.champion_decisions import Decided
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.settings import Settings
from recsys_lineage.orchestration.lineage_proof import lineage_proof

PROOF = "proof"
"""The group of assets that are made on request only: the proof of lineage."""
SQL_TABLES = (
    events.TABLE,
    items.TABLE,
    promotions.TABLE,
    rejected_rows.TABLE,
    users.TABLE,
    interactions.TABLE,
    item_profiles.TABLE,
    item_relations.TABLE,
    user_profiles.TABLE,
    user_sequences.TABLE,
    split.TABLE,
    clicks_by_position.TABLE,
    day_profiles.TABLE,
    drift_report.TABLE,
    recommendation_drift.TABLE,
    search_quality.TABLE,
)
"""The tables that are one SQL file each."""


@dataclass(frozen=True)
class PlatformAssets:
    """The platform's assets, and its separate checks."""

    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]


def groups_of(assets: Iterable[dg.AssetsDefinition]) -> dict[str, str]:
    """The group of each asset, by the asset's name."""
    return {
        key.to_user_string(): group for asset in assets for key, group in asset.group_names_by_key.items()
    }


def all_assets(
    settings: Settings, forget: Collection[str] = (), decided: Decided | None = None
) -> PlatformAssets:
    """The whole asset graph, from files to recommendations.

    Args:
        forget: files that `source_files` leaves out.
        decided: people's decisions about families; read from the lake by default.
    """
    folder = source_folder.source_folder(settings)
    families = competing(settings.families)
    files = ServiceFiles(settings.home)
    assets = [
        source_files.asset(folder, forget),
        *raw_tables.assets(
            folder, ServiceEvents.of(folder.source.settings, simulated=settings.join_simulated)
        ),
        *(table.asset(folder.source, settings) for table in SQL_TABLES),
        graph.asset(),
        *candidates.assets(families, settings),
        *tuning.assets(families, settings),
        evaluation.asset(families),
        gate.asset(settings, decided),
        champion.asset(families, settings),
        *served_tables.assets(settings),
        search_index.asset(settings),
        served_profiles.asset(),
        *reports.assets(),
        feedback_files.asset(files, folder.source.settings.time_zone),
        *feedback_tables.assets(files, folder.source.settings.time_zone),
        feedback_days.asset(),
        experiment_report.asset(files),
        policies.asset(families),
    ]
    assets.append(
        lineage_proof(
            assets, look=look(PROOF, personal="how many edges and rows were proved; no value of any")
        )
    )
    assets.append(retention.asset(settings, groups_of(assets)))
    return PlatformAssets(assets, reconciliation.checks())
