"""The clean, features, model and feedback tables that are one SQL file each."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_assets.assets.clean.ids_in_one_way import IDS_IN_ONE_WAY
from recsys_assets.assets.clean.reconciliation import CLEAN_OF
from recsys_assets.assets.clean.rejections import most_rows_are_accepted, some_row_is_accepted
from recsys_assets.assets.clean.repeated_files import NO_FILE_REPEATS_ANOTHER
from recsys_assets.assets.clean.table_checks import (
    EVERY_FILE_COUNTS,
    ITEMS_JOIN,
    LINES_COUNT_ONCE,
    NO_CROWD,
    ONE_CLOCK,
    USERS_JOIN,
    behaviours_are_known,
    divided_by_weeks,
    every_subset_has_rows,
    no_alike_ids,
    no_scientific_ids,
    no_skipped_hour,
    target_occurs,
)
from recsys_assets.assets.feedback.drift_report import NOTHING_DRIFTED, drift_over_nights
from recsys_assets.assets.looks import look
from recsys_assets.assets.raw.file_contributions import EVENTS
from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.assets.run_options import setting_options
from recsys_assets.assets.serving.served_profiles import RECOMMENDATIONS_LOOK_AS_USUAL
from recsys_assets.settings import Settings
from recsys_assets.shop.source import Source
from recsys_assets.sql import load_sql, parameters_of, table_names
from recsys_assets.sql.load import FOLDER
from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_empty, not_null, unique
from recsys_lineage.orchestration.sql_asset import sql_asset
from recsys_lineage.sql.sql_text import SqlText

GROUPS = ("clean", "features", "model", "feedback")
WATCHED_DAYS = 120
"""Number of days of events whose profiles are kept: eight weeks to learn from, and a month to look back on."""
CHECKS: Mapping[str, tuple[TableCheck, ...]] = {
    "events": (
        not_null("event_time", "user_id", "item_id", "behaviour", "quantity", "_file", "_line"),
        TableCheck(
            "quantity_is_positive",
            "every accepted event has a quantity above zero",
            f"SELECT * FROM {OUTPUT} WHERE NOT quantity > 0",
            blocking=True,
        ),
        TableCheck(
            "returned_at_most_bought",
            "no event has more pieces returned than bought",
            f"SELECT * FROM {OUTPUT} WHERE returned_quantity > quantity",
            blocking=True,
        ),
        no_scientific_ids("user_id", "item_id"),
        IDS_IN_ONE_WAY,
        NO_CROWD,
        NO_FILE_REPEATS_ANOTHER,
    ),
    "users": (unique("user_id"), not_null("user_id", "_file", "_line"), no_scientific_ids("user_id")),
    "items": (unique("item_id"), not_null("item_id", "_file", "_line"), no_scientific_ids("item_id")),
    "promotions": (not_null("item_id", "_file", "_line"),),
    "rejected_rows": (not_null("table_name", "reason", "_file", "_line"), EVERY_FILE_COUNTS),
    "interactions": (not_empty(), unique("user_id", "item_id", "behaviour")),
    "user_profiles": (unique("user_id"), USERS_JOIN, no_alike_ids("user_id")),
    "item_profiles": (unique("item_id"), ITEMS_JOIN, no_alike_ids("item_id")),
    "user_sequences": (unique("user_id"),),
    "split": (
        unique("user_id", "item_id", "behaviour", "subset"),
        TableCheck(
            "every_subset_has_rows",
            "train, valid and test each have interactions",
            function=every_subset_has_rows,
            blocking=True,
        ),
    ),
    "day_profiles": (unique("night", "column_name", "bin"),),
    "drift_report": (unique("night", "column_name", "measure"), NOTHING_DRIFTED),
    "recommendation_drift": (
        unique("version", "column_name", "measure"),
        RECOMMENDATIONS_LOOK_AS_USUAL,
    ),
    "clicks_by_position": (unique("arm", "position"),),
    "search_quality": (
        unique("query"),
        TableCheck(
            "usual_queries_find_something",
            "no query that ten or more people typed finds nothing more often than something",
            f"SELECT searches, people, without_result FROM {OUTPUT} WHERE people >= 10 AND without_result > 0.5",
        ),
    ),
}
PERSONAL: Mapping[str, str] = {
    "events": "recommendations are made from what each customer did",
    "users": "what customers say about themselves",
    "rejected_rows": "rows as they arrived, so that none are lost",
    "interactions": "models learn from what each customer chose",
    "user_sequences": "models learn from the order in which each customer chose",
    "item_profiles": "the number of customers who bought a product; none is named",
    "user_profiles": "descriptions of each customer, for models and for the fairness of their results",
    "split": "what each customer did, divided for training and test",
    "day_profiles": "how many events of a day come from each country and age group; no customer is named",
    "search_quality": "queries that at least five people typed in the same words; nobody is named",
    "recommendation_drift": "by how much the shares of recommended items moved; no customer is named",
    "drift_report": "by how much the shares of countries and age groups moved; no customer is named",
}
"""Reasons why tables may hold personal data; a table without a reason here may not."""
WAITS_FOR: Mapping[str, tuple[str, ...]] = {"item_profiles": ("rejected_rows",)}
"""Assets that wait for a blocking check of a table that they do not read: the reconciliation of promotions."""

SHOWN = {
    "drift_report": drift_over_nights,
    "recommendation_drift": partial(drift_over_nights, table="recommendation_drift"),
}
"""Plots that Dagster shows with a table's materialization."""


def assets(source: Source, settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets of `sql/<group>/*.sql`, each with the values that its text names as `$parameter`."""
    weeks = source.settings.holdout_weeks or settings.holdout_weeks
    values = {**source.parameters(), "holdout_weeks": weeks, "days": WATCHED_DAYS}
    more = _checks_of_settings(source, weeks)
    return [
        _sql_table(group, name, values, (*CHECKS.get(name, ()), *more.get(name, ())))
        for group in GROUPS
        for name in table_names(group)
    ]


def _checks_of_settings(source: Source, weeks: int) -> Mapping[str, tuple[TableCheck, ...]]:
    """Checks that depend on the settings."""
    rules = source.settings
    named = (rules.default_behaviour, *filter(None, (rules.target_behaviour,)))
    clock = ONE_CLOCK if rules.time_zone == "UTC" else no_skipped_hour(rules.time_zone)
    values = source.parameters()
    most = {clean: (most_rows_are_accepted(raw, values),) for raw, clean in CLEAN_OF.items()}
    return {
        **most,
        "events": (
            some_row_is_accepted("raw_events", values),
            *most["events"],
            behaviours_are_known(named),
            clock,
            *((LINES_COUNT_ONCE,) if SourceFolder(source, Path()).shared_scans(EVENTS) else ()),
        ),
        "split": (target_occurs(rules.target_behaviour), divided_by_weeks(weeks)),
    }


@functools.cache
def _packaged(group: str, name: str) -> SqlText:
    """SQL file of this package; its text and analysis are cached for the life of the process."""
    return SqlText(load_sql(group, name), str(FOLDER / group / f"{name}.sql"))


def _sql_table(
    group: str, name: str, values: Mapping[str, Any], checks: tuple[TableCheck, ...]
) -> dg.AssetsDefinition:
    text = _packaged(group, name)
    parameters = parameters_of(text.text, values)
    return sql_asset(
        text,
        name=name,
        parameters=parameters,
        options=setting_options(parameters),
        checks=checks,
        look=look(group, deps=WAITS_FOR.get(name, ()), personal=PERSONAL.get(name), shown=SHOWN.get(name)),
    )
