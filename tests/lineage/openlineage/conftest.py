"""The official schemas, and the recorded answers of a real Marquez, which lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_lineage.openlineage.validation.spec import Spec

SHARED = Path(__file__).parents[4] / "shared"
SPEC = SHARED / "openlineage" / "spec"
RECORDED = SHARED / "marquez" / "recorded.jsonl"


@pytest.fixture(scope="session")
def spec() -> Spec:
    """The official schemas."""
    if not SPEC.is_dir():
        pytest.skip(f"needs the schemas of OpenLineage in {SPEC}")
    return Spec(str(SPEC))


@pytest.fixture(scope="session")
def recorded() -> Path:
    """What was asked of a running Marquez, and its answers."""
    if not RECORDED.is_file():
        pytest.skip(f"needs the recorded answers of a Marquez in {RECORDED}")
    return RECORDED
