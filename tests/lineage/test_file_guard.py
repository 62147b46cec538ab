"""An asset's Python code opens no file that its record would not name."""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import dagster as dg
import pandas as pd
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading import surroundings
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.lake.versions.pruned_spans import Pruned
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.progress import Progress, listening, tell
from recsys_lineage.records.parts.failure import LEFT_OUT
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.project import Project, table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that nobody declared, in a folder that is on no search path and not temporary to the run."""
    path = tmp_path / "data" / "prices.csv"
    path.parent.mkdir()
    path.write_text("id,price\n1,2.5\n")
    return path


READS: dict[str, Callable[[Path], object]] = {
    "open": lambda path: open(path).close(),
    "os.open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "bytes": lambda path: open(os.fsencode(path)).close(),
    "pathlib": Path.read_text,
    "relative": lambda path: open(os.path.relpath(path)).close(),
    "pandas": pd.read_csv,
    "sqlite": lambda path: sqlite3.connect(path),
    "listing": lambda path: os.listdir(path.parent),
    "scan": lambda path: list(path.parent.iterdir()),
    "glob": lambda path: list(path.parent.glob("*.csv")),
    "copy": lambda path: _copied(path),
    "thread": lambda path: _in_thread(path.read_text),
    "pool": lambda path: ThreadPoolExecutor(2).submit(lambda: path.read_text()).result(),
    "pool of a builtin": lambda path: list(ThreadPoolExecutor(2).map(open, [path])),
    "pool in a pool": lambda path: ThreadPoolExecutor(1).submit(
        lambda: ThreadPoolExecutor(1).submit(lambda: path.read_text()).result()
    ).result(),
    "link": lambda path: _read_by_a_link(path),
}  # fmt: skip
WRITES: dict[str, Callable[[Path], object]] = {
    "open": lambda path: open(path, "w").close(),
    "append": lambda path: open(path, "a").close(),
    "update": lambda path: open(path, "r+").close(),
    "new": lambda path: path.with_name("new").write_text("x"),
    "os.open": lambda path: os.close(os.open(path.with_name("new"), os.O_WRONLY | os.O_CREAT)),
    "folder": lambda path: path.with_name("new").mkdir(),
    "delete": lambda path: path.unlink(),
    "tree": lambda path: shutil.rmtree(path.parent),
    "rename": lambda path: path.rename(path.with_name("new")),
    "onto": lambda path: _moved_onto(path),
    "truncate": lambda path: os.truncate(path, 0),
    "symlink": lambda path: path.with_name("new").symlink_to("/dev/null"),
    "temporary there": lambda path: tempfile.mkstemp(dir=path.parent),
    "code": lambda path: (Path(__file__).parent / "new.py").write_text("x"),
}


def _in_thread(call: Callable[[], object]) -> None:
    seen: list[BaseException] = []

    def body() -> None:
        try:
            call()
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    for error in seen:
        raise error


def _copied(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)


def _read_by_a_link(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "link"
        link.symlink_to(path)
        open(link).close()


def _moved_onto(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / "new"
        new.write_text("x")
        os.replace(new, path)


@pytest.mark.parametrize("how", READS)
def test_a_read_that_nobody_notes_is_an_error_that_names_file_and_line(path: Path, how: str) -> None:
    def code() -> None:
        READS[how](path)

    with guarded("prices"), pytest.raises(UnnotedFile) as raised:
        code()
    error = raised.value
    assert error.found is not None and Path(error.found) in (path, path.parent)
    if how != "pool of a builtin":
        assert error.where is not None and error.where.startswith(f"{__file__}:"), error.where
    assert error.advice is not None and "inputs.open_file" in error.advice
    code()  # without a guard nothing is refused


def test_an_archive_beside_the_code_is_data_unless_python_imports_from_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = path.with_name("prices.zip")
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("module_of_an_archive.py", "PRICE = 2.5")
    monkeypatch.syspath_prepend(path.parent)
    with guarded("prices"), pytest.raises(UnnotedFile):
        zipfile.ZipFile(archive).namelist()
    monkeypatch.syspath_prepend(archive)
    with guarded("prices"):
        assert importlib.import_module("module_of_an_archive").PRICE == 2.5
    del sys.modules["module_of_an_archive"]


@pytest.mark.parametrize("how", WRITES)
def test_a_write_outside_is_an_error_and_does_nothing(path: Path, how: str) -> None:
    before = {each: each.stat() for each in path.parent.rglob("*")}
    with guarded("prices"), pytest.raises(UnnotedFile):
        WRITES[how](path)
    after = {each: each.stat() for each in path.parent.rglob("*")}
    assert {each: stat.st_mtime_ns for each, stat in after.items()} == {
        each: stat.st_mtime_ns for each, stat in before.items()
    }
    assert not (Path(__file__).parent / "new.py").exists()


def test_what_the_run_makes_is_its_own(tmp_path: Path) -> None:
    work = tmp_path / "not" / "there" / "yet"
    with guarded("prices", [work]):
        work.mkdir(parents=True)
        (work / "epoch").write_text("1")
        assert (work / "epoch").read_text() == "1"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "deep" / "er").mkdir(parents=True)
            (Path(folder) / "deep" / "er" / "file").write_text("x")
            assert [each.name for each in Path(folder).rglob("file")] == ["file"]
        with tempfile.NamedTemporaryFile() as file, open(file.name, "rb") as again:
            assert again.read() == b""
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
        with tempfile.SpooledTemporaryFile(1) as file:
            file.write(b"xxx")
        shutil.rmtree(work)


def test_a_temporary_file_of_another_is_not(path: Path) -> None:
    with tempfile.NamedTemporaryFile() as file, guarded("prices"), pytest.raises(UnnotedFile):
        Path(file.name).read_text()


@pytest.mark.parametrize("device", ["null", "zero", "full", "random", "urandom"])
def test_a_device_is_no_data(device: str) -> None:
    with guarded("prices"):
        open(f"/dev/{device}", "rb").close()


def test_the_environment_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, installed = tmp_path / "project" / "package_of_the_project", tmp_path / "installed"
    (package / "sql").mkdir(parents=True)
    installed.mkdir()
    (package / "__init__.py").write_text("")
    (package / "late.py").write_text("text = 'late'")
    (package / "sql" / "one.sql").write_text("SELECT 1")
    (installed / "sets_itself_up.py").write_text(f"text = open({str(tmp_path / 'config')!r}).read()")
    (tmp_path / "config").write_text("of the library")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.syspath_prepend(installed)
    known = surroundings.environment()
    monkeypatch.setattr(surroundings, "environment", lambda: known | {os.path.realpath(installed)})
    with guarded("prices"):
        assert importlib.import_module("package_of_the_project.late").text == "late"
        # as DGL reads ~/.dgl/config.json where it is imported first
        assert importlib.import_module("sets_itself_up").text == "of the library"
        assert (package / "sql" / "one.sql").read_text() == "SELECT 1"
        open(json.__file__).close()
        open(pd.__file__).close()
        open("/proc/self/stat").close()
        open(os.devnull, "w").close()
        pd.Timestamp("2024-01-01", tz="Europe/Berlin")
        import wave

        assert wave.__name__ in sys.modules
        with pytest.raises(UnnotedFile):
            (tmp_path / "config").read_text()


def test_logs_and_listeners_are_not_the_assets_code(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "log", delay=True)
    logger = logging.getLogger("test_logs_and_listeners")
    logger.addHandler(handler)

    def listener(progress: Progress) -> None:
        with (tmp_path / "progress").open("a") as file:
            file.write(progress.text)

    with guarded("prices"), listening(listener):
        logger.warning("a line")
        tell(Progress("prices", "step", "a step"))
    handler.close()
    assert (tmp_path / "log").read_text() == "a line\n"
    assert (tmp_path / "progress").read_text() == "a step"


def test_other_threads_are_free_meanwhile(path: Path) -> None:
    go, read = threading.Event(), []

    def other() -> None:
        go.wait()
        read.append(path.read_text())

    thread = threading.Thread(target=other)
    thread.start()
    with guarded("prices"):
        go.set()
        thread.join()
    assert read == ["id,price\n1,2.5\n"]


def test_guards_stand_inside_each_other(path: Path) -> None:
    with guarded("outer", [path]):
        with guarded("inner"), pytest.raises(UnnotedFile, match="inner"):
            path.read_text()
        path.read_text()
    path.read_text()


def test_an_assets_open_is_an_error_of_the_run_and_open_file_is_the_way(project: Project, path: Path) -> None:
    def sneaks() -> pl.DataFrame:
        return pl.DataFrame({"price": pd.read_csv(path)["price"].to_numpy()})

    def declares(inputs: Inputs) -> pl.DataFrame:
        with inputs.open_file(path) as file:
            return pl.DataFrame({"price": pd.read_csv(file)["price"].to_numpy()})

    result = project.run(frame_asset(sneaks), frame_asset(declares), raises=False)
    failure = result.failure_data_for_node("sneaks")
    assert failure is not None and failure.user_failure_data is not None
    told = {name: str(value.value) for name, value in failure.user_failure_data.metadata.items()}
    # no code says what the file is called, so its name might be a cell
    assert told["found"].endswith(f"{LEFT_OUT}.csv") and path.stem not in told["found"]
    assert "in sneaks" in told["where"] and "inputs.open_file" in told["what to do"]
    assert not project.lake.has("sneaks")
    (read,) = project.records.get("declares").reads
    assert (read.kind, read.name, read.bytes) == ("file", str(path), path.stat().st_size)


def test_the_lake_is_read_through_inputs_only(project: Project) -> None:
    def honest(orders: pl.LazyFrame, inputs: Inputs, request: Request) -> pl.DataFrame:
        assert len(inputs.frame("orders")) == 3 and request.partitions is None
        return orders.collect()

    def sneaks(orders: pl.DataFrame) -> pl.DataFrame:
        log = Path(project.lake.table_uri("orders"), "_delta_log", f"{0:020d}.json")
        return pl.DataFrame({"text": [log.read_text()]})

    result = project.run(table("orders"), frame_asset(honest), frame_asset(sneaks), raises=False)
    assert result.failure_data_for_node("honest") is None
    failure = result.failure_data_for_node("sneaks")
    assert failure is not None and "opened a file that its record would not name" in str(
        failure.user_failure_data
    )


def test_an_asset_that_writes_logs_in_a_stored_instance_runs(stored_project: Project) -> None:
    def talks() -> pl.DataFrame:
        dg.get_dagster_logger().info("half way")
        tell(Progress("talks", "step", "half way"))
        return pl.DataFrame({"i": [1]})

    assert stored_project.run(frame_asset(talks)).success


@pytest.mark.parametrize("kind", ["sql", "frame"])
def test_a_table_with_pruned_versions_is_read(project: Project, kind: str) -> None:
    """What was pruned is asked for before a version is opened, in a folder that lies beside the table's files."""
    with project.lake.connect() as connection:
        for number in range(2):
            project.lake.write("t", f"SELECT {number} AS i", connection=connection)
    now = datetime.now(timezone.utc)
    project.lake.pruned("t").add([0], Pruned(now, "1"), settled=now)

    def copy(t: pl.DataFrame) -> pl.DataFrame:
        return t

    code = (
        sql_code(SqlText("SELECT * FROM t", "copy.sql"), name="copy") if kind == "sql" else frame_code(copy)
    )
    version = materialize(code, project.lake).version
    assert version is not None
    assert project.lake.arrow(version)["i"].to_pylist() == [1]


PLAIN_PROGRAM = """
from pathlib import Path
from recsys_lineage import Lake, SqlText, materialize, sql_code

Path("orders.csv").write_text("id\\n1\\n2\\n")
made = materialize(sql_code(SqlText("FROM 'orders.csv'", "orders.sql"), name="orders"), Lake("lake"))
print(made.version.rows)
"""


def test_a_program_that_has_made_no_temporary_file_yet_does_not_wait_for_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "2\n", done.stderr
