"""A reader that was put aside before anything was guarded asks too, whatever it was put into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import functools, operator, sys
from functools import partial
from pathlib import Path

import deltalake, duckdb, pandas, polars, pyarrow, pyarrow.csv, pyarrow.dataset, pyarrow.feather, pyarrow.json
import pyarrow.parquet, safetensors.numpy, scipy.io, sqlite3, torch
from polars import read_parquet as rp
from polars.io.csv.functions import read_csv as by_its_module

CSV, PARQUET, DB = sys.argv[1:]
READ = polars.read_csv


class Holder:
    read = staticmethod(polars.scan_parquet)
    frame = polars.LazyFrame

    def __init__(self):
        self.reader = polars.read_csv

    def read_it(self):
        return self.reader(CSV)


def around():
    reader = polars.read_csv
    return lambda: reader(CSV)


def default(path, reader=polars.read_csv, *, other=polars.scan_csv):
    return reader(path), other(path)


NATIVE = {
    "pyarrow.csv.read_csv": (pyarrow.csv.read_csv, CSV), "pyarrow.json.read_json": (pyarrow.json.read_json, CSV),
    "pyarrow.memory_map": (pyarrow.memory_map, CSV), "duckdb.connect": (duckdb.connect, DB),
    "torch.from_file": (torch.from_file, CSV),
}
PYTHON = {
    "polars.read_csv": (polars.read_csv, CSV), "polars.scan_parquet": (polars.scan_parquet, PARQUET),
    "pyarrow.parquet.read_table": (pyarrow.parquet.read_table, PARQUET), "torch.load": (torch.load, CSV),
    "pandas.read_parquet": (pandas.read_parquet, PARQUET), "pyarrow dataset": (pyarrow.dataset.dataset, PARQUET),
    "safetensors.numpy.load_file": (safetensors.numpy.load_file, CSV), "scipy.io.mmread": (scipy.io.mmread, CSV),
    "polars.DataFrame.deserialize": (polars.DataFrame.deserialize, CSV),
}
INIT, COLLECT, CONNECT = deltalake.DeltaTable.__init__, polars.LazyFrame.collect, [sqlite3.connect]
PLAN = polars.scan_parquet(PARQUET)
WAYS = {
    "variable": lambda: READ(CSV), "by another name": lambda: rp(PARQUET), "by its module": lambda: by_its_module(CSV),
    "list": lambda: [READ][0](CSV), "partial": partial(polars.read_parquet, PARQUET),
    "class": lambda: Holder.read(PARQUET), "object": Holder().read_it, "closure": around(),
    "default": lambda: default(CSV), "methodcaller": lambda: operator.methodcaller("read_csv", CSV)(polars),
    "attrgetter": lambda: operator.attrgetter("io.csv.functions.read_csv")(polars)(CSV),
    "constructor": lambda: INIT(deltalake.DeltaTable.__new__(deltalake.DeltaTable), str(Path(CSV).parent)),
    "collect": lambda: COLLECT(PLAN), "collect of a partial": partial(COLLECT, PLAN),
    "sqlite3.connect": lambda: CONNECT[0](":memory:").execute(f"ATTACH '{DB}' AS other"),
}
for name, (reader, path) in PYTHON.items():
    WAYS[name] = partial(reader, path)

from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.errors import UnnotedFile

silent = []
for name, way in WAYS.items():
    def code(way=way):
        return way()

    try:
        with guarded("prices", code=code):
            code()
        silent.append(name)
    except UnnotedFile:
        pass
for name, (reader, path) in NATIVE.items():
    def code(reader=reader, path=path):
        return reader(path)

    try:
        with guarded("prices", code=code):
            pass
        silent.append(name)
    except UnnotedFile as error:
        if "put aside" not in error.message or name not in error.advice:
            silent.append(f"{name}: {error}")
assert READ is polars.read_csv and READ(CSV).height == 2 and READ.__name__ == "read_csv"
assert isinstance(PLAN.collect(), polars.DataFrame)
print(len(WAYS) + len(NATIVE), silent)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files that nobody declared."""
    import polars as pl

    frame = pl.DataFrame({"i": [1, 2]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.db").write_bytes(b"")
    return tmp_path


def test_whatever_holds_it_it_asks(folder: Path) -> None:
    """In a process of its own, where nothing was guarded before."""
    files = [str(folder / name) for name in ("t.csv", "t.parquet", "t.db")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    number, silent = done.stdout.strip().split(" ", 1)
    assert silent == "[]" and int(number) > 25
