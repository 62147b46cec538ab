"""Options: a run with other parameters makes what these make, its record says so, and the next run goes back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.asset_status import asset_statuses
from recsys_lineage.assets.materialize import attempt, materialize
from recsys_lineage.assets.options import Option, OptionRefused, set_parameters
from recsys_lineage.assets.reproduction import reproduce
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.orchestration.launch_config import launch_config
from tests.lineage.project import REUSE, Project, table


def even(value: Any) -> Any:
    """Refuses odd numbers."""
    if value % 2:
        raise ValueError(f"expected an even number, found {value}")
    return value


OPTIONS = {
    "factor": Option(int, 2, "by what amounts are multiplied", even),
    "more": {"plus": Option(float, 0.0, "what is added"), "name": Option(Literal["a", "b"], "a", "which")},
}
CHOSEN = table(
    "chosen",
    "SELECT * FROM orders WHERE amount > $least",
    parameters={"least": 15},
    options={"least": Option(int, 15, "amounts above it stay")},
)


def scaled(orders: pl.DataFrame, factor: int, more: dict[str, Any]) -> pl.DataFrame:
    """Amounts, scaled."""
    return orders.select(pl.col("amount").cast(pl.Float64) * factor + more.get("plus", 0.0))


SCALED = frame_asset(scaled, parameters={"factor": 2, "more": {}}, options=OPTIONS)
CODES = asset_codes([table("orders"), SCALED, CHOSEN])


def sums(project: Project) -> float:
    return float(project.frame("scaled")["amount"].sum())


@pytest.fixture
def made(project: Project) -> Project:
    """The project with its tables made once."""
    project.run(table("orders"), SCALED, CHOSEN)
    return project


def test_a_run_makes_what_it_asks_for_and_the_next_goes_back(made: Project) -> None:
    asked = {"factor": 4, "more": {"plus": 1.0, "name": "a"}}
    record = materialize(CODES["scaled"], made.lake, Request(options=asked)).record

    assert sums(made) == 4 * 60 + 3
    assert record.parameters == {"factor": 4, "more": {"plus": 1.0}}
    status = asset_statuses(CODES, made.records)["scaled"]
    assert status.stale == "its code or settings changed: it was made with other factor, more"
    again = attempt(CODES["scaled"], made.lake, Request(reuse=True, options=asked))
    assert again.record.status == "kept"
    assert reproduce(made.lake, CODES["scaled"]).identical

    materialize(CODES["scaled"], made.lake, Request(reuse=True))
    assert sums(made) == 120
    assert made.records.get("scaled").parameters == {"factor": 2, "more": {}}
    assert asset_statuses(CODES, made.records)["scaled"].stale is None


def test_sql_parameters_can_be_options_too(made: Project) -> None:
    materialize(CODES["chosen"], made.lake, Request(options={"least": 25}))
    assert made.frame("chosen")["id"].to_list() == [3]


@pytest.mark.parametrize("asked", [{"factor": 3}, {"factr": 4}, {"more": {"pluss": 1}}, {"more": {"x": 1}}])
def test_what_cannot_be_is_refused_recorded_and_nothing_is_made(asked: dict[str, Any], made: Project) -> None:
    outcome = attempt(CODES["scaled"], made.lake, Request(options=asked))
    assert isinstance(outcome.error, OptionRefused) and outcome.record.status == "failed"
    assert outcome.record.failure is not None and outcome.record.reads == ()
    assert made.lake.version("scaled").version == 0


VALUES = st.sampled_from([2, 2.0, 0, 0.0, 4, -6])


@given(
    st.fixed_dictionaries({}, optional={"factor": VALUES, "more": st.fixed_dictionaries({"plus": VALUES})})
)
def test_what_equals_the_defaults_is_not_asked_for(asked: dict[str, Any]) -> None:
    found = set_parameters("scaled", OPTIONS, asked)
    assert ("factor" in found) == (asked.get("factor", 2) != 2)
    assert ("more" in found) == (asked.get("more", {}).get("plus", 0) != 0)
    assert (CODES["scaled"].with_options(asked).code_version == CODES["scaled"].code_version) == (not found)


def test_dagsters_launchpad_has_types_defaults_and_words_and_its_config_reaches_the_run(
    made: Project,
) -> None:
    fields = launch_config(OPTIONS)
    assert fields is not None
    assert fields["factor"].default_value == 2
    assert fields["factor"].description == "by what amounts are multiplied"
    assert fields["factor"].config_type.given_name == "Int"
    assert fields["more"].default_value == {"plus": 0.0, "name": "a"}

    def run(config: dict[str, Any]) -> bool:
        return dg.materialize(
            [table("orders"), SCALED],
            selection=["scaled"],
            instance=made.instance,
            resources={"lake": made.resource},
            run_config={"ops": {"scaled": {"config": config}}},
            raise_on_error=False,
            tags=REUSE,
        ).success

    assert run({"factor": 6}) and sums(made) == 360
    assert not run({"factor": 5}) and sums(made) == 360
    assert run({}) and sums(made) == 120
    with pytest.raises(dg.DagsterInvalidConfigError, match="factr"):
        run({"factr": 6})
    with pytest.raises(dg.DagsterInvalidConfigError):
        run({"more": {"name": "c"}})


def test_every_annotation_has_a_type_that_takes_its_values() -> None:
    kinds = {
        "a": (int, 1), "b": (Annotated[float, "> 0"], 1), "c": (bool, True), "d": (str, "x"),
        "e": (int | None, None), "f": (int | Literal["auto"], "auto"), "g": (Literal["x", "y"], "y"),
        "h": (tuple[str, ...], ("p", "q")), "i": (list[str] | None, ["r"]), "j": (dict[str, Any], {"k": 1}),
    }  # fmt: skip
    schema = launch_config({name: Option(kind, default, name) for name, (kind, default) in kinds.items()})

    @dg.op(config_schema=schema)
    def told(context):
        return dict(context.op_config)

    result = dg.GraphDefinition("whole", node_defs=[told]).to_job().execute_in_process()
    found = result.output_for_node("told")
    assert found == {name: list(d) if isinstance(d, tuple) else d for name, (_, d) in kinds.items()}
