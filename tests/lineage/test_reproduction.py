"""A version of a table is made again from its record: from the same versions, with the same parameters."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage.assets.asset_code import CONTINUE_TAG, Output, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reproduction import CannotReproduce, reproduce
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.materialization import CheckOutcome
from recsys_lineage.retention.holds import Holds
from recsys_lineage.retention.needs import pruned_needs
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import prune
from tests.lineage.project import ORDERS, Project, table

OTHER_ORDERS = ORDERS.replace("30.0", "31.0")
TOTALS = "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer"


def scaled(orders: pl.DataFrame, factor: float) -> pl.DataFrame:
    return orders.select("id", pl.col("amount") * factor)


def counter(inputs: Inputs, orders: pl.DataFrame, request: Request) -> Output:
    """Adds the orders' sum to what the table held before, where the run lets it."""
    before = 0.0
    previous = inputs.previous() if request.continues else None
    if previous is not None:
        before = previous.frame()["total"][0]
    return Output(pl.DataFrame({"total": [before + float(orders["amount"].sum())]}))


def code(asset):
    found = code_of(asset)
    assert found is not None
    return found


def test_a_version_is_made_again_from_the_versions_it_was_made_of(project: Project) -> None:
    totals = table("totals", TOTALS)
    project.run(table("orders"), totals)
    project.run(table("orders", OTHER_ORDERS))
    versions = project.lake.version("totals").version

    again = reproduce(project.lake, code(totals), 0)

    assert again.identical and again.now == project.lake.version("totals", 0).fingerprint
    assert [(read.name, read.version) for read in again.reads] == [("orders", 0)]
    assert project.lake.version("totals").version == versions, "nothing is committed"


def test_the_parameters_are_those_of_then(project: Project) -> None:
    project.run(table("orders"), frame_asset(scaled, parameters={"factor": 2.0}))
    again = reproduce(project.lake, code(frame_asset(scaled, parameters={"factor": 3.0})))
    assert again.identical
    assert again.code_version == project.records.get("scaled").code_version


def test_other_code_is_refused_by_both_names_and_goes_on_when_told_to(project: Project) -> None:
    project.run(table("orders"), table("totals", TOTALS))
    other = code(table("totals", TOTALS.replace("sum", "max")))
    then = project.records.get("totals").code_version

    with pytest.raises(CannotReproduce) as refused:
        reproduce(project.lake, other)
    assert then in str(refused.value) and other.code_version in str(refused.value)
    assert "abc123" in str(refused.value), "the commit to check out"

    again = reproduce(project.lake, other, other_code=True)
    assert not again.identical
    assert again.before == project.lake.version("totals").fingerprint


def test_an_input_that_is_gone_is_named(project: Project) -> None:
    totals = table("totals", TOTALS)
    project.run(table("orders"), totals)
    for path in Path(project.lake.table_uri("orders")).glob("*.parquet"):
        path.unlink()
    with pytest.raises(LineageError, match="orders"):
        reproduce(project.lake, code(totals))
    shutil.rmtree(project.lake.table_uri("orders"))
    with pytest.raises(LineageError, match="orders"):
        reproduce(project.lake, code(totals))


def test_an_input_that_was_tampered_with_is_refused(project: Project) -> None:
    totals = table("totals", TOTALS)
    project.run(table("orders"), totals)
    shutil.rmtree(project.lake.table_uri("orders"))
    project.run(table("orders", OTHER_ORDERS))
    with pytest.raises(CannotReproduce, match="is not the one that totals read"):
        reproduce(project.lake, code(totals))


def test_a_run_that_may_continue_reads_its_own_previous_version_and_so_does_its_reproduction(
    project: Project,
) -> None:
    asset = frame_asset(counter)
    project.run(table("orders"), asset)
    project.run(table("orders"), asset, tags={CONTINUE_TAG: "true"})
    project.run(table("orders"), asset)
    assert [version.version for version in project.lake.versions("counter")] == [0, 1, 2]

    record = project.records.get("counter", 1)
    assert [(read.name, read.version) for read in record.reads] == [("counter", 0), ("orders", 1)]
    assert project.records.get("counter", 2).read("counter", "previous") is None
    for version in range(3):
        assert reproduce(project.lake, code(asset), version).identical


def test_reading_its_own_table_as_if_it_were_another_is_an_undeclared_read(project: Project) -> None:
    def greedy(inputs: Inputs, orders: pl.DataFrame, again: bool) -> pl.DataFrame:
        return inputs.frame("greedy") if again else orders

    project.run(table("orders"), frame_asset(greedy, parameters={"again": False}))
    project.run(table("orders"), frame_asset(greedy, parameters={"again": True}), raises=False)
    *_, failed = project.records.runs("greedy")
    assert failed.failure is not None and failed.failure.type == "UndeclaredRead"


def test_an_asset_that_looks_at_the_world_outside_is_refused(project: Project) -> None:
    asset = frame_asset(outside, observe=lambda: "same")
    project.run(asset)
    with pytest.raises(CannotReproduce, match="outside the lake"):
        reproduce(project.lake, code(asset))


def outside() -> pl.DataFrame:
    return pl.DataFrame({"x": [1]})


def passes(inputs: Inputs, orders: pl.DataFrame, request: Request) -> Output:
    """Counts its own runs, from what the record of the previous version says."""
    previous = inputs.previous() if request.continues else None
    runs = 1 if previous is None else 1 + previous.record.statistics["runs"]
    return Output(pl.DataFrame({"orders": [orders.height], "runs": [runs]}), statistics={"runs": runs})


def test_what_a_prune_leaves_for_a_held_version_suffices_to_make_it_again(
    project: Project, tmp_path: Path
) -> None:
    """Neither what only a check had read is needed, nor the files of a version of which the record sufficed."""
    names = tmp_path / "names.csv"
    names.write_text("name\nann\n")

    def of_the_file(inputs: Inputs) -> CheckOutcome:
        inputs.note_file(names)
        return CheckOutcome("named", True, "one name")

    checks = [
        TableCheck("within", "few enough", "SELECT * FROM output WHERE runs > (SELECT most FROM limits)"),
        TableCheck("named", "a file", function=of_the_file),
    ]
    assets = [
        table("orders"),
        table("limits", "SELECT 10 AS most"),
        frame_asset(passes, reads=["limits"], checks=checks),
    ]
    project.run(*assets)
    project.run(*assets, only=["passes"], tags={CONTINUE_TAG: "true"})
    record = project.records.get("passes", 1)
    reads = {(read.name.rpartition("/")[2], read.purpose) for read in record.reads}
    assert {("limits", "check"), ("names.csv", "check"), ("passes", "previous"), ("orders", "input")} <= reads
    Holds(project.lake).place("passes", 1, who="ann", reason="an audit")
    project.run(table("orders", OTHER_ORDERS), table("limits", "SELECT 11 AS most"), assets[2])
    prune(project.lake, lambda _: Policy(0), grace=timedelta(0))
    gone = {name: set(project.lake.pruned(name).all()) for name in ("orders", "limits", "passes")}
    assert gone == {"orders": set(), "limits": {0}, "passes": {0}}
    assert pruned_needs(project.lake, "passes", 1) == []
    assert reproduce(project.lake, code(assets[2]), 1).identical
    assert pruned_needs(project.lake, "passes", 0) == [("passes", 0)]
