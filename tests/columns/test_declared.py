"""What an asset declares of its columns is recorded, where it is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys_lineage import ColumnEdge, Inputs, Lake, frame_code, materialize
from recsys_lineage.assets.asset_code import Output
from recsys_lineage.columns.frames.declared import ColumnsFrom, Declared
from recsys_lineage.errors import ColumnLineageError

READ = {"events": ["user_id", "item_id"], "items": ["title"]}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def events() -> pl.DataFrame:
    return pl.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "paid": [1.0, 2.0]})


def edge(table: str, column: str, subtype: str = "TRANSFORMATION") -> ColumnEdge:
    kind = "DIRECT" if subtype in ("IDENTITY", "TRANSFORMATION", "AGGREGATION") else "INDIRECT"
    return ColumnEdge(table, column, kind, subtype)  # type: ignore[arg-type]


def test_declared_columns_become_edges() -> None:
    declared = {"score": {"items": ["title"], "events": ["user_id", "item_id"]}, "model": {}}
    assert Declared(declared, where="fit.py:1").edges(["score", "model"], READ) == {
        "score": [edge("events", "item_id"), edge("events", "user_id"), edge("items", "title")],
        "model": [],
    }


@pytest.mark.parametrize(
    ("declared", "fault", "advice"),
    [
        ({"scores": {}}, "no column 'scores'", "'score'"),
        ({}, "The origins of the column 'score' are not declared", "{'score': {}}"),
        ({"score": {"event": ["user_id"]}}, "did not read 'event'", "'events'"),
        ({"score": {"events": ["user"]}}, "read no column 'user' of events", "'user_id'"),
        ({"score": {"events": ["paid"]}}, "read no column 'paid' of events", "columns_from"),
        ({"score": "events.user_id"}, "declared by table", "columns_from"),
    ],
)
def test_what_is_not_so_is_refused(declared: Any, fault: str, advice: str) -> None:
    with pytest.raises(ColumnLineageError, match=fault) as raised:
        _ = Declared(declared, where="fit.py:1").edges(["score"], READ)
    assert str(raised.value.where).startswith("fit.py:1") and advice in str(raised.value.advice)


def scored(inputs: Inputs) -> pl.DataFrame:
    frame = inputs.frame("events", columns=["user_id"])
    return frame.with_columns(score=pl.lit(1.0))


def test_an_opaque_asset_records_what_it_declares(lake: Lake) -> None:
    _ = materialize(frame_code(events), lake)
    declared = {"user_id": {"events": ["user_id"]}, "score": {"events": ["user_id"]}}
    made = materialize(frame_code(scored, reads=["events"], columns_from=declared), lake).record
    assert made.column_lineage == {
        "user_id": (edge("events", "user_id"),),
        "score": (edge("events", "user_id"),),
    }


def test_a_column_that_was_not_read_cannot_be_declared(lake: Lake) -> None:
    _ = materialize(frame_code(events), lake)
    declared = {"user_id": {"events": ["user_id"]}, "score": {"events": ["paid"]}}
    with pytest.raises(ColumnLineageError, match="read no column 'paid' of events"):
        _ = materialize(frame_code(scored, reads=["events"], columns_from=declared), lake)


def test_what_a_run_says_of_itself_is_closer_than_what_holds_of_all_runs(lake: Lake) -> None:
    def narrower(inputs: Inputs) -> Output:
        return Output(scored(inputs), columns_from=lambda: {"user_id": of_user, "score": {}})

    of_user = {"events": ["user_id"]}
    every_run = {"user_id": of_user, "score": {"events": ["user_id", "paid"]}}
    _ = materialize(frame_code(events), lake)
    made = materialize(frame_code(narrower, reads=["events"], columns_from=every_run), lake).record
    assert made.column_lineage == {"user_id": (edge("events", "user_id"),), "score": ()}


def spending(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.filter(pl.col("paid") > 1).group_by("user_id").agg(pl.col("paid").sum())


def test_a_lazy_frame_records_what_its_plan_says(lake: Lake) -> None:
    _ = materialize(frame_code(events), lake)
    made = materialize(frame_code(spending), lake).record
    rows = {edge("events", "paid", "FILTER"), edge("events", "user_id", "GROUP_BY")}
    assert {name: set(edges) for name, edges in made.column_lineage.items()} == {
        "user_id": {edge("events", "user_id", "IDENTITY"), *rows},
        "paid": {edge("events", "paid", "AGGREGATION"), *rows},
    }


def opaque(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.map_batches(lambda frame: frame)


def test_an_opaque_plan_is_made_all_the_same_and_a_warning_names_the_step(lake: Lake) -> None:
    _ = materialize(frame_code(events), lake)
    outcome = materialize(frame_code(opaque), lake)
    assert outcome.record.column_lineage == {} and outcome.record.rows == 2
    (warning,) = outcome.warnings
    assert "mapfunction" in warning and "columns_from" in warning


def test_how_a_column_takes_part_is_told_and_what_decides_the_rows() -> None:
    declared = Declared(
        {"user": {"events": {"user_id": "IDENTITY", "item_id": "SORT"}}, "one": {}}, {"items": ["title"]}
    )
    assert declared.edges(["user", "one"], READ) == {
        "user": [
            edge("events", "item_id", "SORT"), edge("events", "user_id", "IDENTITY"), edge("items", "title", "FILTER")
        ],
        "one": [edge("items", "title", "FILTER")],
    }  # fmt: skip
    with pytest.raises(ColumnLineageError, match="no way 'SORTED'"):
        _ = Declared({"one": {"events": {"user_id": "SORTED"}}}).edges(["one"], READ)  # type: ignore[dict-item]


def test_a_star_stands_for_what_was_read() -> None:
    def told(columns_from: ColumnsFrom) -> set[tuple[str, str]]:
        return {(each.table, each.column) for each in Declared(columns_from).edges(["score"], READ)["score"]}

    assert told({"score": {"events": "*"}}) == {("events", "user_id"), ("events", "item_id")}
    assert told({"score": {"*": "*"}}) == {(table, column) for table, of in READ.items() for column in of}


def test_of_a_table_that_a_run_did_not_read_nothing_was_made() -> None:
    declared = {"score": {"events": ["user_id"], "models": ["content"]}}
    assert Declared(declared, tables=["models", "events"]).edges(["score"], READ) == {
        "score": [edge("events", "user_id")]
    }
    with pytest.raises(ColumnLineageError, match="did not read 'models'"):
        _ = Declared(declared, tables=["events"]).edges(["score"], READ)
