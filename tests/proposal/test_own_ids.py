"""Tables of a database: what its rows are called only `id`, and which products stand in one cell."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_assets.proposal.proposal import propose
from recsys_assets.shop.loaded_source import load_source
from tests.proposal.shop_files import loaded
from tests.sql.pipeline import open_source, run_raw

ORDERS = "id,customer_id,created_at,status\n" + "".join(
    f"{n},{n % 5 + 1},2024-01-{n:02d} 10:00:00,paid\n" for n in range(1, 21)
)
PRODUCTS = "id,name,sku\n" + "".join(f"{n},Tea {n},s{n}\n" for n in range(1, 8))
VARIANTS = "id,product_id,size\n" + "".join(f"{n + 4},{n},{n} kg\n" for n in range(1, 8))
PEOPLE = "id,email,country\n" + "".join(f"{n},{n}@x.y,DE\n" for n in range(1, 6))


def lines(product: str) -> str:
    return f"id,order_id,{product}\n" + "".join(f"{n},{n},{n % 7 + 1}\n" for n in range(1, 21))


def proposed(folder: Path, **files: str) -> dict[str, str]:
    (folder / "data").mkdir()
    for name, text in files.items():
        (folder / "data" / f"{name}.csv").write_text(text)
    proposal = propose("A shop", [folder / "data"])
    proposal.write(folder / "source")
    return dict(proposal.files)


@pytest.mark.parametrize("people", ["customers", "users", "shop_customers_2024", "customer_entity"])
@pytest.mark.parametrize("since", [False, True], ids=["", "created_at"])
def test_the_id_of_a_table_is_what_events_name(tmp_path: Path, people: str, *, since: bool) -> None:
    told = [
        f"{line},{f'2023-01-{n + 1:02d} 10:00:00' if n else 'created_at'}" if since else line
        for n, line in enumerate(PEOPLE.splitlines())
    ]
    sql = proposed(
        tmp_path,
        orders=ORDERS,
        order_lines=lines("product_id"),
        products=PRODUCTS,
        **{people: "\n".join([*told, ""])},
    )
    assert '"id" AS item_id,\n    "name" AS title' in sql["raw_items.sql"]
    assert '"id" AS user_id' in sql["raw_users.sql"] and "email" not in sql["raw_users.sql"]
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty() and events.height == 20


def test_of_products_and_variants_those_are_the_items_that_events_name(tmp_path: Path) -> None:
    sql = proposed(
        tmp_path,
        orders=ORDERS,
        order_lines=lines("variant_id"),
        products=PRODUCTS.replace("sku", "colour"),
        variants=VARIANTS,
    )
    assert "read_csv('variants.csv')" in sql["raw_items.sql"] and '"id" AS item_id' in sql["raw_items.sql"]
    assert "products.csv" not in sql["raw_items.sql"]


def test_events_that_name_another_key_take_no_row_s_number_for_it(tmp_path: Path) -> None:
    sql = proposed(tmp_path, orders=ORDERS, order_lines=lines("sku"), products=PRODUCTS)
    assert '"sku" AS item_id' in sql["raw_items.sql"] and '"id"' not in sql["raw_items.sql"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("items", "p{0}|p{1}"), ("product_ids", '"p{0}, p{1}"'), ("SKUs", "\"['p{0}', 'p{1}']\"")],
)
def test_products_in_one_cell_are_a_row_each(tmp_path: Path, column: str, cell: str) -> None:
    rows = "".join(f"o{n},2024-01-{n:02d},u{n % 3},{cell.format(n, n + 1)}\n" for n in range(1, 9))
    proposed(tmp_path, orders=f"order_id,date,customer_id,{column}\n{rows}")
    events, rejected = loaded(tmp_path / "source", tmp_path / "data")
    assert rejected.is_empty()
    expected = [(f"o{n}", f"p{m}") for n in range(1, 9) for m in (n, n + 1)]
    assert sorted(events["order_id", "item_id"].rows()) == sorted(expected)


@pytest.mark.parametrize("first", ["product_id,sku", "sku,product_id"])
@pytest.mark.parametrize("product", ["entity_id,sku", "sku,name", "product_id,name", "id,product_id,sku"])
def test_lines_that_name_products_twice_name_them_as_the_catalogue_does(
    tmp_path: Path, product: str, first: str
) -> None:
    """So that every product that was bought is one that is described, and no product stands there twice."""
    values = {"entity_id": "{n}", "id": "{n}9", "product_id": "{n}", "sku": "s{n}", "name": "Tea {n}"}
    names = [*dict.fromkeys([*product.split(","), "name", "brand"])]
    written = ",".join({**values, "brand": "B{n}"}[name] for name in names)
    items = ",".join(values[name].format(n="{m}") for name in first.split(","))
    proposed(
        tmp_path,
        sales_order=ORDERS.replace("id,customer_id", "entity_id,customer_id"),
        sales_order_item=f"item_id,order_id,{first}\n"
        + "".join(f"{n},{n},{items.format(m=n % 7 + 1)}\n" for n in range(1, 21)),
        catalog_product=f"{','.join(names)}\n" + "".join(f"{written.format(n=n)}\n" for n in range(1, 8)),
    )
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    described = items_of(tmp_path)
    assert events.height == 20 and {*events["item_id"]} == {*described["item_id"]}
    assert {*described["brand"]} == {f"B{n}" for n in range(1, 8)}


@pytest.mark.parametrize(
    ("ids", "whole"), [(["{n}.{n}7", "{n}.0"], False), (["{n}.0"], True), (["{n}"], True)], ids=str
)
def test_an_id_with_a_point_of_its_own_is_no_number_that_became_a_float(
    tmp_path: Path, ids: list[str], whole: bool
) -> None:
    visitors = [ids[n % len(ids)].format(n=n) for n in range(1, 21)]
    rows = "".join(f"{who},p{n % 7},2024-01-{n + 1:02d}\n" for n, who in enumerate(visitors))
    proposed(tmp_path, events=f"user_pseudo_id,item_id,date\n{rows}")
    events, _ = loaded(tmp_path / "source", tmp_path / "data")
    expected = [who.removesuffix(".0") for who in visitors] if whole else visitors
    assert sorted(events["user_id"]) == sorted(expected)


def items_of(folder: Path) -> pl.DataFrame:
    source = load_source(folder / "source")
    with duckdb.connect() as con:
        open_source(con, source, folder / "data")
        run_raw(con, source)
        return con.sql("SELECT * FROM raw_items WHERE _fault IS NULL").pl()
