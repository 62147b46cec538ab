"""Preloading: what the fork server of a run imports and defines once, so that steps start quickly."""

from contextlib import ExitStack, suppress

import duckdb
import polars
import pyarrow

import recsys_assets.definitions
import recsys_lineage.orchestration.asset_run
from recsys_lineage.assets.reading.guarded_code import watch_libraries
from recsys_lineage.orchestration.sqlite_events import many_events

__all__ = ["duckdb", "polars", "pyarrow", "recsys_assets", "recsys_lineage"]

watch_libraries()
for_life = ExitStack()  # of each step's process, which tells Dagster of some twenty events
for_life.enter_context(many_events())
with suppress(Exception):  # each step then defines its assets itself, and says what is wrong
    recsys_assets.definitions.prepare()
