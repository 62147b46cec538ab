"""The whole asset graph as one file: `asset_graph.json` beside this test shows what a change does to it.

`python -m tests.platform.test_graph` writes it anew.
"""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recsys_assets.definitions import build_definitions
from recsys_assets.settings import load_settings
from tests.platform.shop import SOURCE, write_shop

SNAPSHOT = Path(__file__).with_name("asset_graph.json")


_FOLDER = tempfile.TemporaryDirectory(prefix="graph-")  # goes with the process


@cache
def definitions() -> dg.Definitions:
    """The platform's definitions for the small shop."""
    folder = Path(_FOLDER.name)
    return build_definitions(
        load_settings(home=folder / "home", data=write_shop(folder / "data"), source=str(SOURCE))
    )


def graph() -> dict[str, Any]:
    """All that a person sees of the graph before anything runs."""
    found = definitions()
    layer = found.resolve_asset_graph()
    assets = {}
    for key in sorted(layer.executable_asset_keys):
        node = layer.get(key)
        partitions = node.partitions_def
        assets[key.to_user_string()] = {
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "group": node.group_name,
            "owners": sorted(node.owners),
            "kinds": sorted(node.kinds),
            "tags": {name: value for name, value in node.tags.items() if not name.startswith("dagster/")},
            "partitions": type(partitions).__name__ if partitions else None,
            "automation": node.automation_condition.get_label() if node.automation_condition else None,
            "pools": sorted(node.pools or ()),
            "checks": {
                check.name: "blocking" if layer.get_check_spec(check).blocking else "warning"
                for check in sorted(node.check_keys, key=lambda check: check.name)
            },
        }
    repository = found.get_repository_def()
    return {
        "assets": assets,
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": {
            schedule.name: [
                schedule.cron_schedule,
                schedule.execution_timezone,
                schedule.default_status.value,
            ]
            for schedule in repository.schedule_defs
        },
        "sensors": {sensor.name: sensor.default_status.value for sensor in repository.sensor_defs},
    }


def test_the_graph_is_the_one_on_file() -> None:
    assert graph() == json.loads(SNAPSHOT.read_text()), (
        "if the change is meant: python -m tests.platform.test_graph"
    )


def test_the_definitions_load() -> None:
    dg.Definitions.validate_loadable(definitions())


def specs() -> list[dg.AssetSpec]:
    return list(definitions().resolve_all_asset_specs())


@pytest.mark.parametrize(
    "said", ["description", "owners", "group_name", "code_version", "kinds", "freshness_policy"]
)
def test_every_asset_says(said: str) -> None:
    silent = [spec.key.to_user_string() for spec in specs() if not getattr(spec, said)]
    assert silent == []


def test_every_description_is_a_sentence() -> None:
    for spec in specs():
        first = (spec.description or "").splitlines()[0]
        assert len(first) > 20 and not first.startswith("column:"), spec.key
        assert spec.description == inspect.cleandoc(spec.description or ""), f"{spec.key}: shown as a listing"
        assert not re.search(r"^\w+:$", spec.description or "", re.MULTILINE), (
            f"{spec.key}: tells callers what to give"
        )


def test_every_check_says_what_must_be_true() -> None:
    layer = definitions().resolve_asset_graph()
    silent = [
        str(check)
        for key in layer.executable_asset_keys
        for check in layer.get(key).check_keys
        if not layer.get_check_spec(check).description
    ]
    assert silent == []


def test_every_check_of_its_own_leaves_a_record() -> None:
    """Those of an asset stand in its record."""
    checks = definitions().asset_checks or ()
    assert checks
    for check in checks:
        assert isinstance(check, dg.AssetChecksDefinition)
        function = getattr(check.op.compute_fn, "decorated_fn")  # noqa: B009  (Dagster's type does not say it)
        assert "recorded" in function.__code__.co_names, check.node_def.name


def test_every_source_table_has_its_blocking_reconciliation() -> None:
    checks = {name: kind for asset in graph()["assets"].values() for name, kind in asset["checks"].items()}
    for table in ("events", "users", "items", "promotions"):
        assert checks[f"{table}_accepted_plus_rejected_is_read"] == "blocking"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(graph(), indent=1, sort_keys=True) + "\n")
