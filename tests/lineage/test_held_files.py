"""Datasets, connections and files that were opened before an asset ran: its code may not hold them."""

# ruff: noqa: SIM115  (files that stay open are what this is about)

from __future__ import annotations

import csv
import functools
import io
import logging
import mmap
import os
import sqlite3
import sys
import tarfile
import threading
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pa_dataset
import pyarrow.ipc as pa_ipc
import pyarrow.orc as pa_orc
import pyarrow.parquet as pa_parquet
import pytest
from deltalake import DeltaTable, write_deltalake

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.lake.lake import Lake
from tests.lineage.table_files import FRAME, write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one table in several formats."""
    folder = write_table(tmp_path_factory.mktemp("outside"))
    pa_orc.write_table(FRAME.to_arrow(), str(folder / "t.orc"))
    np.save(folder / "t.npy", np.arange(4))
    write_deltalake(str(folder / "delta"), FRAME.to_arrow())
    sqlite3.connect(folder / "t.sqlite").close()
    with zipfile.ZipFile(folder / "t.zip", "w") as packed:
        packed.write(folder / "t.csv", "t.csv")
    with tarfile.open(folder / "t.tar", "w") as packed:
        packed.add(folder / "t.csv", "t.csv")
    return folder


def _lines(data: Path) -> Iterator[str]:
    with open(data / "t.csv") as file:
        yield from file


def _begun(data: Path) -> Iterator[str]:
    lines = _lines(data)
    next(lines)
    return lines


def _mapped(data: Path) -> mmap.mmap:
    with open(data / "t.csv", "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _without_its_name(data: Path) -> io.FileIO:
    return io.FileIO(os.open(data / "t.csv", os.O_RDONLY))


KINDS: dict[str, Callable[[Path], Any]] = {
    "pyarrow dataset": lambda data: pa_dataset.dataset(data / "t.parquet"),
    "union of datasets": lambda data: pa_dataset.dataset([pa_dataset.dataset(data / "t.parquet")]),
    "fragment": lambda data: next(pa_dataset.dataset(data / "t.parquet").get_fragments()),
    "scanner": lambda data: pa_dataset.dataset(data / "t.parquet").scanner(),
    "record batches": lambda data: pa_dataset.dataset(data / "t.parquet").scanner().to_reader(),
    "ParquetFile": lambda data: pa_parquet.ParquetFile(data / "t.parquet"),
    "ParquetDataset": lambda data: pa_parquet.ParquetDataset(data / "t.parquet"),
    "ORCFile": lambda data: pa_orc.ORCFile(data / "t.orc"),
    "Arrow's file": lambda data: pa.OSFile(str(data / "t.csv")),
    "Arrow's memory map": lambda data: pa.memory_map(str(data / "t.csv")),
    "Arrow's IPC file": lambda data: pa_ipc.open_file(pa.memory_map(str(data / "t.arrow"))),
    "relation": lambda data: duckdb.connect().sql(f"SELECT * FROM '{data / 't.csv'}'"),
    "connection": lambda data: duckdb.connect(),
    "DeltaTable": lambda data: DeltaTable(str(data / "delta")),
    "open text": lambda data: open(data / "t.csv"),
    "open bytes": lambda data: open(data / "t.csv", "rb"),
    "open without a buffer": lambda data: open(data / "t.csv", "rb", buffering=0),
    "open by its number": _without_its_name,
    "csv.reader": lambda data: csv.reader(open(data / "t.csv")),
    "lines that are begun": _begun,
    "map": lambda data: map(str.strip, open(data / "t.csv")),
    "mmap": _mapped,
    "numpy.memmap": lambda data: np.load(data / "t.npy", mmap_mode="r"),
    "part of a memmap": lambda data: np.asarray(np.load(data / "t.npy", mmap_mode="r"))[1:],
    "zip": lambda data: zipfile.ZipFile(data / "t.zip"),
    "tar": lambda data: tarfile.open(data / "t.tar"),
    "pandas in pieces": lambda data: pd.read_csv(data / "t.csv", chunksize=1),
    "sqlite": lambda data: sqlite3.connect(data / "t.sqlite"),
    "sqlite in memory": lambda data: sqlite3.connect(":memory:"),
}


def _module(name: str, text: str, **values: object) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__file__ = f"/nowhere/{name}.py"
    vars(module).update(values)
    sys.modules[name] = module
    exec(compile(text, module.__file__, "exec"), vars(module))
    return module


class Holder:
    """Something of the code's own that holds a value."""

    def __init__(self, value: object) -> None:
        self.value = value


class Slotted:
    """Something that holds it without a dictionary."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _named(held: object, use: str) -> Callable[[], pl.DataFrame]:
    """A function of a module of its own whose text uses HELD."""
    module = _module("prices_code", f"def made():\n    {use}\n    return FRAME\n", HELD=held, FRAME=FRAME)
    return module.made


def _of_other_module(held: object) -> Callable[[], pl.DataFrame]:
    other = _module("other_code", "def load():\n    return HELD\n", HELD=held)
    return _module(
        "prices_code", "def made():\n    other.load()\n    return FRAME\n", other=other, FRAME=FRAME
    ).made


def _attribute_of_module(held: object) -> Callable[[], pl.DataFrame]:
    other = _module("other_code", "", HELD=held)
    return _module(
        "prices_code", "def made():\n    other.HELD\n    return FRAME\n", other=other, FRAME=FRAME
    ).made


def _imported_inside(held: object) -> Callable[[], pl.DataFrame]:
    _module("held_elsewhere", "", HELD=held)
    text = "def made():\n    from held_elsewhere import HELD\n    return FRAME\n"
    return _module("prices_code", text, FRAME=FRAME).made


def _default(held: object) -> Callable[[], pl.DataFrame]:
    module = _module("prices_code", "def load(a, held=HELD, *, b=1):\n    return held\n", HELD=held)
    del vars(module)["HELD"]
    return _module(
        "prices_code", "def made():\n    load(1)\n    return FRAME\n", load=module.load, FRAME=FRAME
    ).made


def _closure(held: object) -> Callable[[], pl.DataFrame]:
    text = "def around(held):\n    def made():\n        held\n        return FRAME\n    return made\n"
    return _module("prices_code", text, FRAME=FRAME).around(held)


def _class(held: object) -> Callable[[], pl.DataFrame]:
    text = "class Shop:\n    prices = HELD\n\n\ndef made():\n    Shop.prices\n    return FRAME\n"
    return _module("prices_code", text, HELD=held, FRAME=FRAME).made


def _cached(held: object) -> Callable[[], pl.DataFrame]:
    load = functools.cache(lambda: held)
    load()
    return _named(load, "HELD()")


WAYS: dict[str, Callable[[Any], Callable[[], pl.DataFrame]]] = {
    "variable of the module": lambda held: _named(held, "HELD"),
    "in a lambda": lambda held: _named(held, "(lambda: [HELD for _ in '1'])()"),
    "in a dict": lambda held: _named({"a": held}, "HELD['a']"),
    "in a list of tuples": lambda held: _named([(1, held)], "HELD[0][1]"),
    "in an iterator": lambda held: _named(iter([held]), "next(HELD)"),
    "in a partial function": lambda held: _named(functools.partial(print, held), "HELD()"),
    "in a partial's keyword": lambda held: _named(functools.partial(print, end=held), "HELD()"),
    "in an object": lambda held: _named(Holder(held), "HELD.value"),
    "in an object with slots": lambda held: _named(Slotted(held), "HELD.value"),
    "in a namespace": lambda held: _named(types.SimpleNamespace(value=held), "HELD.value"),
    "attribute of a class": _class,
    "default": _default,
    "variable around": _closure,
    "kept by a cache": _cached,
    "of a function of another module": _of_other_module,
    "attribute of another module": _attribute_of_module,
    "imported inside": _imported_inside,
}


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    yield
    for name in ("prices_code", "other_code", "held_elsewhere"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_what_was_opened_before_the_run_is_refused(way: str, kind: str, data: Path) -> None:
    function = WAYS[way](KINDS[kind](data))
    with pytest.raises(UnnotedFile, match="opened before it ran") as raised, guarded("prices", code=function):
        pass
    assert raised.value.where is not None and "_code.py:" in raised.value.where


HARMLESS: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda data: io.BytesIO(b"1"),
    "text": lambda data: io.StringIO("1"),
    "a table": lambda data: FRAME.to_arrow(),
    "a dataset of memory": lambda data: pa_dataset.dataset(FRAME.to_arrow()),
    "an Arrow buffer": lambda data: pa.BufferReader(b"1"),
    "the terminal": lambda data: sys.__stdout__,
    "a closed file": lambda data: _closed(open(data / "t.csv")),
    "a file that is written": lambda data: open(data.parent / "log.txt", "a"),
    "an array": lambda data: np.arange(4)[1:],
    "a closed database": lambda data: _closed(sqlite3.connect(data / "t.sqlite")),
    "a file of the code": lambda data: open(__file__),
    "a path": lambda data: data / "t.csv",
    "a log": lambda data: logging.getLogger("prices"),
    "a lock": lambda data: threading.Lock(),
    "polars": lambda data: pl,
}


def _closed(file: Any) -> Any:
    file.close()
    return file


@pytest.mark.parametrize("kind", HARMLESS)
@pytest.mark.parametrize(
    "way", ["variable of the module", "in an object", "in a partial's keyword", "in a dict"]
)
def test_what_reads_no_file_may_be_held(way: str, kind: str, data: Path) -> None:
    with guarded("prices", code=WAYS[way](HARMLESS[kind](data))):
        pass


def test_the_way_out(data: Path, tmp_path: Path) -> None:
    """What the message advises: opened inside, of a noted file."""

    def numbers(inputs: Inputs) -> pa.Table:
        return pa_dataset.dataset(inputs.note_file(data / "t.parquet")).to_table()

    record = materialize(frame_code(numbers), Lake(str(tmp_path / "lake"))).record
    assert [read.name for read in record.reads] == [str(data / "t.parquet")]


PRICES: list[Any] = []


def _ids(connection: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": [row[0] for row in connection.execute("SELECT id FROM prices").fetchall()]})


@pytest.mark.parametrize(
    "connect", [lambda: duckdb.connect(), lambda: sqlite3.connect(":memory:")], ids=["DuckDB", "SQLite"]
)
def test_why_a_database_in_memory_may_not_be_held_and_the_way_out(
    connect: Callable[[], Any], data: Path, tmp_path: Path
) -> None:
    """It may have been filled from a file that no record names, and its SQL opens files as it runs."""

    def numbers() -> pl.DataFrame:
        return _ids(PRICES[0])

    lake = Lake(str(tmp_path / "lake"))
    PRICES[:] = [connect()]
    try:
        with pytest.raises(UnnotedFile, match="in memory too") as raised:
            materialize(frame_code(numbers, name="numbers"), lake)
    finally:
        PRICES.clear()
    assert raised.value.advice is not None and "connect inside the function" in raised.value.advice

    def filled_inside(inputs: Inputs) -> pl.DataFrame:
        inside = connect()
        inside.execute("CREATE TABLE prices (id INTEGER)")
        with inputs.open_file(data / "t.csv") as file:
            inside.execute("INSERT INTO prices VALUES (?)", (len(file.readlines()),))
        return _ids(inside)

    record = materialize(frame_code(filled_inside, name="numbers"), lake).record
    assert [read.name for read in record.reads] == [str(data / "t.csv")]


def test_the_place_and_the_file_are_told(data: Path, tmp_path: Path) -> None:
    def numbers() -> pa.Table:
        return PRICES[0].to_table()

    PRICES[:] = [pa_dataset.dataset(data / "t.parquet")]
    try:
        with pytest.raises(UnnotedFile) as raised:
            materialize(frame_code(numbers), Lake(str(tmp_path / "lake")))
    finally:
        PRICES.clear()
    assert raised.value.found == f"PRICES, a pyarrow._dataset.FileSystemDataset of {data / 't.parquet'}"
    assert raised.value.where == f"{__file__}:{numbers.__code__.co_firstlineno}, in numbers"
    materialize(frame_code(numbers_of_nothing), Lake(str(tmp_path / "lake")))


def numbers_of_nothing() -> pl.DataFrame:
    """Names PRICES no more than any other function does."""
    return FRAME
