"""What the fork server loads once, so that steps start without paying for it again."""

import duckdb
import polars
import pyarrow

import recsys_assets.assets
import recsys_lineage.orchestration.asset_run

__all__ = ["duckdb", "polars", "pyarrow", "recsys_assets", "recsys_lineage"]
