"""Nothing that an asset's code returns brings a cell of a table into its record, its warnings or its reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt, materialize
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import TrainingData
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import RECORDS_TABLE, Records
from recsys_lineage.sql.names import literal, quote

# written backwards, because texts of the code may be told
CELLS = [
    text[::-1] for text in ("gro.elpmaxe@ednukxqz", "neirbqz'O fesojvw", "32615184", "f+es-oj.qz", "ednukxqz")
]
Make = Callable[[AssetCode, str], AssetCode]


def people() -> pl.DataFrame:
    return pl.DataFrame({"customer": CELLS})


def counted(people: pl.DataFrame) -> pl.DataFrame:
    return people.select(n=pl.len())


class Shown:
    """A value whose text is a cell."""

    def __init__(self, cell: str) -> None:
        self.cell = cell

    def __repr__(self) -> str:
        return self.cell


def _output(values: Callable[[str], dict[str, Any]]) -> Make:
    def make(asset: AssetCode, cell: str) -> AssetCode:
        def compute(inputs: Inputs, _request: Request) -> Output:
            _ = inputs.frame("people")
            return Output(**{"data": pl.DataFrame({"n": [1]}), **values(cell)})

        return replace(asset, compute=compute)

    return make


def _query(text: Callable[[str], str], parameters: Callable[[str], dict[str, Any]] = lambda _: {}) -> Make:
    return _output(lambda cell: {"data": Query(text(cell), parameters(cell))})


def _check(outcome: Callable[[str], CheckOutcome], **more: Any) -> Make:
    return lambda asset, cell: replace(
        asset, checks=(TableCheck("odd", "is odd", function=lambda _: outcome(cell), **more),)
    )


RETURNED: dict[str, Make] = {
    "statistics": _output(lambda cell: {"statistics": {cell: 1, "text": cell, "deep": [{"a": (cell, {cell})}]}}),
    "of other types": _output(
        lambda cell: {
            "statistics": {
                "bytes": cell.encode(), "shown": Shown(cell), "count": Counter([cell]), "text": np.str_(cell),
                "path": Path(cell), "series": pl.Series([cell]), "set": frozenset([cell]),
            }
        }
    ),
    "warnings": _output(lambda cell: {"warnings": [cell, f"so {cell} is", Shown(cell), cell.encode()]}),
    "failures": _output(lambda cell: {"failures": {cell: cell}, "warnings": [cell], "statistics": {"a": cell}}),
    "takes": _output(lambda cell: {"takes": {cell: [cell, Shown(cell), {cell}, cell.encode()]}}),
    "training data": _output(lambda cell: {"trained_on": [TrainingData(cell, 0, f"customer = {literal(cell)}", 3)]}),
    "partitions": _output(lambda cell: {"found_partitions": ("days", [cell]), "statistics": {"a": cell}}),
    "a check": _check(
        lambda cell: CheckOutcome(cell, False, cell, description=cell, columns=(cell,), counts={cell: 1}, where=(cell,))
    ),
    "a check that blocks": _check(lambda cell: CheckOutcome("odd", False, cell, where=(f"{cell}:3",)), blocking=True),
    "an odd check": _check(lambda cell: CheckOutcome("odd", False, "odd", severity=cell)),  # pyright: ignore[reportArgumentType]
    "observe": lambda asset, cell: replace(asset, observe=lambda: cell),
    "due": lambda asset, cell: replace(asset, due=lambda _: f"since {cell} came"),
    "a literal": _query(lambda cell: f"SELECT {literal(cell)} AS n"),
    "a literal in dollars": _query(lambda cell: f"SELECT $${cell}$$ AS n"),
    "a literal with escapes": _query(lambda cell: f"SELECT E{literal(cell)} AS n"),
    "an identifier": _query(lambda cell: f"SELECT n FROM (SELECT 1 AS n, 2 AS {quote(cell)})"),
    "a comment": _query(lambda cell: f"SELECT 1 AS n -- {cell}"),
    "a parameter": _query(lambda _: "SELECT $given AS n", lambda cell: {"given": cell}),
    "the name of a parameter": _query(
        lambda cell: f"SELECT $p{''.join(filter(str.isalnum, cell))} AS n",
        lambda cell: {f"p{''.join(filter(str.isalnum, cell))}": 1},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("returned")))
    materialize(frame_code(people), lake)
    materialize(frame_code(counted), lake)
    return lake


@pytest.mark.parametrize("make", RETURNED.values(), ids=RETURNED)
@pytest.mark.parametrize("cell", [CELLS[0], CELLS[1]])
def test_no_cell_is_recorded(lake: Lake, make: Make, cell: str) -> None:
    expect_nothing_of(cell, make, lake)


@pytest.mark.slow
@pytest.mark.parametrize("make", RETURNED.values(), ids=RETURNED)
@pytest.mark.parametrize("cell", CELLS[2:])
def test_no_cell_of_another_form_is_recorded(lake: Lake, make: Make, cell: str) -> None:
    expect_nothing_of(cell, make, lake)


def expect_nothing_of(cell: str, make: Make, lake: Lake) -> None:
    before = lake.version(RECORDS_TABLE).version
    outcome = attempt(make(frame_code(counted), cell), lake, Request(reuse=True))
    (record,) = Records(lake).read(before)[0]
    written = json.dumps(record.to_json(), ensure_ascii=False) + " ".join(
        (*outcome.warnings, str(outcome.reason))
    )
    pieces = [
        piece
        for piece in (cell, *cell.replace("@", " ").split())
        if len(piece) > 4 and piece != "example.org"
    ]
    assert not [piece for piece in pieces if piece.lower() in written.lower()]
