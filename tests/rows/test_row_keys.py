"""Rows of a Python asset are told by the keys that it names, and the keys are put to the proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.proof.asset_proof import verify
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.row_keys import Keys, Pairs, RowKeys
from recsys_lineage.records.records import Records
from recsys_lineage.rows.back import trace_back
from recsys_lineage.rows.forward import trace_forward
from recsys_lineage.rows.lake_rows import STARTING_ROWS, by_keys, other_rows

VALUES = st.one_of(st.none(), st.integers(0, 3))
ALTERNATIVES: list[list[Pairs]] = [
    [{"a": "x"}], [{"a": "x", "b": "y"}], [{"a": "x"}, {"b": "x"}], [{"a": "x"}, {"b": "y"}, {"a": "y"}],
]  # fmt: skip
ITEMS = pl.DataFrame({"item": ["tea", "milk", "salt"], "title": ["Tea", "Milk", None]})
BOUGHT = pl.DataFrame({"user": ["u", "u", "v", "w"], "item": ["tea", "tea", "milk", "tea"]})


@given(
    st.lists(st.tuples(VALUES, VALUES), max_size=8),
    st.lists(st.tuples(VALUES, VALUES), max_size=3),
    st.sampled_from(ALTERNATIVES),
)
def test_rows_that_have_one_of_the_keys_are_told_each_as_often_as_it_is_there(
    rows: list[tuple[Any, Any]], wanted: list[tuple[Any, Any]], alternatives: list[Pairs]
) -> None:
    table = pl.DataFrame(rows, schema={"x": pl.Int64, "y": pl.Int64}, orient="row")
    asked = pl.DataFrame(wanted, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    with duckdb.connect() as connection:
        connection.register("t", table)
        connection.register(STARTING_ROWS, asked)
        told = pl.DataFrame(by_keys(connection, "t", alternatives)).rows()
        others = pl.DataFrame(other_rows(connection, "t", alternatives)).rows()

    def belongs(row: dict[str, Any]) -> bool:
        return any(
            all(row[other] == given[own] for own, other in pairs.items())
            for pairs in alternatives
            for given in asked.iter_rows(named=True)
        )

    expected = [tuple(row.values()) for row in table.iter_rows(named=True) if belongs(row)]
    assert sorted(told, key=repr) == sorted(expected, key=repr)
    assert sorted(told + others, key=repr) == sorted(table.rows(), key=repr)


def items() -> pl.DataFrame:
    """What is sold."""
    return ITEMS


def bought(items: pl.DataFrame) -> pl.DataFrame:
    """Who bought what."""
    return BOUGHT.join(items, on="item", how="semi")


def lists(bought: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """To each customer one thing, because of another."""
    customers = bought.group_by("user").agg(pl.len().alias("pieces"), pl.col("item").min().alias("because"))
    return (
        customers.with_columns(item=pl.lit("salt"))
        .join(items, on="item", how="left")
        .join(items.select(because="item", like="title"), on="because", how="left")
        .sort("user")
    )


def ranks(bought: pl.DataFrame) -> pl.DataFrame:
    """Each customer's place among all, which takes all their rows."""
    return bought.group_by("user").len("pieces").with_columns(place=pl.col("pieces").rank("min")).sort("user")


def counts(bought: pl.DataFrame) -> pl.DataFrame:
    """How often each was bought, and one thing that nobody bought."""
    nobody = bought.clear().select(pl.lit("none").alias("item"), pl.len())
    return pl.concat([bought.group_by("item").len(), nobody]).sort("item")


LISTS_KEYS: dict[str, Pairs | list[Pairs]] = {
    "bought": {"user": "user"},
    "items": [{"item": "item"}, {"because": "item"}],
}
FROM_ALL = {"*": ("*",)}


def lake_of(
    folder: Path, function: Any, keys: Keys, columns: tuple[str, ...]
) -> tuple[Lake, Materialization]:
    lake = Lake(str(folder / "lake"))
    for code in (frame_code(items), frame_code(bought)):
        assert materialize(code, lake).error is None
    code = frame_code(function, keys=keys, columns_from=dict.fromkeys(columns, FROM_ALL))
    outcome = materialize(code, lake)
    assert outcome.error is None, outcome.error
    return lake, Records(lake).get(function.__name__)


def test_a_row_is_traced_by_the_keys_of_each_table_and_forward_as_well(tmp_path: Path) -> None:
    lake, record = lake_of(
        tmp_path, lists, LISTS_KEYS, ("user", "pieces", "because", "item", "title", "like")
    )
    assert record.row_keys == RowKeys.of(LISTS_KEYS)
    assert Materialization.from_json(record.to_json()) == record
    back = trace_back(lake, "lists", {"user": "u"})
    found = {each.table: [*each.rows] for each in back.tables}
    assert found["bought"] == [{"user": "u", "item": "tea"}] * 2
    assert sorted(row["item"] for row in found["items"]) == ["salt", "tea"]
    assert [(stop.asset, stop.table) for stop in back.stopped] == [("bought", "items"), ("items", "items")]
    for table, row, users in (
        ("bought", {"user": "v"}, ["v"]),
        ("items", {"item": "tea"}, ["u", "w"]),
        ("items", {"item": "salt"}, ["u", "v", "w"]),
    ):
        forward = {each.table: each.rows for each in trace_forward(lake, table=table, row=row).tables}
        assert [each["user"] for each in forward["lists"]] == users


@pytest.mark.parametrize(
    ("keys", "found", "expected"),
    [
        ({"bougt": {"user": "user"}}, "bougt", "Did you mean 'bought'"),
        ({"bought": {"usr": "user"}}, "usr", "Did you mean 'user'"),
        ({"bought": {"user": "users"}}, "users", "Did you mean 'user'"),
        ({"items": [{"item": "item"}, {"because": "itm"}]}, "itm", "Did you mean 'item'"),
    ],
)
def test_keys_that_are_not_there_are_refused(tmp_path: Path, keys: Keys, found: str, expected: str) -> None:
    with pytest.raises(LineageError) as raised:
        lake_of(tmp_path, lists, keys, ("user", "pieces", "because", "item", "title", "like"))
    assert raised.value.found == found and expected in str(raised.value.advice)


def proof_of(lake: Lake, function: Any, keys: Keys, columns: tuple[str, ...]) -> list[tuple[str, str]]:
    asset = frame_code(function, keys=keys, columns_from=dict.fromkeys(columns, FROM_ALL))
    found = verify(asset, lake, reads=False, rounds=1)
    assert found.rows is not None
    return [(trial.verdict, trial.detail) for trial in found.rows.trials]


@pytest.mark.slow
def test_keys_that_tell_a_row_are_proved_and_others_are_refuted(tmp_path: Path) -> None:
    columns = ("user", "pieces", "because", "item", "title", "like")
    lake, _ = lake_of(tmp_path, lists, LISTS_KEYS, columns)
    assert proof_of(lake, lists, LISTS_KEYS, columns) == [("proved", "")] * 3
    lake, _ = lake_of(tmp_path / "few", lists, {**LISTS_KEYS, "items": {"item": "item"}}, columns)
    verdicts = proof_of(lake, lists, {}, columns)
    assert [verdict for verdict, _ in verdicts] == ["too few"] * 3, "what it is like is told by no key"
    lake, _ = lake_of(tmp_path / "ranks", ranks, ["user"], ("user", "pieces", "place"))
    assert not verify(frame_code(ranks, columns_from={}), lake, reads=False).true
    lake, _ = lake_of(tmp_path / "counts", counts, {"bought": {"item": "item"}}, ("item", "len"))
    verdicts = proof_of(lake, counts, {}, ("item", "len"))
    assert verdicts == [
        ("proved", ""),
        ("refused", "no row that it was made of has its keys"),
        ("proved", ""),
    ]


def test_a_function_without_keys_has_no_proof_of_rows(tmp_path: Path) -> None:
    lake, _ = lake_of(tmp_path, ranks, [], ("user", "pieces", "place"))
    found = verify(frame_code(ranks, columns_from=dict.fromkeys(("user", "pieces", "place"), FROM_ALL)), lake)
    assert found.rows is None and "names no keys" in found.without[0]
