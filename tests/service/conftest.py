"""The small shop's home, built once; each test works on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys_assets.service.opened_service import Service
from tests.service.running import Customer, served
from tests.service.small_shop import build


@pytest.fixture(scope="session")
def original_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built home; look, do not touch."""
    return build(tmp_path_factory.mktemp("served") / "home")


@pytest.fixture
def home(original_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the built home."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(original_home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def kept_home(original_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the built home for tests of a module that leave it as it is."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(original_home, folder / "home")
    with pytest.MonkeyPatch.context() as moved:
        moved.chdir(folder)
        yield folder / "home"


@pytest.fixture
def running(home: Path) -> Iterator[tuple[Customer, Service]]:
    """A service of the home, and a customer of it."""
    with served(home) as found:
        yield found


@pytest.fixture
def customer(running: tuple[Customer, Service]) -> Customer:
    return running[0]


@pytest.fixture(scope="module")
def kept_port(kept_home: Path) -> Iterator[int]:
    """Where a service listens that a module's tests share; they ask, and tell what changes no other's answer."""
    with served(kept_home) as (customer, _):
        yield customer.port


@pytest.fixture
def kept_customer(kept_port: int) -> Customer:
    """A customer of the shared service, with a connection of its own."""
    return Customer(kept_port)
