"""PIVOT, UNPIVOT and SUMMARIZE are assets as any SELECT: columns, rows and proof, whatever their columns hang on."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys_lineage import Lake, frame_code, materialize, sql_code
from recsys_lineage.proof import verify
from recsys_lineage.rows.back import trace_back
from recsys_lineage.rows.forward import trace_forward
from recsys_lineage.sql.sql_text import SqlText


def orders() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2, 3], "customer": ["ann", "ben", "ann"], "paid": [1.0, 2.0, 3.0]})


SHAPED = {
    "values": "PIVOT orders ON customer USING sum(paid)",
    "values of a WITH": "WITH o AS (FROM orders) PIVOT o ON customer USING sum(paid) GROUP BY id;",
    "values below": "SELECT * FROM (PIVOT orders ON customer USING sum(paid)) WHERE id > 0",
    "columns": "UNPIVOT orders ON paid, (id + 1) AS later INTO NAME what VALUE much",
    "a summary": "SUMMARIZE orders",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("shape", SHAPED)
def test_a_statement_that_gives_a_table_another_shape_is_an_asset_as_any_other(
    tmp_path: Path, shape: str
) -> None:
    lake = Lake(str(tmp_path))
    materialize(frame_code(orders), lake)
    text = SqlText(f"-- Another shape.\n{SHAPED[shape]}", "shaped.sql")
    asset = sql_code(text)
    assert asset.upstream == ("orders",)
    outcome = materialize(asset, lake)
    assert not outcome.warnings
    assert [*outcome.record.column_lineage] == [column.name for column in outcome.record.schema]
    proof = verify(asset, lake, reads=False)
    assert proof.true and not proof.not_tried and proof.rows and proof.rows.trials, proof.report()
    made = lake.arrow(lake.version("shaped")).to_pylist()
    back = {each.table: each.count for each in trace_back(lake, "shaped", made[0]).tables}
    assert back["shaped"] == 1 and back["orders"]
    assert "shaped" in {each.table for each in trace_forward(lake, table="orders", row={"id": 1}).tables}
