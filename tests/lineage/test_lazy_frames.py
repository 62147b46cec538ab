"""LazyFrames that were made before an asset ran: what their plans scan is on record, or they are refused."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import UnnotedFile
from recsys_lineage.lake.lake import Lake
from tests.lineage.table_files import FRAME, write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one table in four formats."""
    return write_table(tmp_path_factory.mktemp("outside"))


COLLECTED: dict[str, Callable[[pl.LazyFrame], object]] = {
    "collect": lambda frame: frame.collect(),
    "collect of what was made of it": lambda frame: (
        frame.filter(pl.col("i") > 1).group_by("i").len().collect()
    ),
    "collect of a join": lambda frame: FRAME.lazy().join(frame, on="i").collect(),
    "collect of a union": lambda frame: pl.concat([FRAME.lazy(), frame]).collect(engine="streaming"),
    "collect_all": lambda frame: pl.collect_all([FRAME.lazy(), frame]),
    "collect_all by keyword": lambda frame: pl.collect_all(lazy_frames=iter([frame])),
    "collect_async": lambda frame: frame.collect_async(),
    "describe": lambda frame: frame.describe(),
    "SQLContext": lambda frame: pl.SQLContext(t=frame).execute("SELECT * FROM t", eager=True),
    "sink_csv": lambda frame: frame.sink_csv(io.BytesIO()),
    "DataFrame.join": lambda frame: FRAME.join(frame.collect(), on="i"),
}


@pytest.mark.parametrize("scan", ["scan_csv", "scan_parquet", "scan_ipc", "scan_ndjson"])
@pytest.mark.parametrize("how", COLLECTED)
def test_a_frame_made_before_the_run_is_collected_by_nobody(data: Path, how: str, scan: str) -> None:
    """As `PRICES = pl.scan_csv(…)` at the top of a module."""
    name = {"scan_csv": "t.csv", "scan_parquet": "t.parquet", "scan_ipc": "t.arrow", "scan_ndjson": "t.json"}[
        scan
    ]
    before = getattr(pl, scan)(data / name)
    with pytest.raises(UnnotedFile) as raised, guarded("prices"):
        COLLECTED[how](before)
    assert raised.value.found == str(data / name)
    assert raised.value.where is not None and raised.value.where.startswith(f"{__file__}:")
    if how != "collect_async":
        COLLECTED[how](before)  # without a guard nothing is refused


def test_frames_of_the_inputs_and_of_noted_files_are_collected(data: Path, tmp_path: Path) -> None:
    before = pl.scan_csv(data / "t.csv")

    def numbers() -> pl.DataFrame:
        return FRAME

    def halves(numbers: pl.LazyFrame, inputs: Inputs) -> pl.LazyFrame:
        inputs.note_file(data / "t.csv")
        return pl.concat([pl.concat([numbers, before]).collect().lazy(), numbers])

    def unnoted(numbers: pl.LazyFrame) -> pl.LazyFrame:
        return pl.concat([numbers, before])

    lake = Lake(str(tmp_path / "lake"))
    materialize(frame_code(numbers), lake)
    record = materialize(frame_code(halves, columns_from={"i": {"numbers": "i"}}), lake).record
    assert record.rows == 6
    assert {read.name for read in record.reads} == {"numbers", str(data / "t.csv")}
    with pytest.raises(UnnotedFile) as raised:
        materialize(frame_code(unnoted), lake)
    assert raised.value.found == str(data / "t.csv")


def test_every_way_to_run_a_plan_asks() -> None:
    """Of the methods of a LazyFrame, those that give no LazyFrame and are known to read nothing are few."""
    with guarded("prices"):
        pass
    silent = {
        name
        for name, method in vars(pl.LazyFrame).items()
        if inspect.isfunction(method)
        and not name.startswith("_")
        and not hasattr(method, "_is_guarded")
        and str(inspect.signature(method).return_annotation) not in ("LazyFrame", "LazyGroupBy")
    }
    assert silent <= RUN_NOTHING


RUN_NOTHING = {
    "collect_schema", "explain", "lazy", "pipe", "pipe_with_schema", "serialize", "show_graph",
}  # fmt: skip
"""Methods of a LazyFrame that read no rows, each seen."""
