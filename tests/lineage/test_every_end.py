"""Every way in which a run can end leaves one record, of the right state, that can be read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
import polars as pl
import pytest

from recsys_lineage.assets.asset_code import AssetCode, Output, Query, Request
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt, materialize
from recsys_lineage.error_text import text_of
from recsys_lineage.lake.commits.draft import Draft
from recsys_lineage.lake.lake import Lake
from recsys_lineage.progress import Progress, listening
from recsys_lineage.records.materialization import Materialization, TrainingData
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import RECORDS_TABLE, Records
from recsys_lineage.records.table.record_table import rows_together
from tests.lineage.odd_errors import FAILURES, INTERRUPTIONS, SLOW, Made, Unsayable

ROWS = pl.DataFrame({"a": [1]})
REUSE = Request(reuse=True)
MakeAsset = Callable[[AssetCode, Callable[..., NoReturn]], AssetCode]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in which `stale` has to be made again, because what it reads has changed."""
    lake = Lake(str(tmp_path_factory.mktemp("ends")))
    with rows_together(lake):
        materialize(frame_code(given), lake)
        materialize(frame_code(made, name="stale"), lake)
        materialize(frame_code(given_anew, name="given"), lake)
    return lake


def given() -> pl.DataFrame:
    return ROWS


def given_anew() -> pl.DataFrame:
    return pl.DataFrame({"a": [1, 2]})


def made(given: pl.DataFrame) -> pl.DataFrame:
    return given


def _raiser(error: Made) -> Callable[..., NoReturn]:
    def fail(*_given: object) -> NoReturn:
        raise error()

    return fail


def ends(
    lake: Lake, asset: AssetCode, request: Request | None = None
) -> tuple[Materialization, BaseException | None]:
    """The one record that an attempt adds, and what it returned or raised."""
    before = lake.version(RECORDS_TABLE).version
    raised: BaseException | None = None
    try:
        raised = attempt(asset, lake, request or Request()).error
    except BaseException as error:
        raised = error
    (record,) = Records(lake).read(before)[0]
    return record, raised


def _blocks(fail: Callable[..., NoReturn]) -> Iterator[pl.DataFrame]:
    yield ROWS
    fail()


PLACES: dict[str, MakeAsset] = {
    "compute": lambda asset, fail: replace(asset, compute=fail),
    "blocks": lambda asset, fail: replace(asset, compute=lambda _i, _r: Output(_blocks(fail))),
    "check": lambda asset, fail: replace(asset, checks=(TableCheck("odd", "is odd", function=fail),)),
    "observe": lambda asset, fail: replace(asset, observe=fail),
    "due": lambda asset, fail: replace(asset, due=fail),
    "takes": lambda asset, fail: replace(asset, takes=fail),
    "otherwise": lambda asset, fail: replace(
        asset, compute=lambda _i, _r: Output(Query("SELECT 'x'::INTEGER AS a"), otherwise=fail)
    ),
    "columns_from": lambda asset, fail: replace(
        asset, columns_from={}, compute=lambda _i, _r: Output(ROWS, columns_from=fail)
    ),
}


@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
def test_whatever_is_raised_is_a_failure(lake: Lake, error: Made) -> None:
    record, raised = ends(lake, replace(frame_code(made), compute=_raiser(error)))
    assert record.status == "failed" and type(raised) is type(error())
    assert record.failure is not None and len(record.failure.message) <= 2_000
    assert record.failure.stack[-1].endswith("in fail")


@pytest.mark.parametrize("error", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_an_interruption_is_recorded_as_one_and_raised(lake: Lake, error: Made) -> None:
    record, raised = ends(lake, replace(frame_code(made), compute=_raiser(error)))
    assert record.status == "canceled" and type(raised) is type(error())


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("error", ["its text raises", "interrupt"])
def test_wherever_it_is_raised(lake: Lake, place: MakeAsset, error: str) -> None:
    error_made = {**FAILURES, **INTERRUPTIONS}[error]
    record, raised = ends(lake, place(frame_code(made, name="stale"), _raiser(error_made)), REUSE)
    assert record.status == ("canceled" if error == "interrupt" else "failed")
    assert type(raised) is type(error_made())


@pytest.mark.parametrize("error", SLOW.values(), ids=SLOW)
def test_a_text_that_takes_for_ever_is_left_out(error: Made) -> None:
    assert text_of(error()) is None


def _returning(**values: Any) -> MakeAsset:
    return lambda asset, _fail: replace(asset, compute=lambda _i, _r: Output(ROWS, **values))


def _checked(*values: Any, **more: Any) -> MakeAsset:
    check = TableCheck("odd", "is odd", function=lambda _: CheckOutcome(*values, **more))
    return lambda asset, _fail: replace(asset, checks=(check,))


ODD_VALUES: dict[str, MakeAsset] = {
    "statistics": _returning(statistics={"a": object(), "b": {3: {1, 2}}, 3: b"x", "d": Decimal("1.5")}),
    "numbers": _returning(statistics={"a": np.int64(3), "b": np.float32(1.5), "c": np.bool_(True)}),
    "surrogates": _returning(statistics={"\ud800": "\udfff"}, takes="\ud800", warnings=["\ud800"]),
    "takes": _returning(takes={Decimal("1"), Path("x")}),
    "unsayable": _returning(statistics={"a": Unsayable()}),
    "warnings": _returning(warnings=[3, None, b"x"]),
    "trained_on": _returning(trained_on=[TrainingData("given", "x", 3, None)]),  # pyright: ignore[reportArgumentType]
    "failures": _returning(failures={3: 4}),
    "observe": lambda asset, _fail: replace(asset, observe=lambda: 3),  # pyright: ignore[reportReturnType]
    "parameters": lambda asset, _fail: replace(asset, parameters={"a": object(), "b": "\ud800"}),
    "check": _checked(3, "yes", None, counts={"a": Decimal("1")}, where=[3]),
    "check returns": lambda asset, _fail: replace(
        asset, checks=(TableCheck("odd", "is odd", function=cast(Any, lambda _: None)),)
    ),
}


@pytest.mark.parametrize("make", ODD_VALUES.values(), ids=ODD_VALUES)
def test_whatever_code_returns_the_record_can_be_read(lake: Lake, make: MakeAsset) -> None:
    versions = len(lake.versions("made")) if lake.has("made") else 0
    record, raised = ends(lake, make(frame_code(made), _raiser(ValueError)))
    assert (record.status == "failed") == (raised is not None)
    assert len(lake.versions("made")) - versions == (record.status == "success")
    assert Materialization.from_json(record.to_json()) == record
    if record.status == "success":
        assert Records(lake).latest("made") == record


def test_what_fails_after_the_commit_is_a_warning(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def close(_self: Draft) -> NoReturn:
        raise OSError("the marker stays")

    asset = frame_code(made)
    with monkeypatch.context() as patched:
        patched.setattr(Draft, "close", close)
        outcome = attempt(asset, lake, Request())
    assert outcome.error is None and outcome.version is not None and outcome.output is not None
    assert "made was written" in outcome.warnings[0] and "OSError" in outcome.warnings[0]
    assert outcome.record == Records(lake).latest("made") == list(Records(lake).runs("made"))[-1]


def test_a_listener_that_fails_ends_nothing(lake: Lake) -> None:
    def broken(_moment: Progress) -> NoReturn:
        raise ValueError("no screen")

    with listening(broken):
        record, raised = ends(lake, frame_code(made))
    assert record.status == "success" and raised is None
