"""A load tells of states of orders that the source's SQL does not name, and counts them as the SQL says."""

from __future__ import annotations

from pathlib import Path

from tests.platform.conftest import Shop
from tests.proposal.public_files import proposed

HEADER = "order_id,customer_id,sku,created_at,qty,price,status\n"


def lines(day: int, state: str) -> str:
    return HEADER + "".join(
        f"o{n},c{n % 7},p{n % 5},2024-01-{day:02d} 10:00:00,1,9.50,{state if n % 4 else 'paid'}\n"
        for n in range(40)
    )


def test_a_load_tells_of_a_state_that_the_sql_does_not_name_without_its_text(tmp_path: Path) -> None:
    proposed(tmp_path, {"orders-2024-01-01.csv": lines(1, "shipped")})
    (tmp_path / "data" / "orders-2024-01-02.csv").write_text(lines(2, "unzustellbar"))
    shop = Shop(tmp_path / "home", tmp_path / "data", tmp_path / "source")
    done = shop.recsys("materialize", "+raw_events")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "30 rows have one of 1 values of column status that the SQL does not name" in said
    assert "orders-2024-01-02.csv:3" in said and "unzustellbar" not in said
    assert shop.lake.version("raw_events").rows == 80
