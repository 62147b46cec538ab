"""The services of docker-compose.yml as processes of this machine, and a Postgres for them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from tests.packaging.processes import free_port, wait_for

ROOT = Path(__file__).parents[2]
PASSWORD = "open-sesame"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
MODULE = "recsys_assets.definitions"
PATIENCE = 600.0
"""Seconds to wait for what takes a few on an idle machine."""


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Compose's own rules for `${NAME}`, `${NAME:-default}`, `${NAME:+instead}` and `${NAME:?message}`."""

    def value(match: re.Match[str]) -> str:
        name, rule, word = match.group(1), match.group(2), match.group(3) or ""
        given = variables.get(name, "")
        if rule == ":+":
            return word if given else ""
        if rule == ":?" and not given:
            raise KeyError(f"{name}: {word}")
        return given or word

    return re.sub(r"\$\{(\w+)(?:(:[-+?])([^}]*))?\}", value, text)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a Postgres of its own."""
    if POSTGRES is None:
        pytest.skip("needs Debian's postgresql, which .ci/run installs")
    # Postgres refuses to run as root, and another user cannot enter pytest's folders.
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="recsys-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if user:
        for path in (folder, secret):
            shutil.chown(path, user)
    data, port = folder / "data", free_port()
    initdb = [str(POSTGRES / "initdb"), "-D", str(data), "-U", "recsys", "-A", "scram-sha-256"]
    subprocess.run(
        [*initdb, "--pwfile", str(secret), "--no-sync"],
        user=user,
        cwd=folder,
        check=True,
        capture_output=True,
    )
    url = f"postgresql://recsys:{PASSWORD}@127.0.0.1:{port}/postgres"
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-p", str(port), "-k", str(folder)]
    server = subprocess.Popen(
        [str(POSTGRES / "postgres"), "-D", str(data), *options],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )

    def answers() -> bool:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            return False
        return True

    try:
        wait_for(answers, 30)
        yield url
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


class Stack:
    """The services of docker-compose.yml but Postgres, as processes of this machine."""

    def __init__(self, folder: Path, postgres_url: str, module: str = MODULE, **variables: str) -> None:
        """`module` is served instead of the platform's definitions; `variables` are settings of every process."""
        self.module, self.variables = module, variables
        self.home, self.folder = folder / "home", folder
        self.ports = {"3000": str(free_port()), "4000": str(free_port())}
        self.url = f"http://127.0.0.1:{self.ports['3000']}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.postgres_url = postgres_url

    def environment(self, name: str) -> dict[str, str]:
        declared = compose()["services"][name]["environment"]
        filled = {key: filled_in(text, {"POSTGRES_PASSWORD": PASSWORD}) for key, text in declared.items()}
        here = {
            "RECSYS_HOME": str(self.home),
            "RECSYS_POSTGRES_URL": self.postgres_url,
            "DAGSTER_CODE_HOST": "127.0.0.1",
            "DAGSTER_CODE_PORT": self.ports["4000"],
        }
        scripts = str(Path(sys.executable).parent)
        path = {"PATH": f"{scripts}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return os.environ | filled | here | path | self.variables

    def command(self, words: list[str]) -> list[str]:
        places = {**self.ports, "0.0.0.0": "127.0.0.1", MODULE: self.module}
        return [places.get(word, word.replace("/app", str(ROOT))) for word in words]

    def start(self, name: str) -> None:
        entrypoint = [sys.executable, "-m", "recsys_assets.instance"]
        self.processes[name] = subprocess.Popen(
            [*entrypoint, *self.command(compose()["services"][name]["command"])],
            env=self.environment(name),
            cwd=self.folder,
            stdout=(self.folder / f"{name}.log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says; an ended process fails the test with its log."""
        code = self.processes[name].poll()
        assert code is None, (self.folder / f"{name}.log").read_text()[-3000:]
        _, *test = compose()["services"][name]["healthcheck"]["test"]
        test = [
            word.replace("127.0.0.1:3000", f"127.0.0.1:{self.ports['3000']}") for word in self.command(test)
        ]
        environment = self.environment(name) | {"DAGSTER_HOME": str(self.home / "dagster")}
        return subprocess.run(test, env=environment, cwd=self.folder, capture_output=True).returncode == 0

    def wait_until_healthy(self, name: str) -> None:
        """Wait for its health check to pass."""
        wait_for(lambda: self.is_healthy(name), PATIENCE)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
