"""One small table in files that lie outside of all that an asset may read, for tests of what reads them unseen."""

from __future__ import annotations

from pathlib import Path

import polars as pl

FRAME = pl.DataFrame({"i": [1, 2]})


def write_table(folder: Path) -> Path:
    """Write it as `t.csv`, `t.parquet`, `t.arrow` and `t.json`; gives the folder."""
    FRAME.write_csv(folder / "t.csv")
    FRAME.write_parquet(folder / "t.parquet")
    FRAME.write_ipc(folder / "t.arrow")
    FRAME.write_ndjson(folder / "t.json")
    return folder
