"""A small shop, built once; each test works on a copy of its home and its files."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from recsys_assets.cli.commands import app
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.platform.shop import SOURCE, write_shop

RECSYS = str(Path(sys.executable).with_name("recsys"))


@dataclass(frozen=True)
class Shop:
    """A home, a data folder, and the command `recsys` on both, each call in a process of its own."""

    home: Path
    data: Path
    source: Path = SOURCE

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the command is run with."""
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("RECSYS_", "DAGSTER_"))
        }
        return own | {
            "RECSYS_HOME": str(self.home),
            "RECSYS_SOURCE": str(self.source),
            "RECSYS_DATA": str(self.data),
            "RECSYS_THREADS": "1",
            "RECSYS_MEMORY_LIMIT": "500MB",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
        }

    def process(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, in a process of its own."""
        return subprocess.run(
            [RECSYS, *arguments],
            env=self.environment | variables,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def recsys(self, *arguments: str, **variables: str) -> Result:
        """Run the command to its end in this process, which spares it the imports."""
        before = dict(os.environ)
        folder = Path.cwd()
        try:
            os.environ.clear()
            os.environ.update(self.environment | variables)
            os.chdir(self.home.parent)
            return CliRunner().invoke(app, arguments)
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)

    def answer(self, *arguments: str) -> dict[str, Any]:
        """The JSON object that a successful command prints."""
        done = self.recsys(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    @property
    def lake(self) -> Lake:
        """The tables."""
        return Lake(str(self.home / "lake"), Engine(threads=1, memory_limit="500MB"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query over the latest versions of the lake's tables gives; tables are named `{like_this}`."""
        lake = self.lake
        names = {name: lake.relation(lake.version(name)) for name in lake.tables()}
        with lake.connect() as connection:
            return connection.sql(sql.format(**names)).fetchall()

    def tables(self) -> dict[str, dict[str, Any]]:
        """What `recsys status` says of each asset."""
        return self.answer("status")["assets"]


@contextmanager
def opened(shop: Shop, **variables: str) -> Iterator:
    """The shop's platform in this process."""
    from recsys_assets.instance import open_instance
    from recsys_assets.runs.platform import Platform
    from recsys_assets.settings import load_settings

    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(shop.environment | variables)
        settings = load_settings()
        with open_instance(settings) as instance:
            yield Platform(settings, instance)
    finally:
        os.environ.clear()
        os.environ.update(before)


def built_shop(folder: Path) -> Shop:
    """The shop with its whole graph materialized; made once for all workers of a test session."""
    shop = Shop(folder / "home", folder / "data")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = folder / "answer.json"
        if not answer.exists():
            shutil.rmtree(shop.home, ignore_errors=True)
            write_shop(shop.data)
            answer.write_text(json.dumps(shop.answer("demo")))
    return shop


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Shop:
    """The built shop; look, do not touch."""
    base = tmp_path_factory.getbasetemp()
    return built_shop((base if worker_id == "master" else base.parent) / "shop")


def copied(original: Shop, folder: Path) -> Shop:
    """A copy of a shop below another folder, to go on with."""
    copy = Shop(folder / "home", folder / "data", original.source)
    shutil.copytree(original.home, copy.home, symlinks=True)
    shutil.copytree(original.data, copy.data)
    return copy


@pytest.fixture
def shop(original: Shop, tmp_path: Path) -> Shop:
    """A copy of the built shop."""
    return copied(original, tmp_path)


@pytest.fixture
def new_shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop's files and no home yet."""
    yield Shop(tmp_path / "home", write_shop(tmp_path / "data"))
