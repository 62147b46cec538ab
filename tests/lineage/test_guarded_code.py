"""Whatever Python runs for an asset, a check or a report opens only what a record names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import Output, Query
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.project import ORDERS, Project, table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that nobody declared."""
    path = tmp_path / "data" / "limits.csv"
    path.parent.mkdir()
    path.write_text("most\n5\n")
    return path


def check(look: Callable[[Inputs], object]) -> TableCheck:
    def within_limits(inputs: Inputs) -> CheckOutcome:
        look(inputs)
        return CheckOutcome("within_limits", inputs.query(f"FROM {OUTPUT}").height < 5, "looked")

    return TableCheck("within_limits", "there are few rows", function=within_limits)


@pytest.mark.parametrize("read", [Path.read_text, pl.read_csv], ids=["Python", "native code"])
def test_a_check_opens_no_file_by_itself(
    project: Project, path: Path, read: Callable[[Path], object]
) -> None:
    with pytest.raises(UnnotedFile) as raised:
        materialize(
            sql_code(SqlText(ORDERS), name="orders", checks=[check(lambda _: read(path))]), project.lake
        )
    assert raised.value.found == str(path)
    assert raised.value.where is not None and raised.value.where.startswith(__file__)
    (record,) = project.records.runs("orders")
    assert record.status == "failed" and not project.lake.has("orders")


def test_a_file_is_a_read_for_each_purpose_that_it_was_read_for(project: Project, path: Path) -> None:
    def limits(inputs: Inputs) -> pl.DataFrame:
        with inputs.open_file(path) as file:
            return pl.read_csv(file)

    noted = check(lambda inputs: inputs.open_file(path).close())
    record = materialize(frame_code(limits, checks=[noted]), project.lake).record
    assert [(read.name, read.purpose) for read in record.reads] == [
        (str(path), "check"),
        (str(path), "input"),
    ]


def test_what_is_written_instead_of_a_failing_statement_is_guarded_too(project: Project, path: Path) -> None:
    def other(error: Exception) -> Output:
        assert isinstance(error, duckdb.ConversionException)
        return Output(pl.DataFrame({"n": [len(path.read_text())]}))

    def numbers() -> Output:
        return Output(Query("SELECT CAST('x' AS INTEGER) AS n"), otherwise=other)

    with pytest.raises(UnnotedFile):
        materialize(frame_code(numbers), project.lake)


@pytest.mark.parametrize("blocks", [False, True])
def test_what_is_written_instead_may_be_of_any_kind(project: Project, blocks: bool) -> None:
    frame = pl.DataFrame({"n": [1, 2]})

    def numbers() -> Output:
        instead = Output(iter([frame]) if blocks else frame.lazy())
        return Output(Query("SELECT CAST('x' AS INTEGER) AS n"), otherwise=lambda _: instead)

    version = materialize(frame_code(numbers), project.lake).version
    assert version is not None and version.rows == 2


def test_a_check_of_its_own_and_a_report_are_guarded_too(
    project: Project, path: Path, tmp_path: Path
) -> None:
    def looking(block: Callable[[], object], folders: list[Path]) -> bool:
        @dg.asset_check(asset="orders", required_resource_keys={"lake"})
        def looks(context) -> dg.AssetCheckResult:  # Dagster does not resolve an annotation that is a text
            lake: LakeResource = context.resources.lake
            code = Code("python", "def looks(): ...", "checks.py:1")
            with recorded(
                context, lake, "orders", code, "1", ["orders"], kind="check", folders=folders
            ) as its:
                assert its.inputs.lazy("orders").collect().height == 3
                block()
            return dg.AssetCheckResult(passed=True)

        definitions = dg.Definitions(
            [table("orders")], asset_checks=[looks], resources={"lake": project.resource}
        )
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=project.instance, raise_on_error=False).success

    assert looking(lambda: None, [])
    assert not looking(path.read_text, [])
    last = Records(project.lake).read()[0][-1]
    assert last.failure is not None and last.failure.type == "UnnotedFile"
    assert not looking(lambda: path.with_name("new").write_text("x"), [])
    assert looking(lambda: path.with_name("new").write_text("x"), [path.parent])
