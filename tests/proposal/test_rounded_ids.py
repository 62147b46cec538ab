"""Ids that a floating-point type rounded are told by init, by check and at each load."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys_assets.assets.raw.source_folder import SourceFolder
from recsys_assets.runs.trial import try_source
from recsys_assets.shop.loaded_source import load_source
from tests.proposal.public_files import notes_of, proposed

TYPES = {pl.Float32: 1 << 24, pl.Float64: 1 << 53}


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("column", ["customer_id", "sku"])
@pytest.mark.parametrize("above", [-100, 1])
def test_ids_beyond_what_a_type_holds_exactly_are_told(
    tmp_path: Path, type_: type[pl.DataType], column: str, above: int
) -> None:
    most = TYPES[type_]
    rows = [
        {
            "order_id": f"o{n}",
            "customer_id": 10 + n % 7,
            "sku": 20 + n % 9,
            "created_at": f"2024-01-{n % 28 + 1:02d}",
        }
        | {column: most + above + n % 7}
        for n in range(60)
    ]
    (tmp_path / "data").mkdir()
    pl.DataFrame(rows).with_columns(pl.col(column).cast(type_)).write_parquet(tmp_path / "data" / "o.parquet")
    told = notes_of(proposed(tmp_path, {}))
    tried = try_source(SourceFolder(load_source(tmp_path / "source"), tmp_path / "data"))
    doubts = " ".join(doubt for table in tried.tables for doubt in table.doubts)
    assert (f"column {column} holds floating-point numbers of {most:,} and more" in told) is (above > 0)
    assert (f"is a floating-point number of {most:,} or more" in doubts) is (above > 0)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("nobody", [float("nan"), float("inf"), None])
def test_customers_who_are_no_number_have_lost_no_digits(
    tmp_path: Path, type_: type[pl.DataType], nobody: float | None
) -> None:
    rows = [
        {
            "order_id": f"o{n}",
            "customer_id": nobody if n % 4 == 0 else 10 + n % 7,
            "sku": 20 + n % 9,
            "created_at": f"2024-01-{n % 28 + 1:02d}",
        }
        for n in range(60)
    ]
    (tmp_path / "data").mkdir()
    frame = pl.DataFrame(rows, strict=False).with_columns(pl.col("customer_id").cast(type_))
    frame.write_parquet(tmp_path / "data" / "o.parquet")
    assert "floating-point" not in notes_of(proposed(tmp_path, {}))
    tried = try_source(SourceFolder(load_source(tmp_path / "source"), tmp_path / "data"))
    assert not [doubt for table in tried.tables for doubt in table.doubts]
