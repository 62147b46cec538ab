"""Every command and every block of code of README and docs is run as it stands, each in a fresh process."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import typer
from dagster import DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from recsys_assets.cli.commands import app
from tests.lineage.openlineage.peers import spark_write
from tests.lineage.openlineage.written import lines, run_id
from tests.packaging.documented_shops import files_of, write_documented_shops
from tests.packaging.documents import DOCUMENTS, ROOT, Piece, pieces

NOT_RUN = {
    r"make (demo|ui|lint test|test-all)": "they install the lock from the network, and then run what is run here",
    r"recsys ui( --nightly)?": "it serves until Ctrl-C; test_serve and test_daemon start it",
    r"recsys openlineage compare http://127.0.0.1:5000": "it needs a running Marquez; test_compare asks a stand-in",
    r"recsys openlineage serve": "it serves until Ctrl-C; test_endpoint starts it",
    r"recsys serve": "it serves until Ctrl-C; tests/service starts it",
    r"recsys simulate": "it plays against a running service; tests/service/test_simulation.py does",
    r"make demo-loop": "it serves and plays for two minutes; tests/service has its parts",
    r"docker compose up": "it needs Docker and images from the network; test_compose holds the file to the code",
}
"""Commands that are not run, and why. What they are is checked all the same: that make has the target, recsys the
command with these options, the compose file the services."""

MAY_FAIL = {
    "recsys doctor": "it exits with 1 where the machine lacks something",
    "recsys lineage diff champion": "after one run there is no other version",
    "recsys openlineage validate events.jsonl": "offline it has no schemas; test_proof_commands has them",
}
RUN_ELSEWHERE = {
    "python": "test_readme runs each block of Python",
    "text": "what is printed",
    "mermaid": "a drawing",
    "json": "read here",
}
PIECES = [piece for document in DOCUMENTS for piece in pieces(document)]
SHELL = [piece for piece in PIECES if piece.kind in ("shell", "command", "sql", "toml")]
CLI: Any = typer.main.get_command(app)

PATIENCE = 1800.0
"""Seconds that no command needs, however busy the machine is."""

pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader's, in which `recsys demo` has run, as the documents begin."""
    folder = write_documented_shops(tmp_path_factory.mktemp("documented"))
    done = run_in(folder, "recsys demo")
    assert done.returncode == 0, done.stderr
    moment = datetime(2026, 11, 6, tzinfo=timezone.utc)
    events = spark_write(
        run_id(1), moment, moment, ("s3://landing", "sales"), ("s3://shop", "sales"), ["sku"]
    )
    (folder / "spark-events.jsonl").write_bytes(lines(events))
    return folder


def run_in(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell in a folder, with no other settings than its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("RECSYS_", "DAGSTER_"))
    }
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    command = ["bash", "-euc", script]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, errors="replace",  # a picture is no text
        start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # else the command goes on beside those after it
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def as_here(piece: Piece, project: Path) -> str:
    """A script as it stands in a document, with what stands for something of the reader's put in."""
    text = piece.text
    if "recsys logs" in text:
        with DagsterInstance.from_config(str(project / ".recsys" / "dagster")) as instance:
            (ended,) = instance.get_runs(RunsFilter(statuses=FINISHED_STATUSES), limit=1)
            text = re.sub(r"recsys logs \S+", f"recsys logs {ended.run_id[:8]}", text)
    for written, meant in {
        "/path/to/files": str(files_of(piece.document, project.parent)),
        "cd /srv/shop && .venv/bin/recsys": f"cd {shlex.quote(str(project))} && recsys",
        "recsys forget FILE": "recsys forget sales-2017-03-20.csv",
        "file:FILE:FIRST-LAST": "file:sales-2017-03-21.csv:2-3",
        "recsys materialize SELECTION": "recsys materialize events",
    }.items():
        text = text.replace(written, meant)
    return text


def needs_arguments(words: list[str]) -> bool:
    """Whether a command is named without the arguments that it needs, as a sentence names it."""
    command = CLI
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            return False
    return hasattr(command, "commands") or any(each.required for each in command.params)


def check_only(text: str) -> None:
    """See that a command that is not run is one."""
    program, *words = shlex.split(text)
    if program == "make":
        dry = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True)
        assert dry.returncode == 0, dry.stderr
    elif program == "recsys":
        CLI.commands[words[0]].make_context(words[0], words[1:])
    else:
        assert text == "docker compose up" and (ROOT / "docker-compose.yml").exists()


@pytest.mark.parametrize("piece", SHELL, ids=str)
def test_it_runs_as_it_stands(piece: Piece, project: Path) -> None:
    if piece.kind in ("sql", "toml"):
        check_source_file(piece, project)
        return
    left = [
        line
        for line in piece.text.splitlines()
        if (text := re.sub(r"\s+#.*", "", line)) and not is_not_run(text)
    ]
    for line in piece.text.splitlines():
        text = re.sub(r"\s+#.*", "", line)
        if is_not_run(text):
            check_only(text)
    if not left:
        return
    words = shlex.split(piece.text) if piece.kind == "command" else []
    if words[:1] == ["recsys"] and needs_arguments(words[1:]):
        done = run_in(project, f"{piece.text} --help")
    else:
        done = run_in(project, as_here(piece, project))
    assert done.returncode == 0 or piece.text in MAY_FAIL, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def is_not_run(text: str) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in NOT_RUN)


def check_source_file(piece: Piece, project: Path) -> None:
    """Put a file of a source where its first line says; with its SQL the source must be good."""
    name = re.match(r"(?:--|#) ([\w./-]+\.(?:sql|toml))\b", piece.text)
    assert name, "the first line of a source's file names it"
    path = project / name[1]
    path.parent.mkdir(exist_ok=True)
    path.write_text(piece.text)
    files = files_of(piece.document, project.parent)
    source = shlex.quote(path.parent.name)
    done = run_in(
        project, f"RECSYS_SOURCE={source} RECSYS_DATA={shlex.quote(str(files))} recsys check --json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    events = json.loads(done.stdout)["tables"]["raw_events"]
    assert events["accepted"] > 0.9 * events["read"] > 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_is_of_a_kind_that_is_run(document: Path) -> None:
    kinds = {"shell", "command", "sql", "toml", *RUN_ELSEWHERE}
    for piece in pieces(document):
        assert piece.kind in kinds, piece
        if piece.kind == "json":
            json.loads(piece.text)
        if piece.kind == "python":
            assert document.name == "README.md", "test_readme runs those of README only"


def test_what_is_not_run_is_in_a_document() -> None:
    lines = {re.sub(r"\s+#.*", "", line) for piece in SHELL for line in piece.text.splitlines()}
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
    assert lines & set(MAY_FAIL) and len(SHELL) > 40
