"""A lake that an asset's code opens or holds is refused: nobody would note which tables it reads."""

from __future__ import annotations

import importlib.machinery
import linecache
from collections.abc import Callable
from pathlib import Path

import deltalake
import duckdb
import polars as pl
import pytest

from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.guarded_threads import unguarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import LineageError, UnnotedFile
from recsys_lineage.files.source_file import hashed_file
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from recsys_lineage.unlocked import unlocked_files


def _table(name: str, value: int, lake: Lake) -> None:
    materialize(sql_code(SqlText(f"SELECT {value} AS i", f"{name}.sql"), name=name), lake)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of two tables, of which the code depends on `orders` alone."""
    lake = Lake(str(tmp_path_factory.mktemp("lakes") / "lake"), Engine(threads=1))
    _table("orders", 1, lake)
    _table("others", 2, lake)
    return lake


def _opened(lake: Lake) -> Lake:
    return Lake(lake.uri, lake.engine)


def _file(lake: Lake) -> str:
    with unguarded():
        return lake.files(lake.version("others"))[0]


WAYS: dict[str, Callable[[Lake], object]] = {
    "arrow of its own lake": lambda lake: _opened(lake).arrow(_opened(lake).version("others")),
    "latest": lambda lake: _opened(lake).latest("others"),
    "has": lambda lake: _opened(lake).has("others"),
    "tables": lambda lake: _opened(lake).tables(),
    "commits": lambda lake: _opened(lake).commits("others"),
    "its Delta table": lambda lake: _opened(lake).open_delta("others"),
    "connect": lambda lake: _opened(lake).connect(),
    "cursor": lambda lake: _opened(lake).cursor(),
    "a lake that it holds": lambda lake: lake.version("others"),
    "the lake of records": lambda lake: Records(lake).lake.version("others"),
    "the resource's": lambda lake: LakeResource(uri=lake.uri).lake().version("others"),
    "a materialization": lambda lake: materialize(
        sql_code(SqlText("SELECT 1 AS i", "o.sql"), name="o"), lake
    ),
    "an engine": lambda lake: Engine().connect(folders=[lake.uri]).sql(f"FROM '{_file(lake)}'").fetchall(),
    "inputs of its own": lambda lake: Inputs(lake, lake.connect(), "mine", ["others"]).frame("others"),
    "DeltaTable": lambda lake: deltalake.DeltaTable(f"{lake.uri}/others"),
    "scan_delta": lambda lake: pl.scan_delta(f"{lake.uri}/others"),
    "delta_scan": lambda lake: duckdb.connect().sql(f"FROM delta_scan('{lake.uri}/others')"),
    "a file": lambda lake: pl.read_parquet(_file(lake)),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_code_reads_no_lake_by_itself(lake: Lake, way: str) -> None:
    def mine(orders: pl.DataFrame) -> pl.DataFrame:
        WAYS[way](lake)
        return orders

    with pytest.raises(LineageError) as raised:
        materialize(frame_code(mine), lake)
    assert "mine" in str(raised.value) or "delta" in str(raised.value)
    if "lake by itself" in raised.value.message:
        assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
        assert raised.value.advice is not None and "inputs.frame" in raised.value.advice
    assert not lake.has("mine")


def test_nor_does_a_check(lake: Lake) -> None:
    def looks(_inputs: Inputs) -> CheckOutcome:
        return CheckOutcome("looks", lake.latest("others") is not None, "it was there")

    code = sql_code(
        SqlText("SELECT * FROM orders", "mine.sql"), checks=[TableCheck("looks", "x", function=looks)]
    )
    with pytest.raises(UnnotedFile, match="reads a lake by itself"):
        materialize(code, lake)


def test_inputs_and_records_are_the_way(lake: Lake) -> None:
    def mine_by_inputs(orders: pl.LazyFrame, inputs: Inputs) -> pl.DataFrame:
        assert Records(lake).latest("orders") is not None
        return pl.concat([orders.collect(), inputs.frame("others"), inputs.query("SELECT * FROM others")])

    record = materialize(frame_code(mine_by_inputs, reads=["others"]), lake).record
    assert [read.name for read in record.reads] == ["orders", "others"]


def test_what_lineage_tells_about_files_and_code_is_no_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("1\n")

    def code() -> None:
        assert unlocked_files(tmp_path, "*.csv") == [path]
        assert hashed_file(path, path.name, tmp_path).bytes == 2
        assert sql_code(SqlText("SELECT $n AS i", "x.sql"), name="x", parameters={"n": 1}).code_version

    with guarded("prices"):
        code()


HELPERS: dict[str, Callable[[Path], object]] = {
    "linecache": lambda path: linecache.getlines(str(path)),
    "a loader": lambda path: importlib.machinery.SourceFileLoader("x", str(path)).get_data(str(path)),
}


@pytest.mark.parametrize("how", HELPERS)
def test_a_helper_of_python_reads_no_file_for_the_code(tmp_path: Path, how: str) -> None:
    path = tmp_path / "prices.txt"
    path.write_text("PRICE = 2\n")
    with guarded("prices"), pytest.raises(UnnotedFile):
        HELPERS[how](path)
