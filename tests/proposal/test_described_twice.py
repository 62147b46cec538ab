"""Products and customers of which a table of their own tells, and lines of events too, or several of these."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_assets.shop.loaded_source import load_source
from tests.proposal.public_files import proposed
from tests.sql.pipeline import CLEAN, open_source, run_raw, run_sql

LINES = range(1, 41)
CATALOGUE = "sku,name,category\n" + "".join(f"s{n},Tea {n},Tea/Green\n" for n in range(1, 8))
PEOPLE = "customer_id,country\n" + "".join(f"c{n},AT\n" for n in range(1, 5))
ONE_FILE = "order_id,created_at,customer_id,sku,name,category,country,qty\n" + "".join(
    f"{n},2024-01-{n % 27 + 1:02d} 10:00:00,c{n % 5 + 1},s{n % 9 + 1},TEA {n % 9 + 1},simple,DE,{n % 3 + 1}\n"
    for n in LINES
)
HEADS = "entity_id,created_at,customer_id\n" + "".join(
    f"{n},2024-01-{n % 27 + 1:02d} 10:00:00,c{n % 5 + 1}\n" for n in LINES
)
OF_HEADS = "item_id,order_id,sku,name,category,qty\n" + "".join(
    f"{n},{n},s{n % 9 + 1},TEA {n % 9 + 1},simple,{n % 3 + 1}\n" for n in LINES
)


def cleaned(root: Path, table: str) -> pl.DataFrame:
    source = load_source(root / "source")
    with duckdb.connect() as con:
        open_source(con, source, root / "data")
        run_raw(con, source)
        run_sql(con, source, "clean", CLEAN)
        return con.sql(f"SELECT * FROM {table} ORDER BY ALL").pl()


@pytest.mark.parametrize(
    "files", [{"orders.csv": ONE_FILE}, {"sales_order.csv": HEADS, "sales_order_item.csv": OF_HEADS}], ids=len
)
def test_the_catalogue_is_believed_before_lines_of_orders_that_tell_of_what_it_lacks(
    tmp_path: Path, files: dict[str, str]
) -> None:
    proposed(tmp_path, {**files, "products.csv": CATALOGUE, "customers.csv": PEOPLE})
    items = cleaned(tmp_path, "items")
    assert dict(items["item_id", "category"].rows()) == {
        **{f"s{n}": "Tea/Green" for n in range(1, 8)},
        "s8": "simple",
        "s9": "simple",
    }
    users = dict(cleaned(tmp_path, "users")["user_id", "country"].rows())
    assert users == {**{f"c{n}": "AT" for n in range(1, 5)}, **({"c5": "DE"} if len(files) == 1 else {})}


def test_what_lines_without_a_customer_alone_call_a_product_is_taken_where_no_other_line_names_it(
    tmp_path: Path,
) -> None:
    rows = [(n % 5 + 1, n % 7 + 1, f"Tea {n % 7 + 1}", 10 + n // 28) for n in range(1, 50)]
    notes = [("", 1, "mailout", 8), ("", 2, "", 8), ("", 9, "Sample", 9), (3, 6, "", 7)]
    text = "InvoiceNo,InvoiceDate,CustomerID,StockCode,Description,Quantity\n" + "".join(
        f"{number},2024-01-{day:02d} 10:00:00,{who},s{what},{called},1\n"
        for number, (who, what, called, day) in enumerate([*notes, *rows])
    )
    proposed(tmp_path, {"2024-01.csv": text})
    found = dict(cleaned(tmp_path, "items")["item_id", "title"].rows())
    assert found == {**{f"s{n}": f"Tea {n}" for n in range(1, 8)}, "s9": "Sample"}
