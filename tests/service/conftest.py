"""The small shop's home, built once; each test works on a copy."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys_assets.service.opened_service import Service
from tests.service.running import Customer, served
from tests.service.small_shop import build


@pytest.fixture(scope="session")
def original_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built home, made once for all workers of a test session; look, do not touch."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "served"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            shutil.rmtree(folder / "home", ignore_errors=True)
            build(folder / "home")
            (folder / "built").touch()
    return folder / "home"


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
