"""Columns of LazyFrames are derived from their plans; an opaque step is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from recsys_lineage import ColumnEdge, columns_of_frame
from recsys_lineage.errors import ColumnLineageError

ORDERS = pl.LazyFrame(
    {
        "id": [1, 2, 3], "customer": ["ann", "ben", "ann"], "paid": [1.0, 2.0, 3.0], "tags": [["a"], [], ["b"]],
        "day": [date(2020, 1, 1)] * 3, "place": [{"city": "x", "zip": 1}] * 3,
    }
)  # fmt: skip
CUSTOMERS = pl.LazyFrame(
    {"customer": ["ann", "ben"], "name": ["Ann", "Ben"], "since": [date(2019, 1, 1)] * 2}
)
TABLES = {"orders": ORDERS, "customers": CUSTOMERS}
_DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
col = pl.col

CASES: dict[str, tuple[Callable[[], pl.LazyFrame], dict[str, str]]] = {
    "select, rename, filter": (
        lambda: ORDERS.filter(col("id") > 1).select("customer", twice=col("paid") * 2).rename({"customer": "who"}),
        {"who": "customer IDENTITY", "twice": "paid TRANSFORMATION", "*": "id FILTER"},
    ),
    "when, coalesce, fill_null": (
        lambda: ORDERS.select(
            a=pl.when(col("id") > 1).then("customer").otherwise(pl.lit("none")),
            b=pl.coalesce("paid", "id"),
            c=col("paid").fill_null(0),
        ),
        {
            "a": "id CONDITIONAL, customer TRANSFORMATION",
            "b": "paid TRANSFORMATION, paid CONDITIONAL, id TRANSFORMATION",
            "c": "paid TRANSFORMATION, paid CONDITIONAL",
        },
    ),
    "is in a list of numbers of another type": (
        lambda: ORDERS.select("id", known=col("id").is_in(col("paid").cast(pl.UInt32).implode())),
        {"id": "id IDENTITY", "known": "id TRANSFORMATION, paid TRANSFORMATION"},
    ),
    "group by": (
        lambda: ORDERS.group_by("customer").agg(
            n=pl.len(), total=col("paid").sum(), kept=col("paid").filter(col("id") > 1).max(),
            last=col("id").sort_by("day").last(),
        ),
        {
            "customer": "customer IDENTITY", "n": "", "total": "paid AGGREGATION",
            "kept": "paid AGGREGATION, id FILTER", "last": "id AGGREGATION, day SORT", "*": "customer GROUP_BY",
        },
    ),
    "one row of all": (
        lambda: ORDERS.filter(col("id") > 1).select(n=pl.len(), best=col("paid").max(), one=pl.lit(1)),
        {"n": "id FILTER", "best": "paid AGGREGATION, id FILTER", "one": ""},
    ),
    "a column that filters itself": (
        lambda: ORDERS.select(col("paid").filter(col("id") > 1), one=pl.lit(1)),
        {"paid": "paid IDENTITY", "one": "", "*": "id FILTER"},
    ),
    "a number of rows": (
        lambda: ORDERS.select(col("id").head(2), a=col("paid").slice(0, 2), b=col("customer").gather_every(2).head(2)),
        {"id": "id IDENTITY", "a": "paid IDENTITY", "b": "customer AGGREGATION"},
    ),
    "every second row of all": (
        lambda: ORDERS.sort("day").gather_every(2).select("id"),
        {"id": "id AGGREGATION", "*": "day SORT"},
    ),
    "the first rows of each group": (
        lambda: ORDERS.group_by("customer").head(2).select("id"),
        {"id": "id AGGREGATION", "*": "customer GROUP_BY"},
    ),
    "the chosen rows of each group": (
        lambda: ORDERS.group_by("customer").agg(col("id").filter(col("paid") > 1).head(1)).explode("id").select("id"),
        {"id": "id AGGREGATION", "*": "customer GROUP_BY, paid FILTER"},
    ),
    "windows": (
        lambda: ORDERS.with_columns(share=col("paid").sum().over("customer", order_by="day")).select(
            "share", before=col("paid").shift(1)
        ),
        {"share": "paid AGGREGATION, customer WINDOW, day WINDOW", "before": "paid AGGREGATION"},
    ),
    "joins that may double rows": (
        lambda: ORDERS.join(CUSTOMERS, on="customer", how="left").select("id", "customer", "name"),
        {
            "id": "id IDENTITY", "customer": "customer IDENTITY", "name": "customers.name IDENTITY",
            "*": "customer JOIN, customers.customer JOIN",
        },
    ),
    "a left join with one row for each": (
        lambda: ORDERS.join(CUSTOMERS.unique("customer"), on="customer", how="left").select("id", "name"),
        {
            "id": "id IDENTITY",
            "name": "customers.name IDENTITY, customer JOIN, customers.customer JOIN, customers.customer GROUP_BY",
        },
    ),
    "a left join by a key that was changed": (
        lambda: ORDERS.join(
            CUSTOMERS.unique("customer").with_columns(col("customer").str.head(1)), on="customer", how="left"
        ).select("id"),
        {"id": "id IDENTITY", "*": "customer JOIN, customers.customer JOIN, customers.customer GROUP_BY"},
    ),
    "full join": (
        lambda: ORDERS.join(CUSTOMERS, on="customer", how="full", coalesce=True).select("customer"),
        {"customer": "customer IDENTITY, customers.customer IDENTITY, customer JOIN, customers.customer JOIN"},
    ),
    "semi join": (
        lambda: ORDERS.join(CUSTOMERS.filter(col("name") != ""), on="customer", how="semi").select("id"),
        {"id": "id IDENTITY", "*": "customer FILTER, customers.customer FILTER, customers.name FILTER"},
    ),
    "asof join": (
        lambda: ORDERS.join_asof(CUSTOMERS, left_on="day", right_on="since", by="customer").select("id", "name"),
        {
            "id": "id IDENTITY",
            "name": "customers.name IDENTITY, customer JOIN, customers.customer JOIN, day JOIN, customers.since JOIN",
        },
    ),
    "sort and head": (
        lambda: ORDERS.sort("paid").head(2).select("id"),
        {"id": "id IDENTITY", "*": "paid SORT"},
    ),
    "unique": (
        lambda: ORDERS.unique(["customer"], keep="first").select("id"),
        {"id": "id IDENTITY", "*": "customer GROUP_BY"},
    ),
    "concatenated": (
        lambda: pl.concat([ORDERS.select("customer"), CUSTOMERS.filter(col("name") == "x").select("customer")]),
        {"customer": "customer IDENTITY, customers.customer IDENTITY", "*": "customers.name FILTER"},
    ),
    "explode, unnest, unpivot": (
        lambda: ORDERS.explode("tags").unnest("place").select("id", "tags", "city"),
        {"id": "id IDENTITY", "tags": "tags TRANSFORMATION", "city": "place TRANSFORMATION", "*": "tags JOIN"},
    ),
    "fields of a struct made here": (
        lambda: ORDERS.select(
            a=pl.struct("id", "paid").struct.field("paid"),
            b=pl.struct("id", x="paid").struct.rename_fields(["p", "q"]).struct.field("p"),
            c=pl.when(col("id") > 1).then(pl.struct("id", "day")).otherwise(pl.struct("id", "day")).struct.field("day"),
            d=pl.struct("id", "paid").cast(pl.Struct({"paid": pl.String, "id": pl.Int8})).struct.field("paid"),
        ),
        {
            "a": "paid TRANSFORMATION", "b": "id TRANSFORMATION", "c": "day TRANSFORMATION, id CONDITIONAL",
            "d": "paid TRANSFORMATION",
        },
    ),
    "structs of a group, taken apart": (
        lambda: ORDERS.group_by("customer").agg(s=pl.struct("id", "paid")).explode("s").unnest("s"),
        {"customer": "customer IDENTITY", "id": "id AGGREGATION", "paid": "paid AGGREGATION", "*": "customer GROUP_BY"},
    ),
    "structs taken apart beside each other": (
        lambda: ORDERS.select(s=pl.struct("id", "paid"), place="place").unnest("s", "place", separator="_"),
        {
            "s_id": "id TRANSFORMATION", "s_paid": "paid TRANSFORMATION", "place_city": "place TRANSFORMATION",
            "place_zip": "place TRANSFORMATION",
        },
    ),
    "fields made anew": (
        lambda: ORDERS.select(
            s=pl.struct("id", "day").struct.with_fields(paid=col("paid"), more=pl.field("id") + 1)
        ).unnest("s"),
        {
            "id": "id TRANSFORMATION", "day": "day TRANSFORMATION", "paid": "paid TRANSFORMATION",
            "more": "id TRANSFORMATION, day TRANSFORMATION",
        },
    ),
    "what Polars does not show the parts of": (
        lambda: ORDERS.filter(col("paid") > 1).select(
            "id", tags=col("tags").list.eval(pl.element().len()), n=col("tags").list.unique().list.len(),
            last=col("id").last().over("customer", order_by=["day", "id"]), work=col("day").dt.is_business_day(),
        ),
        {
            "id": "id IDENTITY", "tags": "tags TRANSFORMATION", "n": "tags TRANSFORMATION",
            "last": "id AGGREGATION, customer WINDOW, day WINDOW, id WINDOW", "work": "day TRANSFORMATION",
            "*": "paid FILTER",
        },
    ),
    "how many rows, whatever their values": (
        lambda: ORDERS.group_by("customer").agg(n=col("paid").len(),
            some=col("paid").filter(col("id") > 1).len(),
            known=col("paid").count()),
        {
            "customer": "customer IDENTITY", "n": "", "some": "id FILTER", "known": "paid AGGREGATION",
            "*": "customer GROUP_BY",
        },
    ),
    "unpivot": (
        lambda: ORDERS.unpivot(on=["id", "paid"], index="customer"),
        {"customer": "customer IDENTITY", "variable": "", "value": "id IDENTITY, paid IDENTITY"},
    ),
    "rolling": (
        lambda: ORDERS.rolling("day", period="2d").agg(col("paid").sum()),
        {"day": "day IDENTITY", "paid": "paid AGGREGATION, day WINDOW"},
    ),
    "rolling, one group after the other": (
        lambda: ORDERS.rolling("day", period="2d", group_by="customer").agg(col("paid").sum()),
        {
            "customer": "customer IDENTITY",
            "day": "day IDENTITY",
            "paid": "paid AGGREGATION, day WINDOW, customer WINDOW",
            "*": "customer GROUP_BY",
        },
    ),
    "dynamic groups": (
        lambda: ORDERS.group_by_dynamic("day", every="1d").agg(col("paid").sum()),
        {"day": "day TRANSFORMATION", "paid": "paid AGGREGATION", "*": "day GROUP_BY"},
    ),
}  # fmt: skip


def edges(said: str) -> set[ColumnEdge]:
    found: set[ColumnEdge] = set()
    for each in filter(None, said.split(", ")):
        place, subtype = each.split(" ")
        table, column = place.split(".") if "." in place else ("orders", place)
        kind = "DIRECT" if subtype in _DIRECT else "INDIRECT"
        found.add(ColumnEdge(table, column, kind, subtype))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("case", CASES)
def test_edges_are_exact(case: str) -> None:
    make, expected = CASES[case]
    every = edges(expected.get("*", ""))
    found = columns_of_frame(make(), TABLES)
    assert list(found) == [name for name in expected if name != "*"]
    assert {name: set(each) for name, each in found.items()} == {
        name: edges(expected[name]) | every for name in found
    }
    assert all(each == sorted(each) for each in found.values())


@pytest.mark.parametrize("case", CASES)
def test_renaming_all_columns_before_renames_the_edges(case: str) -> None:
    make, _ = CASES[case]
    again = columns_of_frame(make().rename(lambda name: f"{name}_"), TABLES)
    assert {name.removesuffix("_"): each for name, each in again.items()} == columns_of_frame(make(), TABLES)


def test_what_a_plan_leaves_out_for_its_data_is_not_left_out() -> None:
    one = pl.LazyFrame({"a": [1], "b": [2]})
    found = columns_of_frame(one.sort("a").head(1), {"one": one})
    assert ColumnEdge("one", "a", "INDIRECT", "SORT") in found["b"]


def test_files_that_a_plan_scans_are_inputs(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [1], "y": ["a"]}).write_parquet(path)
    found = columns_of_frame(pl.scan_parquet(path).filter(col("y") == "a").select("x"), {})
    assert found == {
        "x": [
            ColumnEdge(str(path), "x", "DIRECT", "IDENTITY"),
            ColumnEdge(str(path), "y", "INDIRECT", "FILTER"),
        ]
    }
    assert columns_of_frame(pl.scan_parquet(path).select("x"), {"t": pl.scan_parquet(path)}) == {
        "x": [ColumnEdge("t", "x", "DIRECT", "IDENTITY")]
    }


def test_what_a_scan_adds_is_no_column_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [1]}).write_parquet(path)
    scan = pl.scan_parquet(path, row_index_name="n", include_file_paths="file")
    plan = scan.filter(col("n") < 3).select("n", "file", y=col("x") + col("n"))
    assert columns_of_frame(plan, {}) == {
        "n": [], "file": [], "y": [ColumnEdge(str(path), "x", "DIRECT", "TRANSFORMATION")],
    }  # fmt: skip
    assert columns_of_frame(scan.select("n"), {"t": scan})["n"] == [
        ColumnEdge("t", "n", "DIRECT", "IDENTITY")
    ]
    assert columns_of_frame(scan.select("n"), {"t": pl.scan_parquet(path)})["n"] == []


def test_a_source_of_python_is_told_by_its_function() -> None:
    def rows(*_: object) -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"x": [1]})

    frame = register_io_source(rows, schema={"x": pl.Int64})
    assert columns_of_frame(frame.select(y="x"), {"made": frame})["y"] == [
        ColumnEdge("made", "x", "DIRECT", "IDENTITY")
    ]


OPAQUE: dict[str, tuple[Callable[[], pl.LazyFrame], str]] = {
    "map_batches": (lambda: ORDERS.map_batches(lambda frame: frame), "mapfunction"),
    "map_groups": (lambda: ORDERS.group_by("id").map_groups(lambda frame: frame, schema=None), "GroupBy"),
    "an expression of Python": (
        lambda: ORDERS.select(x=col("id").map_batches(lambda s: s, return_dtype=pl.Int64)),
        "anonymousfunction",
    ),
}


@pytest.mark.parametrize("case", OPAQUE)
def test_an_opaque_step_is_named(case: str) -> None:
    make, step = OPAQUE[case]
    with pytest.raises(ColumnLineageError, match=step) as raised:
        _ = columns_of_frame(make(), TABLES)
    assert raised.value.found and "columns_from" in str(raised.value.advice)


def test_fields_with_the_names_of_other_columns_are_refused() -> None:
    with pytest.raises(ColumnLineageError, match="twice: id, paid"):
        _ = columns_of_frame(ORDERS.with_columns(s=pl.struct("id", "paid")).unnest("s"), TABLES)


def test_a_frame_that_is_no_table_is_refused() -> None:
    with pytest.raises(ColumnLineageError, match="none of the tables") as raised:
        _ = columns_of_frame(pl.LazyFrame({"q": [1]}), TABLES)
    assert raised.value.found == "a frame of q" and "orders" in str(raised.value.expected)


def test_one_frame_for_two_tables_is_refused() -> None:
    with pytest.raises(ColumnLineageError, match="several tables"):
        _ = columns_of_frame(ORDERS.select("id"), {"one": ORDERS, "other": ORDERS})
