"""All functions of an asset's author are guarded, and what the code hands back is until it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.io.plugins import register_io_source

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.metadata.stored_metadata import stored_metadata
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.table_files import FRAME


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that nobody declared."""
    path = tmp_path / "prices.csv"
    path.write_text("i\n1\n2\n")
    return path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one table."""
    lake = Lake(str(tmp_path / "lake"), Engine(threads=1))
    materialize(sql_code(SqlText("SELECT 1 AS i", "orders.sql"), name="orders"), lake)
    return lake


def _read(path: Path, value: Any) -> Any:
    path.read_text()
    return value


def _blocks(path: Path) -> Iterator[pl.DataFrame]:
    yield _read(path, FRAME)


def _batches(path: Path) -> pa.RecordBatchReader:
    table = FRAME.to_arrow()
    return pa.RecordBatchReader.from_batches(table.schema, (_read(path, each) for each in table.to_batches()))


def _source(path: Path) -> pl.LazyFrame:
    def made(*_: object) -> Iterator[pl.DataFrame]:
        yield pl.read_csv(path)

    return register_io_source(made, schema={"i": pl.Int64})


class Late(tuple[str, ...]):
    """Warnings that are made when they are asked for."""

    path: Path

    def __iter__(self) -> Iterator[str]:
        return iter(_read(self.path, ()))


def _late(path: Path) -> Late:
    late = Late()
    late.path = path
    return late


FAILING = Query("SELECT CAST('x' AS INTEGER) AS i")
OUTPUTS: dict[str, Callable[[Path], Any]] = {
    "map_batches": lambda path: FRAME.lazy().map_batches(lambda frame: _read(path, frame)),
    "map_elements": lambda path: FRAME.lazy().with_columns(
        pl.col("i").map_elements(lambda value: _read(path, value), return_dtype=pl.Int64)
    ),
    "native code in it": lambda path: FRAME.lazy().map_batches(lambda _: pl.read_csv(path)),
    "a source of its own": _source,
    "blocks": _blocks,
    "batches": _batches,
    "blocks instead": lambda path: Output(FAILING, otherwise=lambda _: Output(_blocks(path))),
    "a plan instead": lambda path: Output(
        FAILING, otherwise=lambda _: Output(FRAME.lazy().map_batches(lambda frame: _read(path, frame)))
    ),
    "columns": lambda path: Output(FRAME, columns_from=lambda: _read(path, {"i": {}})),
    "an explanation": lambda path: Output(Query(FAILING.sql, explain=lambda _: _read(path, None))),
    "warnings": lambda path: Output(FRAME, warnings=_late(path)),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_what_is_made_only_as_it_is_written_is_guarded(lake: Lake, path: Path, what: str) -> None:
    def prices() -> Any:
        return OUTPUTS[what](path)

    with pytest.raises(UnnotedFile) as raised:
        materialize(frame_code(prices), lake)
    assert raised.value.found == str(path)
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    assert not lake.has("prices")


def test_a_plot_is_drawn_of_its_frame_alone(path: Path) -> None:
    assert stored_metadata(Plot(FRAME, lambda frame: frame.height), str) == 2
    with pytest.raises(UnnotedFile):
        stored_metadata(Plot(FRAME, lambda frame: _read(path, frame)), str)


def _asset(**functions: Any) -> AssetCode:
    return replace(sql_code(SqlText("SELECT * FROM orders", "mine.sql"), name="mine"), **functions)


def _whether_stale(code: AssetCode, lake: Lake) -> str:
    """Calls what says whether the asset is stale, after its input changed."""
    materialize(_asset(), lake)
    materialize(sql_code(SqlText("SELECT 2 AS i", "orders.sql"), name="orders"), lake)
    return materialize(code, lake, Request(reuse=True)).record.status


def _rows(lake: Lake) -> int:
    return lake.scan(lake.version("orders")).collect().height


FUNCTIONS: dict[str, Callable[[Lake, Path], dict[str, Any]]] = {
    "takes, a file": lambda lake, path: {"takes": lambda given: _read(path, 1)},
    "takes, another lake": lambda lake, path: {"takes": lambda given: _rows(lake)},
    "due, a file": lambda lake, path: {"due": lambda record: _read(path, None)},
    "due, a lake": lambda lake, path: {"due": lambda record: str(_rows(lake))},
    "observe, a lake": lambda lake, path: {"observe": lambda: str(_rows(lake))},
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_the_other_functions_read_nothing_unseen(lake: Lake, path: Path, what: str) -> None:
    with pytest.raises(UnnotedFile, match="mine"):
        _whether_stale(_asset(**FUNCTIONS[what](Lake(lake.uri, lake.engine), path)), lake)


def test_what_each_is_given_it_may_read(lake: Lake, path: Path) -> None:
    seen: list[object] = []
    code = _asset(
        observe=path.read_text,
        takes=lambda given: seen.append((_rows(given), Records(given).latest("orders") is not None)),
        due=lambda record: seen.append(record.asset),
    )
    first = materialize(code, lake).record
    assert first.observed is not None
    materialize(sql_code(SqlText("SELECT 2 AS i", "orders.sql"), name="orders"), lake)
    materialize(code, lake, Request(reuse=True))
    assert seen == ["mine", (1, True)]


def test_an_asset_is_made_again_of_its_parameters_alone(path: Path) -> None:
    with pytest.raises(UnnotedFile):
        _asset(remade=lambda parameters: _read(path, _asset())).with_parameters({})
