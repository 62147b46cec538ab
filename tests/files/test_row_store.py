"""Rows on disk and rows in memory are the same relation; what lies on disk goes with the connection."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import InsufficientSpace
from recsys_lineage.files import FileReport, FileScan, OpenedScan, list_files, open_scan, row_store
from recsys_lineage.files.csv import csv_file, csv_reader
from recsys_lineage.lake.engine import Engine
from tests.examples import examples

CSV = FileScan("read_csv", "*.csv")

DIRT = st.lists(
    st.sampled_from([b"a", b"b", b",", b",", b'"', b"\n", b"\n", b"\r\n", b"\r", b"\0", b"\xe9", b" "]),
    max_size=40,
)
HEADERS = st.sampled_from(
    [b"a,b\n", b"A,b\n", b"b,c\n", b"a\n", b'"c0",_file\n', b"\xc3\x89,\xc3\xa9x\n", b""]
)
FILES = st.lists(st.tuples(HEADERS, DIRT, st.booleans()), max_size=5)


def written(folder: Path, files: list[tuple[bytes, list[bytes], bool]]) -> None:
    for number, (header, dirt, truncated) in enumerate(files):
        content = header + b"".join(dirt)
        (folder / f"{number}.csv").write_bytes(gzip.compress(content)[:-9] if truncated else content)


def opened(con: duckdb.DuckDBPyConnection, root: Path) -> OpenedScan:
    return open_scan(con, root, CSV, list_files(root, "*.csv"), "files")


def everything(con: duckdb.DuckDBPyConnection, root: Path) -> tuple[object, ...]:
    scan = opened(con, root)
    relations = [
        con.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in (scan.relation, scan.malformed)
    ]
    described = [con.execute(f"DESCRIBE {name}").fetchall() for name in (scan.relation, scan.malformed)]
    return scan.schema, [told(root, report) for report in scan.reports], relations, described


def told(root: Path, report: FileReport) -> str:
    """A report in words; of a truncated file, which may have two faults, only that it is faulty."""
    truncated = (root / report.file.path).read_bytes()[:2] == b"\x1f\x8b"
    return f"{report.file.path} {report.fault is not None}" if truncated else str(report)


def scratch(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")]


@settings(max_examples=examples(60), deadline=None)
@given(files=FILES, memory_bytes=st.integers(0, 200))
def test_on_disk_and_in_memory_are_one_relation(
    files: list[tuple[bytes, list[bytes], bool]], memory_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        root, spill = Path(name) / "data", Path(name) / "spill"
        root.mkdir()
        written(root, files)
        with Engine(threads=1, temp_folder=str(spill)).connect() as con:
            in_memory = everything(con, root)
            assert not scratch(spill)
            patch.setattr(row_store, "MEMORY_BYTES", memory_bytes)
            patch.setattr(row_store, "PIECE_BYTES", memory_bytes)
            patch.setattr(csv_reader, "EXACT_BYTES", 8)
            patch.setitem(csv_file.csv_blocks.__kwdefaults__ or {}, "block_bytes", 20)
            on_disk = everything(con, root)
            if memory_bytes == 0 and (in_memory[2] != [[], []]):
                assert scratch(spill)
        assert not spill.exists() or os.listdir(spill) == []
    assert on_disk == in_memory


def test_a_file_that_turns_out_faulty_leaves_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_store, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(row_store, "PIECE_BYTES", 1000)
    monkeypatch.setitem(csv_file.csv_blocks.__kwdefaults__ or {}, "block_bytes", 1000)
    root, spill = tmp_path / "data", tmp_path / "spill"
    root.mkdir()
    lines = "x,only_here\n" + "".join(f"{n},{n}\n" for n in range(2000))
    (root / "a.csv").write_bytes(gzip.compress(lines.encode())[:-9])
    with Engine(threads=1, temp_folder=str(spill)).connect() as con:
        assert "truncated" in str(opened(con, root).faults[0])
        assert con.execute("FROM files").fetchall() == []
        assert not scratch(spill)
        (root / "b.csv").write_text("x\n" + "1\n" * 2000)
        assert opened(con, root).columns == ("x",)
        assert con.execute("SELECT count(*), sum(x::INT) FROM files").fetchall() == [(2000, 2000)]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(row_store, "MEMORY_BYTES", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spill"))
    (tmp_path / "spill").mkdir()
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3\n")
    return tmp_path


@pytest.mark.parametrize("locked", [True, False])
def test_what_lies_on_disk_goes_with_the_connection(on_disk: Path, locked: bool) -> None:
    con = Engine(threads=1).connect() if locked else duckdb.connect()
    with con, pytest.raises(ZeroDivisionError):
        for _ in range(2):
            opened(con, on_disk)
            assert con.execute("SELECT x, _file FROM files").fetchall() == [("1", "a.csv")]
            assert len(scratch(on_disk / "spill")) == 2, "rows and malformed rows, of the last opening only"
        raise ZeroDivisionError
    assert os.listdir(on_disk / "spill") == []


def test_sql_opens_the_connections_own_files_and_no_others(on_disk: Path) -> None:
    with Engine(threads=1).connect() as one, Engine(threads=1).connect() as other:
        opened(one, on_disk)
        opened(other, on_disk)
        files = [str(path) for path in (on_disk / "spill").rglob("*.parquet")]
        readable = 0
        for file in files:
            try:
                readable += len(one.execute(f"FROM read_parquet('{file}')").fetchall())
            except duckdb.PermissionException:
                continue
        assert (len(files), readable) == (4, 2)


_KILLED = """
import os, sys
from pathlib import Path
from recsys_lineage.files import FileScan, list_files, open_scan, row_store
from recsys_lineage.lake.engine import Engine
row_store.MEMORY_BYTES = 0
root, spill = map(Path, sys.argv[1:])
con = Engine(threads=1, temp_folder=str(spill)).connect()
open_scan(con, root, FileScan("read_csv", "*.csv"), list_files(root, "*.csv"), "files")
print("open", flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_deleted_and_what_a_live_one_has_is_not(on_disk: Path) -> None:
    spill = on_disk / "spill"
    command = [sys.executable, "-c", _KILLED, str(on_disk), str(spill)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        with Engine(threads=1).connect() as con:
            opened(con, on_disk)
        assert len(scratch(spill)) == 2, "it lives"
        process.stdin.close()
    assert len(scratch(spill)) == 2, "it was killed"
    with Engine(threads=1).connect() as con:
        opened(con, on_disk)
        assert len(scratch(spill)) == 2
    assert os.listdir(spill) == []


def test_many_small_files_are_few_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_store, "MOST_TABLES", 7)
    for number in range(40):
        (tmp_path / f"{number:02}.csv").write_text(f"{'x' if number % 3 else 'y'},z\n{number},\n")
    with duckdb.connect() as con:
        store = row_store.RowStore(con, "files")
        for number in range(40):
            store.take(f"{number:02}", pa.table({"x" if number % 3 else "y": [str(number)]}))
            store.accept()
            assert len(store._complete) <= 7 + 2 * (number // 7 + 1)
        opened(con, tmp_path)
        assert con.execute("SELECT coalesce(x, y), _file FROM files ORDER BY _file").fetchall() == [
            (str(number), f"{number:02}.csv") for number in range(40)
        ]


def test_a_full_disk_says_where_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest size of a file that the process may write stands for the room that a disk has."""
    monkeypatch.setattr(row_store, "MEMORY_BYTES", 1 << 20)
    monkeypatch.setattr(row_store, "PIECE_BYTES", 1 << 20)
    monkeypatch.setitem(csv_file.csv_blocks.__kwdefaults__ or {}, "block_bytes", 1 << 18)
    root, spill = tmp_path / "data", tmp_path / "spill"
    root.mkdir()
    (root / "a.csv").write_text("x\n" + "".join(f"{n * 7919 % 1_000_003}\n" for n in range(400_000)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with Engine(threads=1, temp_folder=str(spill)).connect() as con:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, hard))
            with pytest.raises(
                InsufficientSpace, match=r"temporary folder[\s\S]*too large[\s\S]*TMPDIR"
            ) as raised:
                opened(con, root)
            assert str(spill) in (raised.value.where or "")
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert opened(con, root).reports[0].rows == 400_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(spill) == []


def test_a_folder_that_cannot_be_made_is_told_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_store, "MEMORY_BYTES", 0)
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "file").write_text("")
    with (
        Engine(threads=1, temp_folder=str(tmp_path / "file")).connect() as con,
        pytest.raises(InsufficientSpace, match="Not a directory"),
    ):
        opened(con, tmp_path)


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1.5 imports pandas itself")
def test_parquet_files_are_opened_without_pandas(tmp_path: Path) -> None:
    """Pyarrow imports it, which takes long, to make an array of a list."""
    pyarrow.parquet.write_table(pa.table({"n": [1]}), tmp_path / "a.parquet")
    opening = f"""
import sys, duckdb
from pathlib import Path
from recsys_lineage.files import FileScan, list_files, open_scan
root, scan = Path({str(tmp_path)!r}), FileScan("read_parquet", "*.parquet")
opened = open_scan(duckdb.connect(), root, scan, list_files(root, scan.pattern), "opened")
assert [report.fault for report in opened.reports] == [None], opened.reports
print("pandas" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", opening], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
