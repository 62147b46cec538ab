"""Checks run on the draft: what a blocking one refuses never becomes visible."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster import AssetCheckSeverity

from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_empty, not_null, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.materialization import CheckOutcome
from tests.lineage.project import ORDERS, Project, table

POSITIVE = TableCheck(
    "amount_is_positive",
    "every amount is above zero",
    f"SELECT * FROM {OUTPUT} WHERE amount <= 0",
    blocking=True,
)
BAD_ORDERS = ORDERS.replace("20.0", "-20.0")


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def test_a_passing_check_is_shown_and_on_record(project: Project) -> None:
    result = project.run(table("orders", checks=[POSITIVE]))
    assert evaluations(result)["amount_is_positive"].passed
    _cleared, outcome = project.records.get("orders").checks
    assert (outcome.name, outcome.passed, outcome.blocking) == ("amount_is_positive", True, True)


def test_a_failing_blocking_check_leaves_the_version_before_visible(project: Project) -> None:
    project.run(table("orders", checks=[POSITIVE]))
    before = project.lake.version("orders")

    result = project.run(table("orders", BAD_ORDERS, checks=[POSITIVE]), raises=False)

    assert not result.success
    assert project.lake.version("orders") == before
    assert not evaluations(result)["amount_is_positive"].passed
    failed = list(project.records.runs("orders"))[-1]
    assert failed.status == "failed"
    assert failed.failure is not None and failed.failure.type == "BlockingCheckFailed"
    assert "orders was not committed: 1 rows break the rule" in failed.failure.message
    _cleared, outcome = failed.checks
    assert outcome.counts == {"rows": 1} and "amount" in outcome.columns
    assert "bob" not in str(outcome.to_json()), "a record holds no value of a row"
    failure = result.failure_data_for_node("orders")
    assert failure is not None and failure.user_failure_data is not None
    assert "every amount is above zero" in str(failure.user_failure_data.description)


def test_a_first_version_that_a_blocking_check_refuses_is_no_table(project: Project) -> None:
    project.run(table("orders", BAD_ORDERS, checks=[POSITIVE]), raises=False)
    assert not project.lake.has("orders")


def test_what_lies_downstream_of_a_refused_version_does_not_run(project: Project) -> None:
    result = project.run(
        table("orders", BAD_ORDERS, checks=[POSITIVE]),
        table("count", "SELECT count(*) AS n FROM orders"),
        raises=False,
    )
    assert not result.success
    assert not project.lake.has("count")


def test_a_failing_check_that_does_not_block_warns_and_the_version_is_written(project: Project) -> None:
    warning = TableCheck("amount_is_positive", "every amount is above zero", POSITIVE.sql)
    result = project.run(table("orders", BAD_ORDERS, checks=[warning]))
    assert result.success
    found = evaluations(result)["amount_is_positive"]
    assert not found.passed and found.severity == AssetCheckSeverity.WARN
    assert project.lake.version("orders").rows == 3


def test_a_check_may_look_at_the_assets_inputs(project: Project) -> None:
    nothing_lost = TableCheck(
        "nothing_lost",
        "every order has a line",
        f"SELECT id FROM orders EXCEPT SELECT id FROM {OUTPUT}",
        blocking=True,
    )
    lines = table("lines", "SELECT id FROM orders WHERE id < 3", checks=[nothing_lost])
    result = project.run(table("orders"), lines, raises=False)
    assert evaluations(result)["nothing_lost"].metadata["rows"].value == 1
    (record,) = project.records.runs("lines")
    assert {(read.name, read.purpose) for read in record.reads} == {("orders", "input"), ("orders", "check")}


def test_a_check_cannot_look_at_what_the_asset_does_not_depend_on(project: Project) -> None:
    nosy = TableCheck("nosy", "looks elsewhere", "SELECT * FROM secrets", blocking=True)
    project.run(table("secrets", "SELECT 1 AS x"))
    result = project.run(table("orders", checks=[nosy]), raises=False)
    failure = result.failure_data_for_node("orders")
    assert failure is not None and failure.user_failure_data is not None
    assert failure.user_failure_data.metadata["type"].value == "UndeclaredRead"


def test_a_check_may_be_a_function(project: Project) -> None:
    def at_least_five(inputs: Inputs) -> CheckOutcome:
        rows = inputs.query(f"SELECT count(*) AS n FROM {OUTPUT}")["n"][0]
        return CheckOutcome("at_least_five", rows >= 5, f"{rows} rows", blocking=True)

    check = TableCheck("at_least_five", "five rows or more", function=at_least_five, blocking=True)
    assert not project.run(table("orders", checks=[check]), raises=False).success
    assert not project.lake.has("orders")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (unique("id"), "SELECT unnest([1, 2]) AS id", "SELECT unnest([1, 1]) AS id"),
        (not_null("id"), "SELECT unnest([1, 2]) AS id", "SELECT unnest([1, NULL]) AS id"),
        (not_empty(), "SELECT 1 AS id", "SELECT 1 AS id WHERE false"),
    ],
)
def test_the_ready_made_checks(check: TableCheck, good: str, bad: str, project: Project) -> None:
    assert project.run(table("good", good, checks=[check])).success
    assert not project.run(table("bad", bad, checks=[check]), raises=False).success


def test_checks_that_are_counted_together_say_each_what_it_found(project: Project) -> None:
    double = TableCheck("twice", "each id once", f"SELECT id FROM {OUTPUT} GROUP BY id HAVING count(*) > 1")
    checks = [not_empty(), double, not_null("id", "place")]
    rows = "SELECT unnest([1, 1, 2, 2, 3]) AS id, unnest([NULL, NULL, NULL, 4, 5]) AS place"
    project.run(table("places", rows, checks=checks), raises=False)
    _cleared, *found = next(iter(project.records.runs("places"))).checks
    assert {outcome.name: outcome.counts["rows"] for outcome in found} == {
        "not_empty": 0,
        "twice": 2,
        "not_null_id_place": 3,
    }


def test_a_check_that_cannot_be_run_is_the_failure_beside_others_that_can(project: Project) -> None:
    wrong = TableCheck("of_another", "a column that is not there", f"SELECT * FROM {OUTPUT} WHERE elsewhere")
    result = project.run(table("ids", "SELECT 1 AS id", checks=[unique("id"), wrong]), raises=False)
    assert not result.success and not project.lake.has("ids")
    failed = next(iter(project.records.runs("ids")))
    assert failed.failure is not None and "Binder" in failed.failure.type
    assert [outcome.name for outcome in failed.checks if outcome.passed][-1] == "unique_id"
