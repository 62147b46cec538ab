"""A job of one table, whose runs complete the records as the platform's do."""

import os

import dagster as dg

from recsys_assets.launcher import locking_multiprocess_executor
from recsys_lineage.orchestration.lake_resource import LakeResource
from tests.lineage.project import table


def orders_job() -> dg.JobDefinition:
    """The job; `LAKE` names the lake."""
    lake = LakeResource(uri=os.environ["LAKE"], threads=1, memory_limit="500MB", code_location="shop")
    definitions = dg.Definitions(
        [table("orders")],
        resources={"lake": lake},
        jobs=[dg.define_asset_job("orders_job", selection=["orders"])],
        executor=locking_multiprocess_executor(lake),
    )
    return definitions.resolve_job_def("orders_job")
