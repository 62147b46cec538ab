"""docker-compose.yml is sound, and each of its services runs by its own command, here without Docker."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import yaml

from recsys_assets.cli.doctor import diagnose
from recsys_assets.instance import close_abandoned_runs, open_instance
from recsys_assets.settings import load_settings
from tests.packaging.processes import DIE_IN_THE_MIDDLE, ask, free_port, get, wait_for

ROOT = Path(__file__).parents[2]
PASSWORD = "open-sesame"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


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


def test_it_has_the_services_of_the_platform_and_each_says_when_it_is_healthy() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "code", "webserver", "daemon"}
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        for other, need in service.get("depends_on", {}).items():
            assert other in services
            assert need == {"condition": "service_healthy"}


def test_nothing_is_open_to_the_network() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_written_down_and_a_missing_one_is_asked_for() -> None:
    for service in compose()["services"].values():
        secrets = {name: text for name, text in service["environment"].items() if "POSTGRES" in name}
        for name, text in secrets.items():
            if name in ("POSTGRES_USER", "POSTGRES_DB"):
                continue
            with pytest.raises(KeyError, match=r"set it in \.env"):
                filled_in(text, {})


def test_every_variable_is_a_setting_that_the_platform_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in compose()["services"]["code"]["environment"].items():
        monkeypatch.setenv(name, filled_in(text, {"POSTGRES_PASSWORD": PASSWORD, "RECSYS_DATA": "/files"}))
    settings = load_settings()
    assert settings.data == Path("/data")
    assert settings.postgres_url is not None


def test_the_image_has_what_its_files_name() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for words in re.findall(r"^COPY (.*) \S+$", lines, re.MULTILINE) for word in words.split()}
    assert copied <= allowed
    workspaces = {
        word
        for service in compose()["services"].values()
        for word in service.get("command", [])
        if word.startswith("/app/")
    }
    assert workspaces
    assert all((ROOT / word.removeprefix("/app/")).exists() for word in workspaces)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
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

    def __init__(self, folder: Path, postgres_url: str) -> None:
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
        return os.environ | filled | here | {"PATH": f"{scripts}:{os.environ['PATH']}"}

    def command(self, words: list[str]) -> list[str]:
        places = {**self.ports, "0.0.0.0": "127.0.0.1"}
        return [places.get(word, word.replace("/app", str(ROOT))) for word in words]

    def start(self, name: str) -> None:
        entrypoint = [sys.executable, "-m", "recsys_assets.instance"]
        self.processes[name] = subprocess.Popen(
            [*entrypoint, *self.command(compose()["services"][name]["command"])],
            env=self.environment(name),
            cwd=self.folder,
            stdout=(self.folder / f"{name}.log").open("wb"),
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

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def stack(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), postgres)
    try:
        for name in ("code", "webserver", "daemon"):  # the order that depends_on gives
            running.start(name)
            wait_for(lambda name=name: running.is_healthy(name), 180)
        yield running
    finally:
        running.stop()


@pytest.mark.slow
def test_webserver_loads_the_assets_from_the_code_server(stack: Stack) -> None:
    assert get(f"{stack.url}/server_info")
    query = "{ assetNodes { assetKey { path } groupName } locationStatusesOrError { __typename } }"
    nodes = ask(stack.url, query)["assetNodes"]
    assert {"raw", "clean", "features", "model", "serving"} <= {node["groupName"] for node in nodes}


@pytest.mark.slow
def test_daemon_beats_and_schedules_are_seen(stack: Stack) -> None:
    query = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"

    def all_healthy() -> bool:
        statuses = ask(stack.url, query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return bool(statuses) and all(status["healthy"] for status in statuses if status["required"])

    assert wait_for(all_healthy, 90)


@pytest.mark.slow
def test_records_are_in_postgres_and_the_password_is_in_no_file(stack: Stack) -> None:
    with psycopg2.connect(stack.postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_name = 'runs'")
        assert cursor.fetchone() == (1,)
    connection.close()
    files = [path for path in stack.folder.rglob("*") if path.is_file()]
    assert stack.home / "dagster" / "dagster.yaml" in files
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    assert not list(stack.home.rglob("*.db"))


def test_runs_in_postgres_may_be_another_machines_and_are_left_alone(postgres: str, elsewhere: Path) -> None:
    with open_instance(load_settings(home="shop", postgres_url=postgres)) as instance:
        home = str(elsewhere / "shop" / "dagster")
        subprocess.run([sys.executable, "-c", DIE_IN_THE_MIDDLE, home], capture_output=True, check=False)
        assert close_abandoned_runs(instance) == []
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.STARTED


def test_doctor_reaches_postgres_and_hides_the_password_where_it_cannot(postgres: str) -> None:
    def database(url: str) -> tuple[bool, str]:
        (check,) = [each for each in diagnose(load_settings(postgres_url=url)) if each.name == "database"]
        return check.ok, check.found

    ok, found = database(postgres)
    assert ok
    assert re.fullmatch(r"Postgres \d+ at 127\.0\.0\.1", found)
    ok, found = database(postgres.replace(PASSWORD, "wrong-password"))
    assert not ok
    assert "password authentication failed" in found
    assert "wrong-password" not in found
