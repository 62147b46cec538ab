"""Lakes that earlier code wrote are read, explained, reproduced and written on by today's."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_lineage.assets.reproduction import reproduce
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.records.materialization import FORMAT
from recsys_lineage.records.staleness import why_stale
from tests.lineage.fixtures.make_lake import assets
from tests.lineage.project import Project

FIXTURES = Path(__file__).with_name("fixtures")
KEPT = sorted(FIXTURES.glob("lake-format-*.zip"))


@pytest.fixture(params=KEPT, ids=lambda path: path.stem)
def kept(request: pytest.FixtureRequest, project: Project) -> Project:
    """A project that goes on with a lake which an earlier version of the code left."""
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(Path(project.lake.uri))
    return project


def expected(project: Project) -> dict[str, Any]:
    return json.loads((Path(project.lake.uri) / "expected.json").read_text())


def test_there_is_a_lake_of_each_format() -> None:
    assert [path.stem for path in KEPT] == [f"lake-format-{n}" for n in range(1, FORMAT + 1)]


def test_no_folder_of_the_machine_that_made_it(kept: Project) -> None:
    texts = [json.dumps(record.to_json()) for record in kept.records.read()[0]]
    assert texts and not [text for text in texts if "/work/" in text or "/root/" in text or "/home/" in text]


def test_every_version_still_holds_the_same_rows(kept: Project) -> None:
    told = expected(kept)
    for name, fingerprints in told["fingerprints"].items():
        for number, fingerprint in enumerate(fingerprints):
            version = kept.lake.version(name, number)
            rows = json.loads(json.dumps(kept.lake.arrow(version).to_pylist(), default=str))
            assert version.fingerprint == fingerprint and rows == told["rows"][name][number], (name, number)


def test_every_record_reads(kept: Project) -> None:
    records, _ = kept.records.read()
    assert {record.status for record in records} == {"success", "failed"}
    for record in records:
        if record.version is not None:
            carried = kept.records.get(record.asset, record.version)
            assert (
                carried == record
                and carried.fingerprint == kept.lake.version(record.asset, record.version).fingerprint
            )
    assert kept.records.sync() == 0, "the rows are all there"


def test_what_lineage_owns_stands_in_fields(kept: Project) -> None:
    watched, doubled = kept.records.get("watched"), kept.records.get("doubled", 0)
    assert watched.observed == "state 1" and watched.statistics == {}
    assert doubled.statistics == {"orders": 2} and doubled.parameters == {"factor": 2.0}
    assert [(read.name, read.version, read.purpose) for read in doubled.reads] == [("orders", 0, "input")]
    counter = kept.records.get("counter", 1)
    assert counter.continued
    assert sorted((read.name, read.version, read.purpose) for read in counter.reads) == [
        ("counter", 0, "previous"),
        ("orders", 1, "input"),
    ]
    assert str(kept.records.get("large").parameters["since"]) == "2024-01-01"
    assert kept.records.get("by_day").partitions == ("2024-01-01",)


def test_failures_are_told(kept: Project) -> None:
    (broken,), (refused,) = (list(kept.records.runs(name)) for name in ("broken", "refused"))
    assert broken.failure is not None and broken.failure.type == "ValueError"
    assert broken.failure.message == "the factory is closed"
    assert refused.failure is not None and refused.failure.type == "BlockingCheckFailed"
    assert [(check.name, check.passed, check.blocking) for check in refused.checks] == [
        ("small", False, True)
    ]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "version"), [("large", 0), ("doubled", 0), ("counter", 1), ("by_day", 0)])
def test_a_version_is_reproduced(kept: Project, name: str, version: int) -> None:
    code = code_of(assets()[name])
    assert code is not None
    assert reproduce(kept.lake, code, version, other_code=True).identical


def test_the_lake_goes_on(kept: Project) -> None:
    before = {name: kept.lake.version(name).version for name in expected(kept)["fingerprints"]}
    told = len(kept.records.read()[0])
    made = assets(99.0)
    chosen = [made[name] for name in ("orders", "large", "doubled", "counter")]
    assert kept.run(*chosen, tags={"lineage/continue": "true"}).success
    assert kept.records.get("large").version == before["large"] + 1
    assert kept.records.get("counter").read("orders") is not None
    records, _ = kept.records.read()
    assert len(records) == told + 4
    assert kept.frame("doubled")["amount"].to_list() == [198.0, 40.0]
    test_every_version_still_holds_the_same_rows(kept)


def test_why_a_table_is_stale_is_still_told(kept: Project) -> None:
    record = kept.records.get("doubled")
    asked = {"code_version": record.code_version, "upstream": ["orders"]}
    assert why_stale(kept.records, "doubled", **asked) is None
    kept.lake.write_arrow("orders", pl.DataFrame({"id": [1], "customer": ["eve"], "amount": [1.0]}))
    reason = why_stale(kept.records, "doubled", **asked)
    assert reason is not None and "orders" in reason
