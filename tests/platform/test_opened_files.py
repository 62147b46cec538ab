"""What native code opens is on record too: every file that the small shop's run opens, as the kernel saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from recsys_lineage.assets.reading.surroundings import (
    SHARED_MEMORY,
    belongs_to_code,
    below,
    environment,
    is_device,
)
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import RESERVED, Records
from tests.platform.conftest import Shop
from tests.platform.shop import SOURCE, write_shop

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_OPENED = re.compile(r'(\d+\.\d+) openat2?\([^<]*<([^>]*)>, "((?:[^"\\]|\\.)*)", .*?(O_[A-Z_|]+).*\) = \d+')


@dataclass(frozen=True)
class Opened:
    """A file that was opened to be read, and when (seconds since 1970)."""

    path: Path
    at: float


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, list[Opened]]:
    """A small shop's whole graph, made by one process under strace, and what was opened."""
    folder = tmp_path_factory.mktemp("traced").resolve()
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    allowed = subprocess.run([strace, "-qq", "-e", "none", "true"], capture_output=True, text=True)
    if allowed.returncode:
        pytest.skip(f"this machine lets no process be traced: {allowed.stderr.strip()}")
    shop = Shop(folder / "home", write_shop(folder / "data"))
    trace = folder / "trace"
    # tests of this checkout leave findings about its code that are made of the tests, too, and are compared with them
    for found in ROOT.glob("recsys_*/__pycache__/*.code-findings.json"):
        found.unlink(missing_ok=True)
    # git itself reads files that are as new as its index, as the last ones of a checkout are, until it is written anew
    anew = ["git", "update-index", "-q", "--refresh", "--force-write-index"]
    _ = subprocess.run(anew, cwd=ROOT, check=False)
    done = subprocess.run(
        [strace, "-f", "--seccomp-bpf", "-qq", "-ttt", "-y", "-s", "4096", "-e", "trace=open,openat,openat2",
         "-e", "signal=none", "-o", str(trace), str(Path(sys.executable).with_name("recsys")), "demo"],
        env=shop.environment, cwd=folder, capture_output=True, text=True, timeout=590,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return shop, _opened(trace)


def _opened(trace: Path) -> list[Opened]:
    opened = []
    for line in _whole_lines(trace):
        if (found := _OPENED.search(line)) is None:
            continue
        at, start, name, flags = found.groups()
        if "O_WRONLY" in flags or "O_DIRECTORY" in flags or "O_TRUNC" in flags:
            continue
        path = Path(start, name.encode().decode("unicode_escape").encode("latin-1").decode())
        if not path.is_dir():
            opened.append(Opened(path, float(at)))
    return opened


def _whole_lines(trace: Path) -> list[str]:
    """The trace's lines; a call that another thread's interrupted is put together again."""
    begun: dict[str, str] = {}
    lines = []
    for line in trace.read_text(errors="replace").splitlines():
        process, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[process] = rest.removesuffix("<unfinished ...>")
        elif "resumed>" in rest and process in begun:
            lines.append(begun.pop(process) + rest.split("resumed>", 1)[1])
        else:
            lines.append(rest)
    return lines


def _records(shop: Shop) -> list[Materialization]:
    """Every record of the run: of tables, of reports, which write none, and of checks that run by themselves."""
    records, _ = Records(shop.lake).read()
    assert {record.kind for record in records} == {"asset", "check"}
    assert {"recommendations_report", "metrics_report"} <= {record.asset for record in records}
    return records


def _at_work(records: list[Materialization], at: float) -> Materialization | None:
    """The record of the step that ran at a moment; steps run one after another."""
    running = [r for r in records if r.started.timestamp() <= at <= r.ended.timestamp()]
    assert len(running) <= 1
    return running[0] if running else None


def test_every_file_of_the_data_folder_that_is_opened_is_a_read(traced: tuple[Shop, list[Opened]]) -> None:
    shop, opened = traced
    named = {read.name for record in _records(shop) for read in record.reads if read.kind == "file"}
    files = {each.path.relative_to(shop.data).as_posix() for each in opened if shop.data in each.path.parents}
    assert files == named == {path.name for path in shop.data.iterdir()}


def test_every_table_that_a_step_opens_is_a_read_of_its_record(traced: tuple[Shop, list[Opened]]) -> None:
    shop, opened = traced
    records = _records(shop)
    lake = Path(shop.lake.uri)
    seen: set[tuple[str, str]] = set()
    for each in opened:
        if lake in each.path.parents and each.path.name.startswith("part-"):
            record = _at_work(records, each.at)
            if record is not None:
                seen.add((record.asset, each.path.relative_to(lake).parts[0]))
    reads = [(record.asset, read) for record in records for read in record.reads if read.kind == "table"]
    noted = {(asset, read.name) for asset, read in reads}
    of_itself = {(record.asset, record.asset) for record in records}
    # a table that is divided by days has no file before its first day
    assert {(asset, read.name) for asset, read in reads if read.bytes != 0} <= seen, (
        "what a record names was opened"
    )
    # the fingerprint reads a step's own files, and the next records are appended to a table of the lake
    assert seen - noted <= of_itself | {(record.asset, table) for record in records for table in RESERVED}


def test_nothing_is_opened_outside_the_environment_and_the_home(traced: tuple[Shop, list[Opened]]) -> None:
    shop, opened = traced
    system = {"/etc", "/run", "/usr", "/var/lib", str(Path.home())}
    known = environment() | system | {str(shop.home), str(shop.data), str(SOURCE)}
    temporary_files = {tempfile.gettempdir()}
    foreign = set()
    for each in opened:
        path = str(each.path.resolve())
        made = below(path, temporary_files) and shop.home.parent not in each.path.parents
        is_commit = ".git" in each.path.parts  # which is on record as git_commit
        # the semaphores of multiprocessing, which hold a number
        is_semaphore = path.startswith(f"{SHARED_MEMORY}/sem.")
        is_data = not (made or is_commit or is_semaphore or is_device(path))
        if is_data and not below(path, known) and not belongs_to_code(path):
            foreign.add(path)
    assert foreign == set()
