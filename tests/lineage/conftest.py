"""A fresh project for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.lineage.code_tree import Tree
from tests.lineage.project import Project
from tests.lineage.small_disk import small_disk


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty lake and an instance that forgets everything at the end."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(tmp_path, instance)


@pytest.fixture
def stored_project(tmp_path: Path) -> Iterator[Project]:
    """An empty lake and an instance that keeps its runs and events in SQLite, as a user's does."""
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield Project(tmp_path, instance)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """An empty package that can be imported, and is forgotten at the end."""
    made = Tree.fresh(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == made.name]:
        del sys.modules[name]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted
