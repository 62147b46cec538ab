"""A shop's files that lie in the folder of a table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from recsys_assets.proposal.proposal import propose
from recsys_assets.runs.trial import try_source
from tests.files.delta_tables import delete_rows_0_and_2
from tests.platform.nights import Nights


def test_files_that_are_not_the_table_s_rows_are_no_samples(tmp_path: Path) -> None:
    times = [f"2024-01-0{day} 10:00:00" for day in (1, 2, 3)]
    orders = pa.table({"customer_id": ["u1", "u2", "u3"], "product_id": ["a", "b", "c"], "order_date": times})
    table = tmp_path / "in" / "orders"
    write_deltalake(table, orders)
    write_deltalake(table, orders, mode="overwrite")
    write_deltalake(table, orders.slice(1), mode="append")
    proposal = propose("shop", [tmp_path / "in"])
    (events,) = proposal.tables["raw_events"]
    assert events.files.rows == 5 and not proposal.unread

    delete_rows_0_and_2(table, version=1)
    proposal = propose("shop", [tmp_path / "in"])
    (events,) = proposal.tables["raw_events"]
    assert events.files.rows == 2
    ((path, why),) = proposal.unread.items()
    assert path.startswith("orders/part-") and "deletion vector" in why


def test_a_check_tells_a_file_that_is_not_the_table_s_rows(tmp_path: Path) -> None:
    shop = Nights.of(
        tmp_path,
        raw_events="SELECT moment AS event_time, who AS user_id, what AS item_id, _file, _line "
        "FROM read_parquet('orders/*.parquet')",
    )
    orders = {"moment": ["2024-01-01 10:00:00"] * 3, "who": ["u1", "u2", "u3"], "what": ["a", "b", "c"]}
    write_deltalake(shop.data / "orders", pa.table(orders))
    assert not any(scan.faults for scan in try_source(shop.source).scans)
    delete_rows_0_and_2(shop.data / "orders")
    (fault,) = (fault for scan in try_source(shop.source).scans for fault in scan.faults)
    assert "deletion vector" in fault
