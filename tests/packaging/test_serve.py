"""`run_ui` serves webserver and daemon together and leaves no process behind, however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recsys_assets.dagster_ui import UiError, run_ui
from recsys_assets.settings import load_settings
from tests.packaging.processes import ask, free_port, get

SERVE = """
import sys
from pathlib import Path
from recsys_assets.dagster_ui import run_ui
from recsys_assets.settings import load_settings
run_ui(load_settings(), nightly=True, workspace=Path(sys.argv[1]), notify=lambda line: print(line, flush=True))
"""
SCHEDULES = """{
  schedulesOrError(repositorySelector: {repositoryLocationName: "recsys", repositoryName: "__repository__"}) {
    ... on Schedules { results { name scheduleState { status } } }
  }
}"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace.yaml"
    definitions = Path(__file__).with_name("shop_definitions.py")
    path.write_text(
        f"load_from:\n  - python_file:\n      relative_path: {definitions}\n      location_name: recsys\n"
    )
    return path


class Ui:
    """A running `run_ui` in a process of its own."""

    def __init__(self, home: Path, workspace: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(workspace)],
            env=os.environ | {"RECSYS_HOME": str(home), "RECSYS_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        ready = re.search(r"ready: (http://127\.0\.0\.1:\d+)", first)
        assert ready, first + self.process.stdout.read()
        self.url = ready.group(1)
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def survivors(self, seconds: float) -> list[psutil.Process]:
        """Processes of the family that still live after so many seconds at most."""
        return psutil.wait_procs(self.family, timeout=seconds)[1]


@pytest.fixture
def ui(elsewhere: Path, workspace: Path) -> Iterator[Ui]:
    running = Ui(elsewhere / "home", workspace)
    yield running
    running.process.kill()
    running.process.wait()
    for process in running.survivors(0):
        process.kill()


@pytest.mark.slow
def test_it_answers_has_the_schedule_on_and_ends_without_orphans_on_ctrl_c(ui: Ui) -> None:
    assert b"dagster_webserver_version" in (get(f"{ui.url}/server_info") or b"")
    (schedule,) = ask(ui.url, SCHEDULES)["schedulesOrError"]["results"]
    assert schedule == {"name": "nightly", "scheduleState": {"status": "RUNNING"}}
    names = {" ".join(process.cmdline()) for process in ui.family}
    assert any("dagster-webserver" in name for name in names)
    assert any("dagster-daemon" in name for name in names)

    ui.process.send_signal(signal.SIGINT)

    assert ui.process.wait(60) == 0
    assert not ui.survivors(5)
    assert get(f"{ui.url}/server_info") is None


@pytest.mark.slow
def test_a_second_one_on_the_same_home_is_refused_and_sigterm_stops_the_first(
    ui: Ui, elsewhere: Path, workspace: Path
) -> None:
    with pytest.raises(UiError, match="is already being served"):
        run_ui(load_settings(home=elsewhere / "home", port=0), workspace=workspace)
    assert get(f"{ui.url}/server_info")

    ui.process.terminate()

    assert ui.process.wait(60) == 0
    assert not ui.survivors(5)


@pytest.mark.slow
def test_when_one_process_dies_the_other_is_stopped_and_the_log_is_named(ui: Ui, elsewhere: Path) -> None:
    (daemon,) = [process for process in ui.family if "dagster-daemon" in " ".join(process.cmdline())]
    daemon.kill()
    assert ui.process.stdout is not None
    said = ui.process.stdout.read()
    assert ui.process.wait(60) == 1
    assert "Dagster's daemon ended with code -9" in said
    assert str(elsewhere / "home" / "logs" / "daemon.log") in said
    assert not ui.survivors(5)


@pytest.mark.slow
def test_even_a_killed_one_takes_its_processes_along(ui: Ui) -> None:
    ui.process.kill()
    assert not ui.survivors(60)


def test_a_taken_port_is_named(elsewhere: Path, workspace: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UiError, match=f"cannot listen on 127.0.0.1:{port}[\\s\\S]*in use"):
            run_ui(load_settings(home="home", port=port), workspace=workspace)


def test_an_address_of_another_machine_is_refused(elsewhere: Path, workspace: Path) -> None:
    with pytest.raises(UiError, match=r"cannot listen on 192\.0\.2\.1"):
        settings = load_settings(home="home", host="192.0.2.1", port=free_port(), proxy_authenticates=True)
        run_ui(settings, workspace=workspace)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_reach_needs_a_proxy_that_authenticates(
    elsewhere: Path, workspace: Path, host: str
) -> None:
    with pytest.raises(UiError, match=r"has no password[\s\S]*RECSYS_PROXY_AUTHENTICATES=true"):
        run_ui(load_settings(home="home", host=host, port=0), workspace=workspace)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        taken.listen()
        settings = load_settings(
            home="home", host=host, port=taken.getsockname()[1], proxy_authenticates=True
        )
        with pytest.raises(UiError, match="cannot listen"):  # it came as far as the port
            run_ui(settings, workspace=workspace)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost"])
def test_an_address_of_this_machine_alone_needs_none(elsewhere: Path, workspace: Path, host: str) -> None:
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        with pytest.raises(UiError, match="cannot listen"):
            run_ui(load_settings(home="home", host=host, port=taken.getsockname()[1]), workspace=workspace)


@pytest.mark.slow
def test_a_workspace_that_does_not_exist_ends_with_the_webservers_words(elsewhere: Path) -> None:
    said: list[str] = []
    with pytest.raises(UiError, match=r"ended with code[\s\S]*absent\.yaml"):
        run_ui(load_settings(home="home", port=0), workspace=elsewhere / "absent.yaml", notify=said.append)
    assert not said
