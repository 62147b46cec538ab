"""What native code would open for an asset asks the guard first: files, processes, statements of DuckDB and Polars."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import inspect
import io
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from multiprocessing.connection import Client, Listener
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import deltalake
import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.fs
import pyarrow.ipc
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import scipy.io
from deltalake import DeltaTable, write_deltalake
from polars import read_parquet as read_by_another_name
from safetensors.numpy import load_file, save_file

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.reading.libraries import native_readers
from recsys_lineage.errors import LineageError, UnnotedFile
from recsys_lineage.lake.lake import Lake
from tests.lineage.table_files import FRAME, write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one table in many formats."""
    folder = write_table(tmp_path_factory.mktemp("outside"))
    pyarrow.feather.write_feather(FRAME.to_arrow(), folder / "t.feather")
    pyarrow.orc.write_table(FRAME.to_arrow(), folder / "t.orc")
    FRAME.serialize(folder / "t.frame")
    FRAME.lazy().serialize(folder / "t.plan")
    save_file({"i": np.arange(2)}, folder / "t.safetensors")
    write_deltalake(folder / "delta", FRAME.to_arrow())
    duckdb.connect(folder / "t.db").execute("CREATE TABLE t AS SELECT 1 AS i").close()
    scipy.io.mmwrite(folder / "t.mtx", np.ones((2, 2)))
    sqlite3.connect(folder / "t.sqlite").execute("CREATE TABLE t (i)").close()
    return folder


READS: dict[str, Callable[[Path], object]] = {
    "pl.read_csv": lambda d: pl.read_csv(d / "t.csv"),
    "pl.read_csv of a text": lambda d: pl.read_csv(str(d / "t.csv")),
    "pl.read_csv by keyword": lambda d: pl.read_csv(source=d / "t.csv"),
    "pl.scan_csv": lambda d: pl.scan_csv(d / "t.csv").collect(),
    "pl.read_parquet": lambda d: pl.read_parquet(d / "t.parquet"),
    "pl.read_parquet of a list": lambda d: pl.read_parquet([d / "t.parquet"]),
    "pl.read_parquet of a pattern": lambda d: pl.read_parquet(f"{d}/*.parquet"),
    "pl.read_parquet of an address": lambda d: pl.read_parquet(f"file://{d}/t.parquet"),
    "pl.read_parquet by a name bound before": lambda d: read_by_another_name(d / "t.parquet"),
    "pl.scan_parquet": lambda d: pl.scan_parquet(d / "t.parquet").collect(),
    "pl.read_ipc": lambda d: pl.read_ipc(d / "t.arrow"),
    "pl.scan_ndjson": lambda d: pl.scan_ndjson(d / "t.json").collect(),
    "pl.scan_delta": lambda d: pl.scan_delta(str(d / "delta")).collect(),
    "pl.DataFrame.deserialize": lambda d: pl.DataFrame.deserialize(d / "t.frame"),
    "pl.LazyFrame.deserialize": lambda d: pl.LazyFrame.deserialize(d / "t.plan"),
    "pl.sql": lambda d: pl.sql(f"SELECT * FROM read_csv('{d}/t.csv')").collect(),
    "frame.sql": lambda d: FRAME.sql(f"SELECT * FROM read_parquet('{d}/t.parquet')"),
    "pq.read_table": lambda d: pq.read_table(d / "t.parquet"),
    "pq.ParquetFile": lambda d: pq.ParquetFile(d / "t.parquet").read(),
    "pq.ParquetDataset": lambda d: pq.ParquetDataset(d / "t.parquet").read(),
    "pq.read_schema": lambda d: pq.read_schema(d / "t.parquet"),
    "pa.csv": lambda d: pyarrow.csv.read_csv(d / "t.csv"),
    "pa.csv open": lambda d: pyarrow.csv.open_csv(d / "t.csv"),
    "pa.json": lambda d: pyarrow.json.read_json(d / "t.json"),
    "pa.feather": lambda d: pyarrow.feather.read_table(d / "t.feather"),
    "pa.orc": lambda d: pyarrow.orc.ORCFile(d / "t.orc").read(),
    "pa.dataset": lambda d: pyarrow.dataset.dataset(d / "t.parquet").to_table(),
    "pa.memory_map": lambda d: pa.memory_map(str(d / "t.arrow")),
    "pa.input_stream": lambda d: pa.input_stream(d / "t.csv"),
    "pd.read_parquet": lambda d: pd.read_parquet(d / "t.parquet"),
    "pd.read_csv by arrow": lambda d: pd.read_csv(d / "t.csv", engine="pyarrow"),
    "pd.read_feather": lambda d: pd.read_feather(d / "t.feather"),
    "pd.read_orc": lambda d: pd.read_orc(d / "t.orc"),
    "deltalake": lambda d: DeltaTable(d / "delta").to_pyarrow_table(),
    "safetensors": lambda d: load_file(d / "t.safetensors"),
    "duckdb.sql": lambda d: duckdb.execute(f"FROM '{d}/t.csv'").fetchall(),
    "duckdb.query": lambda d: duckdb.sql(f"SELECT * FROM read_parquet('{d}/t.parquet')"),
    "duckdb.read_csv": lambda d: duckdb.read_csv(str(d / "t.csv")),
    "duckdb.read_parquet": lambda d: duckdb.read_parquet(str(d / "t.parquet")),
    "duckdb.connect": lambda d: duckdb.connect(d / "t.db").sql("FROM t"),
    "duckdb.connect in memory": lambda d: duckdb.connect().sql(f"FROM '{d}/t.csv'").fetchall(),
    "duckdb attaches": lambda d: duckdb.connect().execute(f"ATTACH '{d}/t.db'"),
    "duckdb connection.read_csv": lambda d: duckdb.connect().read_csv(str(d / "t.csv")),
    "scipy.io.mmread": lambda d: scipy.io.mmread(d / "t.mtx"),
    "sqlite attaches": lambda d: sqlite3.connect(":memory:").execute(f"ATTACH '{d}/t.sqlite' AS other"),
    "sqlite attaches an address": lambda d: sqlite3.connect("file::memory:", uri=True).execute(
        f"ATTACH 'file:{d}/t.sqlite?mode=ro' AS other"
    ),
    "sqlite3.Connection": lambda d: sqlite3.Connection(":memory:"),
    "torch.UntypedStorage.from_file": lambda d: importlib.import_module("torch").UntypedStorage.from_file(
        str(d / "t.parquet"), False, 8
    ),
    "ctypes": lambda d: ctypes.CDLL(str(d / "t.csv")),
    "pa.OSFile": lambda d: pa.OSFile(str(d / "t.csv")),
    "pa.fs.copy_files": lambda d: pyarrow.fs.copy_files(str(d / "t.csv"), str(d / "copy.csv")),
    "lightgbm.train": lambda d: importlib.import_module("lightgbm").train(
        {}, None, init_model=str(d / "t.csv")
    ),
    "lightgbm's parameters": lambda d: importlib.import_module("lightgbm").train(
        {"forcedsplits_filename": str(d / "t.json")}, None
    ),
    "lxml": lambda d: importlib.import_module("lxml.etree").parse(str(d / "t.csv")),
    "safe_open": lambda d: importlib.import_module("safetensors").safe_open(d / "t.safetensors", "np").keys(),
    "rustworkx": lambda d: importlib.import_module("rustworkx").PyGraph.read_edge_list(str(d / "t.csv")),
    "rustworkx.read_graphml": lambda d: importlib.import_module("rustworkx").read_graphml(str(d / "t.csv")),
    "tokenizers": lambda d: importlib.import_module("tokenizers").Tokenizer.from_file(str(d / "t.json")),
    "tokenizers train": lambda d: importlib.import_module("tokenizers").Tokenizer(_bpe()).train([str(d / "t.csv")]),
    "tokenizers' model": lambda d: _bpe().from_file(str(d / "t.json"), str(d / "t.csv")),
    "tokenizers' model, read": lambda d: _bpe().read_file(str(d / "t.json"), str(d / "t.csv")),
    "tokenizers of words": lambda d: importlib.import_module("tokenizers").BertWordPieceTokenizer(str(d / "t.csv")),
    "lxml.objectify": lambda d: importlib.import_module("lxml.objectify").parse(str(d / "t.csv")),
    "deltalake.QueryBuilder": lambda d: deltalake.QueryBuilder().execute(
        f"CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{d}/t.csv'"
    ),
    "torch.package": lambda d: importlib.import_module("torch.package").PackageImporter(str(d / "t.csv")),
    "lightgbm.Dataset's parameters": lambda d: importlib.import_module("lightgbm").Dataset(
        np.ones((60, 1)), np.ones(60), params={"forcedbins_filename": str(d / "t.json")}
    ),
    "readline": lambda d: importlib.import_module("readline").read_history_file(str(d / "t.csv")),
}  # fmt: skip
NO_DATA = {
    "ctypes", "lightgbm.train", "lightgbm's parameters", "lxml", "lxml.objectify", "rustworkx",
    "rustworkx.read_graphml", "tokenizers", "tokenizers' model", "tokenizers' model, read",
    "tokenizers of words", "torch.package",
}  # fmt: skip
"""Readers to which the table is no valid file."""
SYSTEMS: dict[str, Callable[[Path], object]] = {
    "LocalFileSystem": lambda d: pyarrow.fs.LocalFileSystem().open_input_file(str(d / "t.csv")),
    "SubTreeFileSystem": lambda d: pyarrow.fs.SubTreeFileSystem(str(d), LOCAL).open_input_file("t.csv"),
    "from_uri": lambda d: pyarrow.fs.FileSystem.from_uri(f"file://{d}/t.csv"),
    "fragment": lambda d: pyarrow.dataset.ParquetFileFormat().make_fragment(
        str(d / "t.parquet"), pyarrow.fs.LocalFileSystem()
    ),
}
LOCAL = pyarrow.fs.LocalFileSystem()


def _bpe() -> Any:
    return importlib.import_module("tokenizers").models.BPE()


PROCESSES: dict[str, Callable[[Path], object]] = {
    "subprocess.run": lambda d: subprocess.run(["cat", d / "t.csv"], capture_output=True),
    "subprocess in a shell": lambda d: subprocess.check_output(f"cat {d}/t.csv", shell=True),
    "os.system": lambda d: os.system(f"cat {d}/t.csv > /dev/null"),
    "os.popen": lambda d: os.popen(f"cat {d}/t.csv").close(),
    "os.posix_spawn": lambda d: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "multiprocessing, spawned": lambda d: (
        multiprocessing.get_context("spawn").Process(target=os.getpid).start()
    ),
    "multiprocessing, served": lambda d: (
        multiprocessing.get_context("forkserver").Process(target=os.getpid).start()
    ),
    "pool of spawned processes": lambda d: multiprocessing.get_context("spawn").Pool(1).close(),
    "executor of spawned processes": lambda d: (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")).submit(os.getpid).result()
    ),
    "os.exec": lambda d: os.execv("/not/there", ["true"]),
}


@pytest.mark.parametrize("how", READS)
def test_a_native_read_that_nobody_notes_is_an_error_that_names_file_and_line(data: Path, how: str) -> None:
    def code() -> None:
        READS[how](data)

    def check() -> UnnotedFile:
        with pytest.raises(UnnotedFile) as raised, guarded("prices"):
            code()
        return raised.value

    error = check()
    assert error.where is not None and error.where.startswith(f"{__file__}:"), error.where
    assert error.advice is not None and "inputs." in error.advice
    if not how.startswith("duckdb") and how != "sqlite3.Connection":
        assert error.found is not None and str(data) in error.found
    if how not in NO_DATA:
        code()  # without a guard nothing is refused


def test_a_connection_of_sqlite_attaches_what_is_on_record_and_what_is_no_file(data: Path) -> None:
    with guarded("prices") as guard, sqlite3.connect(":memory:") as connection:
        connection.execute("ATTACH ':memory:' AS memory")
        guard.allow(data / "t.sqlite")
        connection.execute(f"ATTACH '{data}/t.sqlite' AS noted")
        assert connection.execute("SELECT count(*) FROM noted.t").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            connection.execute("SELECT * FROM elsewhere")
    with pytest.raises(UnnotedFile, match="a parameter") as raised, guarded("prices"):
        sqlite3.connect(":memory:").execute("ATTACH ? AS other", [str(data / "t.sqlite")])
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    connection.execute("ATTACH ? AS afterwards", [str(data / "t.sqlite")])


@pytest.mark.parametrize("how", SYSTEMS)
def test_the_code_makes_no_file_system_of_arrow_and_libraries_do(data: Path, how: str) -> None:
    def held() -> object:
        return LOCAL

    def noted() -> int:
        return pq.read_table(data / "t.parquet").num_rows

    with pytest.raises(UnnotedFile, match=r"pyarrow\.fs") as raised, guarded("prices"):
        SYSTEMS[how](data)
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    SYSTEMS[how](data)
    with guarded("prices") as guard:
        guard.allow(data / "t.parquet")
        assert noted() == 2
        assert isinstance(LOCAL, pyarrow.fs.LocalFileSystem | pyarrow.fs.FileSystem)
    with pytest.raises(UnnotedFile, match="opened before it ran"), guarded("prices", code=held):
        pass


ADDRESSES: dict[str, Callable[[str], object]] = {
    "socket": lambda address: socket.create_connection(("127.0.0.1", urlsplit(address).port or 0)),
    "urllib": lambda address: urlopen(address),
    "http.client": lambda address: HTTPConnection(urlsplit(address).netloc).request("GET", "/"),
    "requests": lambda address: importlib.import_module("requests").get(address),
    "asyncio": lambda address: asyncio.run(
        asyncio.open_connection("127.0.0.1", urlsplit(address).port)  # pyright: ignore[reportArgumentType]
    ),
    "polars": lambda address: pl.read_csv(address),
    "pandas": lambda address: pd.read_csv(address),
    "fsspec": lambda address: fsspec.open(address).open(),  # pyright: ignore[reportAttributeAccessIssue]
    "a file system of fsspec": lambda address: fsspec.filesystem("http").cat(address),
    "boto3": lambda address: (
        importlib.import_module("boto3")
        .client("s3", endpoint_url=address, region_name="x", aws_access_key_id="a", aws_secret_access_key="b")
        .list_buckets()
    ),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server that says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/t.csv"


@pytest.mark.parametrize("how", ADDRESSES)
def test_another_machine_is_an_error_that_names_the_line(address: str, how: str) -> None:
    with pytest.raises(UnnotedFile) as raised, guarded("prices"):
        ADDRESSES[how](address)
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    assert raised.value.advice is not None and "inputs." in raised.value.advice


def test_another_program_on_this_machine_is_an_error_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()

        def code() -> None:
            client.connect(str(tmp_path / "s"))

        with pytest.raises(UnnotedFile), guarded("prices"):
            code()
        code()


def test_processes_of_the_run_speak_to_each_other() -> None:
    def code() -> int:
        with Listener() as listener, Client(listener.address) as client, listener.accept() as accepted:
            client.send(2)
            return accepted.recv()

    code()  # makes a folder for sockets, outside of the run
    with guarded("prices"):
        assert code() == 2


@pytest.mark.parametrize("how", PROCESSES)
def test_another_process_is_an_error_that_names_the_line(data: Path, how: str) -> None:
    with pytest.raises(UnnotedFile) as raised, guarded("prices"):
        PROCESSES[how](data)
    error = raised.value
    assert error.where is not None and error.where.startswith(f"{__file__}:"), error.where
    assert error.advice is not None and "inputs.run_process" in error.advice


def test_an_address_is_refused_and_a_database_is_not() -> None:
    with guarded("prices"):
        for read in (pl.scan_parquet, pd.read_parquet):
            with pytest.raises(UnnotedFile, match="prices"):
                read("s3://bucket/t.parquet")
        with pytest.raises(UnnotedFile):
            pq.read_table("bucket/t.parquet", filesystem=pyarrow.fs.LocalFileSystem())


def test_frames_and_bytes_are_no_files(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "i").write_text("a file of the name of a column")
    text, parquet = (data / "t.csv").read_bytes(), (data / "t.parquet").read_bytes()
    frame = FRAME
    with guarded("prices"):
        assert pl.read_csv(io.BytesIO(text), columns=["i"], separator="/").equals(frame)
        assert pq.read_table(io.BytesIO(parquet), columns=["i"]).num_rows == 2
        assert duckdb.execute("SELECT sum(i) FROM frame").fetchall() == [(3,)]
        with duckdb.connect() as connection:
            assert connection.sql("SELECT sum(i) FROM frame").fetchall() == [(3,)]
        assert pl.sql("SELECT sum(i) AS s FROM frame").collect().item() == 3
        pl.from_dict({"i": [1]})
        ctypes.CDLL(None)


def test_what_a_library_starts_is_the_librarys() -> None:
    """As when a compiler is looked for; only what the asset's own code starts is refused."""

    def code() -> int:
        return psutil.Popen(["true"]).wait()

    with guarded("prices"):
        assert code() == 0


def test_a_process_that_forks_is_guarded_as_the_one_it_came_from(data: Path) -> None:
    def reads(answers: Any) -> None:
        try:
            (data / "t.csv").read_text()
        except UnnotedFile:
            answers.put("refused")
        else:
            answers.put("read")

    fork = multiprocessing.get_context("fork")
    with guarded("prices"):
        answers = fork.SimpleQueue()
        process = fork.Process(target=reads, args=(answers,))
        process.start()
        assert answers.get() == "refused"
        process.join()


def test_the_run_makes_files_by_native_code_too(tmp_path: Path) -> None:
    with guarded("prices", [tmp_path]):
        FRAME.write_parquet(tmp_path / "own.parquet")
        assert pl.read_parquet(tmp_path / "own.parquet").equals(FRAME)
        with duckdb.connect(tmp_path / "own.db") as connection:
            assert connection.sql(f"FROM '{tmp_path}/own.parquet'").fetchall() == [(1,), (2,)]


def test_a_noted_file_may_be_read_by_whatever_reads_it(data: Path, tmp_path: Path) -> None:
    def noted(inputs: Inputs) -> pl.DataFrame:
        path = inputs.note_file(data / "t.parquet")
        printed = inputs.run_process(["cat", data / "t.csv"], reads=[data / "t.csv"])
        return pl.concat([pl.read_parquet(path), pl.read_csv(printed)])

    lake = Lake(str(tmp_path / "lake"))
    record = materialize(frame_code(noted), lake).record
    assert record.rows == 4
    assert {read.name for read in record.reads} == {str(data / "t.parquet"), str(data / "t.csv")}

    def another(inputs: Inputs) -> pl.DataFrame:
        inputs.note_file(data / "t.parquet")
        return pl.read_csv(data / "t.csv")

    with pytest.raises(UnnotedFile):
        materialize(frame_code(another), lake)

    def fails(inputs: Inputs) -> pl.DataFrame:
        return pl.DataFrame({"n": [len(inputs.run_process(["false"]))]})

    with pytest.raises(LineageError, match="started failed"):
        materialize(frame_code(fails), lake)


def test_a_library_that_the_code_imports_itself_asks_too(data: Path) -> None:
    """In a process of its own, where nothing was imported before."""
    program = f"""
import sys
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.errors import UnnotedFile
before = "pyarrow.feather" in sys.modules, "safetensors" in sys.modules
with guarded("prices"):
    import pyarrow.feather
    from safetensors.numpy import load_file
    for read, path in ((pyarrow.feather.read_table, "t.feather"), (load_file, "t.safetensors")):
        try:
            read(f"{data}/" + path)
        except UnnotedFile:
            print(before, "refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["(False, False) refused"] * 2, done.stderr


# --- the law: nothing of the libraries that takes a file is left out --------------------------------------

_TAKES_A_FILE = {"source", "path", "paths", "file", "filename", "filepath_or_buffer", "path_or_paths", "io",
                 "path_or_buf", "where", "table_uri", "fname", "file_path"}  # fmt: skip
MODULES = [
    pl, pa, pyarrow.csv, pyarrow.dataset, pyarrow.feather, pyarrow.ipc, pyarrow.json, pyarrow.orc, pq, pd, deltalake,
    safetensors, safetensors.numpy, duckdb,
]  # fmt: skip
NO_READERS = {
    # write
    "create_memory_map", "new_file", "new_stream", "output_stream", "save_file", "serialize_file", "to_pickle",
    "write_csv", "write_dataset", "write_deltalake", "write_feather", "write_metadata", "write_table",
    "write_to_dataset", "CSVWriter", "ORCWriter", "ParquetWriter",
    "ExcelWriter",
    # read no data
    "set_timezone_db_path",
}  # fmt: skip
"""Callables with such a parameter that read no file, each seen."""


def _parameters(value: object) -> list[str]:
    try:
        return list(inspect.signature(value).parameters)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_callable_that_takes_a_file_asks(module: ModuleType) -> None:
    with guarded("prices"):
        pass
    silent = {
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_")
        and callable(value)
        and _TAKES_A_FILE.intersection(_parameters(value)[:1])
        and not hasattr(value, "_is_guarded")
        and not hasattr(getattr(value, "__init__", None), "_is_guarded")
        and str(getattr(value, "__module__", "")).partition(".")[0].lstrip("_") in native_readers.LIBRARIES
    }
    assert silent - NO_READERS == set()


@pytest.mark.parametrize("text", ["*", "/", "[a/", "a/*" * 3_000, "?\n/" * 400, "/*" * 600, "x"])
@pytest.mark.parametrize("size", [1, 300, 200_000])
def test_what_a_file_holds_is_no_path(text: str, size: int) -> None:
    """Bytes of a model were taken for a pattern with thousands of folders."""
    values = np.frombuffer((text * size)[:200_000].encode(), np.uint8)
    content = safetensors.numpy.save({"i": values})

    def reads() -> pl.DataFrame:
        loaded = safetensors.numpy.load(content)["i"]
        return pl.read_csv(b"i\n" + b"1\n" * loaded.size)

    with guarded("asset"):
        assert reads().height == values.size


def test_arrow_modules_that_come_later_find_their_classes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    program = (
        "from recsys_lineage.assets.reading.libraries.native_readers import watch_readers\n"
        "watch_readers()\n"
        "import pyarrow.fs, pyarrow.dataset, pandas\n"
        f"print(pandas.read_parquet({str(tmp_path / 't.parquet')!r})['a'].sum())\n"
        "print(pyarrow.fs.LocalFileSystem._is_guarded)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", "True"], done.stderr


def test_a_process_with_readers_that_ask_ends_in_silence() -> None:
    program = (
        "from recsys_lineage.assets.reading.guarded_code import watch_libraries\n"
        "import duckdb, polars, pyarrow.parquet\n"
        "watch_libraries()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
