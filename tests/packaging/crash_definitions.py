"""A code location whose one training holds the place in the pool until a file appears, run as the platform's are."""

import os
import time
from pathlib import Path

import dagster as dg

from recsys_assets.launcher import locking_multiprocess_executor
from recsys_assets.orphans import end_with_starter


@dg.asset(pool="gpu")
def training() -> None:
    """Goes on until it may end."""
    while not Path(os.environ["MAY_END"]).exists():
        time.sleep(0.05)


@dg.definitions
def defs() -> dg.Definitions:
    end_with_starter()
    return dg.Definitions(
        [training],
        jobs=[dg.define_asset_job("nightly", selection=[training])],
        executor=locking_multiprocess_executor().configured({"max_concurrent": 2}),
    )
