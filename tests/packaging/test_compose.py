"""docker-compose.yml is sound, and each of its services runs by its own command, here without Docker."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml

from recsys_assets.cli.doctor import _database
from recsys_assets.instance import close_abandoned_runs, open_instance
from recsys_assets.settings import load_settings
from tests.packaging.processes import DIE_IN_THE_MIDDLE, ask, get, wait_for
from tests.packaging.stack import PASSWORD, PATIENCE, ROOT, Stack, compose, filled_in


def test_it_has_the_services_of_the_platform_and_each_says_when_it_is_healthy() -> None:
    services = compose()["services"]
    assert {name for name, service in services.items() if "profiles" not in service} == {
        "postgres", "code", "webserver", "daemon",
    }  # fmt: skip
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        for other, need in service.get("depends_on", {}).items():
            assert other in services
            assert need == {"condition": "service_healthy"}


def test_every_image_is_pinned_by_a_digest_or_the_document_names_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    document = (ROOT / "docs" / "running.md").read_text()
    named = re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", text)
    assert len(set(named)) == len({name for name, _ in named}), "one variable names two images"
    tags = {}
    for name, image in named:
        tags[name], at, digest = image.partition("@")
        if at:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest), image
        else:
            assert f"None was found for `{image}`" in " ".join(document.split())
    assert dict(re.findall(r"^ {4}(\w+_IMAGE)=(\S+)@sha256:…$", document, re.MULTILINE)) == tags
    for name, service in yaml.safe_load(text)["services"].items():
        assert "build" in service or service["image"].startswith("${"), f"{name}: no variable names its image"
    built = re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert built == ["${PYTHON_IMAGE}"]
    argument = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert argument and argument[1] == dict(named)["PYTHON_IMAGE"]


def test_the_catalog_is_there_when_it_is_asked_for() -> None:
    services = compose()["services"]
    catalog = {name: service for name, service in services.items() if "profiles" in service}
    assert set(catalog) == {"marquez", "marquez-postgres", "marquez-web"}
    assert all(service["profiles"] == ["catalog"] for service in catalog.values())
    for service in services.values():
        if "profiles" not in service:
            assert not catalog.keys() & service.get("depends_on", {}).keys(), (
                "a dead catalog keeps nothing from starting"
            )
    text = compose()["configs"]["marquez"]["content"].replace("$$", "$")
    config = yaml.safe_load(text)
    assert config["search"] == {"enabled": False}
    assert config["db"]["url"].startswith("jdbc:postgresql://marquez-postgres:5432/")
    variables = {name.strip("${}") for name in re.findall(r"\$\{\w+\}", text)}
    assert variables == {"POSTGRES_PASSWORD"} and variables <= set(catalog["marquez"]["environment"])
    assert [str(config["server"][kind][0]["port"]) for kind in ("applicationConnectors", "adminConnectors")] == [
        catalog["marquez-web"]["environment"]["MARQUEZ_PORT"], "5001",
    ]  # fmt: skip


def test_the_platform_sends_to_the_catalog_that_env_names(monkeypatch: pytest.MonkeyPatch) -> None:
    comments = (ROOT / "docker-compose.yml").read_text().partition("x-platform:")[0]
    (url,) = re.findall(r"^#\s+OPENLINEAGE_URL=(\S+)$", comments, re.MULTILINE)
    marquez = compose()["services"]["marquez"]
    assert url == f"http://marquez:{marquez['ports'][0].rpartition(':')[2]}"
    for name in ("code", "webserver", "daemon"):
        text = compose()["services"][name]["environment"]["OPENLINEAGE_URL"]
        assert filled_in(text, {"OPENLINEAGE_URL": url}) == url
        assert filled_in(text, {}) == ""
    monkeypatch.setenv("OPENLINEAGE_URL", "")
    assert load_settings().openlineage_url is None


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
def stack(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), postgres)
    try:
        for name in ("code", "webserver", "daemon"):  # the order that depends_on gives
            running.start(name)
            running.wait_until_healthy(name)
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

    assert wait_for(all_healthy, PATIENCE)


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
        check = _database(load_settings(postgres_url=url))
        return check.ok, check.found

    ok, found = database(postgres)
    assert ok
    assert re.fullmatch(r"Postgres \d+ at 127\.0\.0\.1", found)
    ok, found = database(postgres.replace(PASSWORD, "wrong-password"))
    assert not ok
    assert "password authentication failed" in found
    assert "wrong-password" not in found
