"""A lake for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_lineage.lake.lake import Lake
from tests.lineage.records.record_writers import ENGINE


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(str(tmp_path / "lake"), ENGINE)
