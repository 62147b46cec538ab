"""RecordRow: no record loses anything on its way through columns."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.run_record import RunRecord
from recsys_lineage.records.table.record_row import (
    SCHEMA,
    declared_column,
    joined,
    lineage_hash_column,
    named_texts,
    split,
)
from tests.lineage.records.made_records import materializations, record, run_records

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
anything = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
)


@patient
@given(materializations)
def test_a_materialization_is_equal_after_its_row(made: Materialization) -> None:
    row = split(made.to_json())
    assert Materialization.from_json(joined(row.values, row.texts)) == made
    assert set(named_texts(row.values)) == row.texts.keys()


@patient
@given(run_records)
def test_a_run_is_equal_after_its_row(made: RunRecord) -> None:
    row = split(made.to_json())
    assert RunRecord.from_json(joined(row.values, row.texts)) == made


@patient
@given(st.data())
def test_what_no_column_can_hold_stays_as_it_was(data: st.DataObject) -> None:
    """A later format may put other values where this one has columns, and more beside them."""
    plain: dict[str, Any] = record("orders").to_json()
    for holder in (plain, plain["code"], plain["reads"][0]):
        free = [*sorted(holder.keys() - {"id", "started", "ended", "code", "reads"}), "of_a_later_format"]
        for name in data.draw(st.lists(st.sampled_from(free), max_size=3)):
            holder[name] = data.draw(anything)
    row = split(plain)
    there = joined(row.values, row.texts)
    for read in (*there["reads"], *plain["reads"]):
        read.setdefault("purpose", "input")
    assert there == json.loads(json.dumps(plain))


def test_a_text_stands_in_no_row() -> None:
    """The code, the statement, schemas and engines are named by their hashes."""
    row = split(record("orders", engine={"duckdb": "of 2026"}).to_json())
    assert row.values.keys() == SCHEMA.keys()
    assert {"SELECT * FROM orders_source", '[["x","BIGINT"]]', '{"duckdb":"of 2026"}'} == {
        *row.texts.values()
    }
    assert not any(text in str(row.values) for text in row.texts.values())


@patient
@given(materializations)
def test_what_has_no_column_of_its_own_is_found_in_the_rest(made: Materialization) -> None:
    """The column lineage by its hash, and what was declared where these are names of tables."""
    plain = made.to_json()
    row = split(plain)
    frame = pl.DataFrame([row.values], schema=SCHEMA)
    ((hashed, declared),) = frame.select(lineage_hash_column().alias("hash"), declared_column()).rows()
    assert (None if hashed is None else json.loads(row.texts[hashed])) == plain.get("column_lineage")
    if all(re.fullmatch("[a-z0-9_]+", name) for name in made.declared):
        assert json.loads(declared or "[]") == [*made.declared]
