"""The asset that puts lineage to the proof, and its check, in any Dagster project."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import dagster as dg
import duckdb
import pytest

from recsys_lineage import lineage_proof
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.orchestration import lineage_proof as lineage_proofs
from recsys_lineage.progress import Progress, listening
from recsys_lineage.proof import rows as proof_of_rows
from recsys_lineage.proof import verify
from recsys_lineage.records.records import Records
from tests.lineage.project import Project, table

SPEND = "SELECT customer, sum(amount) AS spent FROM orders WHERE id > 0 GROUP BY customer"


def proved(
    project: Project, *assets: dg.AssetsDefinition, **how: Any
) -> tuple[dict[str, dict[str, Any]], bool]:
    """Rows of the proof by asset, and whether its check passed."""
    result = project.run(*assets, lineage_proof(assets, **how), only=["lineage_proof"])
    (check,) = [
        each for each in result.get_asset_check_evaluations() if each.check_name == "nothing_is_refuted"
    ]
    rows = project.frame("lineage_proof").to_dicts()
    return {row["asset"]: row for row in rows}, check.passed


def test_every_sql_asset_that_was_made_is_proved(project: Project) -> None:
    assets = [table("orders"), table("spend", SPEND), table("never", "SELECT spent FROM spend")]
    project.run(*assets, only=["orders", "spend"])
    rows, passed = proved(project, *assets)
    assert passed and rows.keys() == {"orders", "spend"}
    spend = rows["spend"]
    assert (spend["edges"], spend["possible"]) == (5, 6)
    assert (spend["shown"], spend["not_shown"], spend["refuted"]) == (2, [], [])
    assert spend["rows_tried"] == spend["rows_proved"] == 2 and not spend["rows_refuted"]
    assert spend["uncovered"] == []
    record = project.records.latest("lineage_proof")
    assert record is not None and {read.name for read in record.reads} == {"orders", "spend"}


def test_its_record_names_the_tables_that_were_sampled(project: Project) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    proved(project, *assets)
    record = project.records.latest("lineage_proof")
    version = project.lake.version("orders")
    assert record is not None
    sampled = [read for read in record.reads if read.columns is None]
    (read,) = sampled
    assert (read.name, read.version, read.purpose) == ("orders", version.version, "check")
    assert (read.rows, read.bytes) == (version.rows, version.bytes)


def test_a_proof_ends_by_its_time_limit_and_says_what_was_not_tried(project: Project) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    rows, passed = proved(project, *assets, seconds=1e-9)
    assert passed and [text for row in rows.values() for text in row["not_tried"]]
    columns, traces = rows["spend"]["not_tried"]
    assert "time limit was reached" in columns and "0 of 3 columns were changed" in columns
    assert "time limit was reached" in traces and "0 of 2 rows were traced" in traces
    assert rows["spend"]["rows_tried"] == 0
    assert proved(project, *assets, seconds=None)[0]["spend"]["not_tried"] == []


def test_an_asset_whose_code_was_edited_since_is_not_tried_and_the_others_are(project: Project) -> None:
    project.run(table("orders"), table("spend", SPEND))
    rows, passed = proved(project, table("orders"), table("spend", SPEND.replace("> 0", "> 1")))
    assert passed and rows["spend"]["not_tried"] == [
        "The code of spend is not the code that wrote version 0."
    ]
    assert rows["orders"]["not_tried"] == []


def test_it_says_of_each_asset_how_it_came_out_while_it_runs(project: Project) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    said: list[Progress] = []
    with listening(said.append):
        proved(project, *assets)
    lines = [moment.text for moment in said if moment.asset == "lineage_proof" and moment.kind == "step"]
    assert lines[-1] == "2 of 2, spend: 5 edges, 2 shown, 0 not shown, 0 refuted, 2 of 2 rows proved"


def test_what_is_soon_done_leaves_its_time_to_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def verified(*args: Any, seconds: float, **how: Any) -> Any:
        given.append(seconds)
        return verify(*args, seconds=seconds, **how)

    assets = [table("orders"), table("spend", SPEND), table("more", "SELECT spent FROM spend")]
    project.run(*assets)
    monkeypatch.setattr(lineage_proofs, "verify", verified)
    proved(project, *assets, seconds=600)
    assert given[0] == pytest.approx(200, abs=5) and given[1] > 210 and given[2] > 400


def test_what_takes_too_long_leaves_each_other_half_of_an_equal_part(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def verified(*args: Any, seconds: float, **how: Any) -> Any:
        given.append(seconds)
        time.sleep(0.6)
        return verify(*args, seconds=seconds, **how)

    assets = [table("orders"), table("spend", SPEND), table("more", "SELECT spent FROM spend")]
    project.run(*assets)
    monkeypatch.setattr(lineage_proofs, "verify", verified)
    proved(project, *assets, seconds=0.6)
    first, *others = given
    assert 0.1 < first <= 0.2, "an equal part of what was left when it began"
    assert others == pytest.approx([0.1, 0.1], rel=0.01)


def test_traces_that_were_given_up_are_said_not_to_be_tried(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    monkeypatch.setattr(proof_of_rows, "time_limit", interrupted)
    rows, passed = proved(project, *assets)
    assert passed and rows["spend"]["rows_proved"] == 0
    assert rows["spend"]["not_tried"] == ["2 traces were given up for time or memory"]


def test_a_record_that_leaves_out_an_edge_is_refuted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    get = Records.get

    def forgetful(self: Records, asset: str, version: int | None = None) -> Any:
        record = get(self, asset, version)
        edges = (ColumnEdge("orders", "customer", "DIRECT", "IDENTITY"),)
        return replace(record, column_lineage=dict.fromkeys(record.column_lineage, edges))

    monkeypatch.setattr(Records, "get", forgetful)
    rows, passed = proved(project, *assets)
    assert not passed
    assert any(
        text.startswith("orders.amount changes spent without an edge") for text in rows["spend"]["refuted"]
    )
