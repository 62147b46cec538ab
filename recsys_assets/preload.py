"""What the fork server loads once, so that steps start without paying for it again."""

from contextlib import suppress

import duckdb
import polars
import pyarrow

import recsys_assets.definitions
import recsys_lineage.orchestration.asset_run
from recsys_assets.assets.catalogue import all_assets
from recsys_assets.service.champions import Decided
from recsys_assets.settings import load_settings

__all__ = ["duckdb", "polars", "pyarrow", "recsys_assets", "recsys_lineage"]

# The code of the assets stays looked through. The lake is not opened for it: the threads of its readers do not survive
# a fork, and who waits for them waits for ever.
with suppress(
    Exception
):  # each step defines its assets anew, and says itself what is wrong with the settings
    all_assets(load_settings(), decided=Decided())
