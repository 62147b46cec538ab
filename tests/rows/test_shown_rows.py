"""The rows that an answer shows are the same each time, in whatever order they were found."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.rows.lake_rows import MOST_ROWS, plain_rows

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
