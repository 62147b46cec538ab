"""Whatever Dagster runs, its stream is valid, and a catalog that takes it understands what the records say."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Output, Request
from recsys_lineage.openlineage.catalog.compare import compare
from recsys_lineage.openlineage.catalog.marquez import Marquez
from recsys_lineage.openlineage.translation.stream import Stream
from recsys_lineage.openlineage.validation import Report, validate
from recsys_lineage.openlineage.validation.spec import Spec
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.lineage_asset import AssetLook
from recsys_lineage.orchestration.recorded_runs import record_runs
from tests.lineage.openlineage.marquez import RunningMarquez, running_marquez
from tests.lineage.project import ORDERS, REUSE, Project, table

NAMES = ("orders", "spend", "best")


@pytest.fixture(scope="module")
def marquez() -> Iterator[RunningMarquez]:
    with running_marquez() as running:
        yield running


def assets(amount: int, fails: bool) -> list[dg.AssetsDefinition]:
    """A chain of tables, one of them by day; `amount` changes the first, `fails` stops the third."""

    def best(spend: pl.DataFrame) -> pl.DataFrame:
        if fails:
            raise ValueError("no such customer")
        return spend.sort("amount").tail(1)

    def daily(orders: pl.DataFrame, request: Request) -> Output:
        wanted = request.partitions or ["mon"]
        frame = orders.select("customer", "amount").join(pl.DataFrame({"day": wanted}), how="cross")
        return Output(frame, partition_by="day", partitions=wanted)

    return [
        table("orders", ORDERS.replace("10.0", f"{amount}.0")),
        table("spend", "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer"),
        frame_asset(best),
        frame_asset(daily, look=AssetLook(partitions_def=dg.StaticPartitionsDefinition(["mon", "tue"]))),
    ]


one_run = st.tuples(
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.booleans(),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from([None, None, "mon", "tue"]),
)


def run(project: Project, runs: Sequence[tuple[list[str], bool, int, bool, str | None]]) -> None:
    """The whole chain once, then what was drawn."""
    project.run(*assets(1, False)[:3])
    for some, fails, amount, reuse, day in runs:
        given_ = assets(amount, fails)
        project.run(*given_, only=some, tags=REUSE if reuse else None, raises=False)
        if day is not None:
            project.run(*given_, only=["daily"], partition=day, raises=False)
    record_runs(project.instance, project.lake, None)


def checked(project: Project, spec: Spec) -> tuple[Report, list[bytes]]:
    """What the validator says of the stream, and its bodies."""
    bodies = [message.body for message in Stream(project.lake).after(None)]
    return validate(io.BytesIO(b"\n".join(bodies)), spec), bodies


@pytest.mark.slow
@settings(max_examples=4, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(st.lists(one_run, max_size=2))
def test_a_stream_of_generated_runs_is_valid_and_understood(
    spec: Spec, marquez: RunningMarquez, runs: list[tuple[list[str], bool, int, bool, str | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral() as instance:
        project = Project(Path(folder), instance)
        run(project, runs)
        report, bodies = checked(project, spec)
        assert report.rules == {}, report.faults
        marquez.held.__init__()
        for body in bodies:
            assert requests.post(f"{marquez.url}/api/v1/lineage", body, timeout=300).status_code == 201
        assert compare(Marquez(marquez.url), [project.lake]).differences == ()
