"""Each test starts without settings of its own and leaves the environment as it found it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys_assets.settings import Settings, variable
from tests.packaging.stack import running_postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    for name in (*map(variable, Settings.model_fields), "DAGSTER_HOME"):
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that no `.env` of the developer is read."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a Postgres of its own."""
    with running_postgres() as url:
        yield url
