"""Every asset and check of the platform, for given settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import dagster as dg

from recsys_assets.assets import champion, columns, evaluation, gate, graph, serving
from recsys_assets.assets.candidates import candidate_asset
from recsys_assets.assets.competing import candidate_name, competing
from recsys_assets.assets.raw import EVENT_DAYS, raw_events_asset, raw_table_asset, source_files_asset
from recsys_assets.assets.reconciliation import CLEAN_OF, reconciliation_check
from recsys_assets.assets.reports import report_assets
from recsys_assets.assets.retention import retention_asset
from recsys_assets.assets.side_information import side_tables
from recsys_assets.assets.source_files import SourceFolder
from recsys_assets.assets.tables import sql_group
from recsys_assets.assets.tuning import tuning_asset
from recsys_assets.settings import Settings
from recsys_assets.source import Source
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_models.families import families as registry
from recsys_models.training.tuning import SPACES

OWNERS = ["team:data"]
TUNING = "tuning"
UPKEEP = "upkeep"
_SERVED = (
    "recommendations", "similar_items", "user_embeddings", "item_embeddings", "recommendations_report",
    "metrics_report",
)  # fmt: skip
_OFTEN_ENOUGH = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(days=365), warn_window=timedelta(days=180)
)
_RAW_DESCRIPTIONS = {
    "source_files": "Every file of the source with its sha256, size, rows and arrival, and whether it could be read.",
    "raw_events": "Every event line as it arrived, with the file and line that it came from; one partition a day.",
    "raw_users": "What the source says about customers, as it arrived, with file and line.",
    "raw_items": "What the source says about products, as it arrived, with file and line.",
    "raw_promotions": "What the source says about promotions and coupons, as it arrived, with file and line.",
}


@dataclass(frozen=True)
class PlatformAssets:
    """The assets and the checks that stand beside them."""

    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]


def source_folder(settings: Settings) -> SourceFolder:
    """The source of the settings and the folder of its files.

    Raises:
        LineageError: when the settings name no data folder and the source has none of its own.
        SourceError: when the source cannot be loaded.
    """
    source = Source.load(settings.source)
    root = settings.data or source.data_folder()
    if root is None:
        raise LineageError(
            f"The source {source.name} has no data of its own.",
            expected="RECSYS_DATA to name the folder of its files",
            found="no RECSYS_DATA",
            advice=f"RECSYS_SOURCE={source.name} RECSYS_DATA=path/to/files recsys demo",
        )
    return SourceFolder(source, root)


def groups_of(assets: Iterable[dg.AssetsDefinition]) -> dict[str, str]:
    """The group of each asset, by the asset's name."""
    return {
        key.to_user_string(): group for asset in assets for key, group in asset.group_names_by_key.items()
    }


def all_assets(settings: Settings) -> PlatformAssets:
    """The whole asset graph, from files to recommendations."""
    folder = source_folder(settings)
    values = _sql_values(folder.source, settings)
    raw = AssetLook(group="raw", owners=OWNERS, tags={"layer": "raw"})
    clean = AssetLook(group="clean", owners=OWNERS, tags={"layer": "clean"})
    features = AssetLook(group="features", owners=OWNERS, tags={"layer": "features"})
    model = AssetLook(group="model", owners=OWNERS, tags={"layer": "model"})
    serve = AssetLook(group="serving", owners=OWNERS, tags={"layer": "serving"})
    fit = {"seed": settings.seed, "device": settings.device}
    families = competing(settings.families)
    tunable = [family for family in families if family in SPACES]
    tables = sorted({table for family in families for table in side_tables(registry[family])})
    assets = [
        source_files_asset(folder, _described(raw, "source_files", {"python", "deltalake"})),
        raw_events_asset(
            folder,
            replace(
                _described(raw, "raw_events", {"sql", "duckdb", "deltalake"}),
                partitions_def=EVENT_DAYS,
                backfill_policy=dg.BackfillPolicy.single_run(),
            ),
        ),
        *(
            raw_table_asset(folder, table, _described(raw, table, {"sql", "duckdb", "deltalake"}))
            for table in ("raw_users", "raw_items", "raw_promotions")
        ),
        *sql_group("clean", values, clean),
        *sql_group("features", values, features),
        *sql_group("model", values, model),
        frame_asset(
            graph.interaction_graph,
            look=AssetLook(group="graph", owners=OWNERS, tags={"layer": "graph"}, kinds=frozenset({"dgl"})),
        ),
        *(
            candidate_asset(
                registry[family],
                **fit,
                refit_tolerance=settings.refit_tolerance,
                full_fit_every=settings.full_fit_every,
                tuned=settings.tuned and family in tunable,
                look=_family_look(model, family, "chosen on validation, fitted on train and validation."),
            )
            for family in families
        ),
        *(
            tuning_asset(
                registry[family],
                **fit,
                trials=settings.trials,
                minutes=settings.tuning_minutes,
                look=_family_look(
                    AssetLook(
                        group=TUNING,
                        owners=OWNERS,
                        tags={"layer": "model"},
                        freshness_policy=_OFTEN_ENOUGH,
                    ),
                    family,
                    "a study of its parameters on validation; made on request only.",
                ),
            )
            for family in tunable
        ),
        frame_asset(
            evaluation.evaluation,
            parameters={"families": families},
            reads=("split", "interaction_graph", "user_profiles", *map(candidate_name, families)),
            columns=columns.EVALUATION,
            look=model,
        ),
        frame_asset(
            gate.gate,
            parameters={"seed": settings.seed},
            checks=gate.CHECKS,
            columns=columns.GATE,
            look=model,
        ),
        frame_asset(
            champion.champion,
            parameters=fit,
            reads=("gate", "split", "interaction_graph", *map(candidate_name, families), *tables),
            look=replace(model, kinds=frozenset({"pytorch"}), pool="gpu"),
        ),
        frame_asset(
            serving.recommendations,
            parameters={"top_k": settings.top_k},
            reads=("champion", "split", "interaction_graph", "item_profiles", "users"),
            checks=serving.RECOMMENDATION_CHECKS,
            columns=columns.RECOMMENDATIONS,
            look=serve,
        ),
        frame_asset(
            serving.similar_items,
            reads=("champion", "item_profiles"),
            columns=columns.SIMILAR_ITEMS,
            look=serve,
        ),
        *(
            frame_asset(function, reads=("champion",), columns=held, look=serve)
            for function, held in (
                (serving.user_embeddings, columns.USER_EMBEDDINGS),
                (serving.item_embeddings, columns.ITEM_EMBEDDINGS),
            )
        ),
        *report_assets(OWNERS),
    ]
    assets.append(
        retention_asset(
            settings,
            groups_of(assets),
            AssetLook(group=UPKEEP, owners=OWNERS, tags={"layer": "upkeep"}, deps=_SERVED),
        )
    )
    return PlatformAssets(assets, [reconciliation_check(raw_table) for raw_table in CLEAN_OF])


def _sql_values(source: Source, settings: Settings) -> Mapping[str, Any]:
    weeks = source.settings.holdout_weeks or settings.holdout_weeks
    return {**source.parameters(), "holdout_weeks": weeks}


def _family_look(look: AssetLook, family: str, what: str) -> AssetLook:
    """Families that learn by gradient take turns on the device."""
    by_gradient = registry[family].learns_by_gradient
    return replace(
        look,
        kinds=frozenset({"pytorch"} if by_gradient else {"scipy"}),
        pool="gpu" if by_gradient else None,
        description=f"The {family} family: {what}",
    )


def _described(look: AssetLook, name: str, kinds: set[str]) -> AssetLook:
    return replace(look, description=_RAW_DESCRIPTIONS[name], kinds=frozenset(kinds))
