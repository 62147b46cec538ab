"""The rows that an answer shows are the same each time, in whatever order they were found."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from dataclasses import asdict
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.cli.row_trace import RowTrace, lines_in_words
from recsys_lineage.rows.back import BackwardTrace, TracedLines
from recsys_lineage.rows.lake_rows import MOST_ROWS, Stop, TracedRows, plain_rows

VALUES = {
    "n": (pa.int64(), st.none() | st.integers(-5, 5)),
    "text": (pa.string(), st.none() | st.text("ab", max_size=2)),
    "day": (pa.date32(), st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 9))),
    "price": (pa.decimal128(9, 2), st.none() | st.integers(0, 99).map(lambda c: decimal.Decimal(c) / 100)),
    "many": (pa.list_(pa.int32()), st.none() | st.lists(st.integers(0, 3), max_size=2)),
    "inner": (pa.struct([("a", pa.int32())]), st.none() | st.fixed_dictionaries({"a": st.integers(0, 3)})),
    "pairs": (pa.map_(pa.string(), pa.int32()), st.none() | st.just([("k", 1)])),
}
SCHEMA = pa.schema([(name, type_) for name, (type_, _) in VALUES.items()])
ROWS = st.lists(st.fixed_dictionaries({name: values for name, (_, values) in VALUES.items()}), max_size=8)


@given(rows=ROWS, data=st.data())
def test_the_order_in_which_rows_were_found_changes_nothing(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(rows))
    shown = plain_rows(pa.Table.from_pylist(rows, SCHEMA))
    assert shown == plain_rows(pa.Table.from_pylist(mixed, SCHEMA)) and len(shown) == len(rows)


def test_of_many_rows_the_first_are_shown() -> None:
    numbers = list(range(MOST_ROWS * 3, 0, -1))
    assert [row["n"] for row in plain_rows(pa.table({"n": numbers}))] == list(range(1, MOST_ROWS + 1))


@given(lines=st.sets(st.integers(1, 60), min_size=1).map(sorted), most=st.integers(1, 40))
def test_lines_are_told_as_ranges_and_their_number_where_not_all_are(lines: list[int], most: int) -> None:
    told = lines_in_words(lines, most)
    ranges, more, number = told.removeprefix("lines ").removeprefix("line ").partition(", … ")
    shown = [
        line
        for each in ranges.split(", ")
        for line in range(int(each.partition("-")[0]), int(each.rpartition("-")[2]) + 1)
    ]
    assert shown == lines[: len(shown)] and len(ranges.split(", ")) <= most
    assert (number == f"{len(lines)} lines") if more else shown == lines


def test_a_trace_in_json_says_what_its_parts_say() -> None:
    rows = TracedRows("t", 0, 1, ({"n": 1, "many": [{"a": 1}]},), {"a": "true"}, {"a": ("n",)})
    lines = TracedLines("raw_t", 0, "a.csv", None, "5", (2, 3))
    trace = BackwardTrace("t", 0, {"n": 1}, (rows,), (lines,), (), (Stop("t", "u", "why"),))
    said = RowTrace("t n=1", "up", trace, None).to_json()  # pyright: ignore[reportArgumentType]
    assert json.dumps(said) == json.dumps({"target": "t n=1", "direction": "up", **asdict(trace)})


def test_a_process_has_one_engine_for_the_rows_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pa.Table.from_pylist([{"n": 2}, {"n": 1}])
    first = plain_rows(rows)
    monkeypatch.setattr(duckdb, "connect", None)
    assert plain_rows(rows) == first
