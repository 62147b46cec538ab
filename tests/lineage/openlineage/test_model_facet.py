"""The facet of trained models: what a record knows of a model, by a schema that is published."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from recsys_lineage.openlineage.facets import model
from recsys_lineage.openlineage.facets.facet import PRODUCER, REPOSITORY
from recsys_lineage.openlineage.facets.model import TrainedModelDatasetFacet
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.records.materialization import Materialization, TrainingData
from tests.lineage.openlineage.official_schemas import OWN, ROOT, faults, needs_specification
from tests.lineage.records.made_records import record

STATISTICS: dict[str, Any] = {
    "family": "lightgcn", "seed": 7, "params": {"layers": 3}, "validation ndcg@20": 0.16, "how": "full fit",
    "resumed": False, "gate": {"difference": 0.01, "challenger": "lightgcn"},
}  # fmt: skip


def trained(asset: str) -> Materialization:
    return record(
        asset, status="success", version=3, lake="/lake", parameters={"device": "cpu"}, statistics=STATISTICS,
        trained_on=(TrainingData("split", 2, "subset = 'train'", 100),),
    )  # fmt: skip


def facet_of(made: Materialization) -> dict[str, Any]:
    (output,) = events(made, EventOptions())[-1]["outputs"]
    assert output["facets"]["datasetType"]["datasetType"] == "MODEL"
    return output["facets"][model.NAME]


@pytest.mark.parametrize(("asset", "role"), [("candidate_lightgcn", "candidate"), ("champion", "champion")])
def test_a_model_is_told_with_what_its_record_knows(asset: str, role: str) -> None:
    told = {name: value for name, value in facet_of(trained(asset)).items() if not name.startswith("_")}
    assert told == {
        "role": role,
        "family": "lightgcn",
        "seed": 7,
        "parameters": {"device": "cpu", "layers": 3},
        "metrics": {"validation ndcg@20": 0.16, "gate.difference": 0.01},
        "trainedOn": [
            {
                "namespace": "file",
                "name": "/lake/split",
                "version": "2",
                "rows": 100,
                "predicate": "subset = 'train'",
            }
        ],
    }


def test_what_was_trained_on_nothing_is_a_table() -> None:
    (output,) = events(replace(trained("champion"), trained_on=()), EventOptions())[-1]["outputs"]
    assert output["facets"]["datasetType"]["datasetType"] == "TABLE" and model.NAME not in output["facets"]


def test_the_published_schema_is_the_packages_and_names_itself() -> None:
    path = Path(model.SCHEMA).relative_to("schemas")
    text = (OWN / path).read_text()
    assert (ROOT / "docs" / "schemas" / "openlineage" / path).read_text() == text
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    address, _, fragment = TrainedModelDatasetFacet._get_schema().partition("#")
    assert schema["$id"] == address and [*schema["properties"]] == [model.NAME]
    assert fragment == f"/$defs/{next(iter(schema['$defs']))}"


def test_events_name_the_repository_that_the_project_says_is_its_own() -> None:
    """One address, whoever publishes it: in pyproject.toml, as the producer of events, and of this project's schema."""
    url = f"https://github.com/{REPOSITORY}"
    assert f'\nRepository = "{url}"\n' in (ROOT / "pyproject.toml").read_text()
    assert PRODUCER.startswith(f"{url}/")
    assert json.loads((OWN / "1-0-0" / "TrainedModelDatasetFacet.json").read_text())["$id"].startswith(
        f"https://raw.githubusercontent.com/{REPOSITORY}/"
    )


@needs_specification
def test_the_schema_refuses_a_model_without_its_role() -> None:
    event = events(trained("champion"), EventOptions())[-1]
    assert faults(event) == []
    del event["outputs"][0]["facets"][model.NAME]["role"]
    assert any("role" in fault for fault in faults(event))
