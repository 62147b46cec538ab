"""A lake whose clock a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.lineage.lake.conftest import aws, processes, s3_access, s3_endpoint, s3_uri

__all__ = ["aws", "processes", "s3_access", "s3_endpoint", "s3_uri"]

ENGINE = Engine(memory_limit="500MB", threads=1)


class Nights:
    """A clock that begins now and is moved on by hand; files written meanwhile look old to it."""

    def __init__(self) -> None:
        self.now = datetime.now(timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, days: float = 1) -> None:
        """Let time go by."""
        self.now += timedelta(days=days)


@pytest.fixture
def nights() -> Nights:
    """The clock of `lake`."""
    return Nights()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def lake(request: pytest.FixtureRequest, tmp_path: Path, nights: Nights) -> Lake:
    """An empty lake in a folder, then one on S3."""
    uri = str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("s3_uri")
    return Lake(uri, ENGINE, nights)


@pytest.fixture
def folder_lake(tmp_path: Path, nights: Nights) -> Lake:
    """An empty lake in a folder."""
    return Lake(str(tmp_path / "lake"), ENGINE, nights)
