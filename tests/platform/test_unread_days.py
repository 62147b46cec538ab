"""Days of which no row is accepted: not loaded where values cannot be read, and legal where the shop sold nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_assets.assets.clean import events, promotions, rejected_rows
from recsys_assets.runs.load_report import LoadReport, load_report
from recsys_assets.settings import Settings
from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.orchestration.defined_assets import asset_codes
from tests.platform.nights import COLUMNS, CSV, PARQUET, Nights, row

TRIED = CSV.replace("moment AS", "TRY_CAST(moment AS TIMESTAMP) AS")
SOLD = [row("2024-01-01"), ("no time", "u1", "i1", "2"), row("2024-01-01", who="")]
DAYS = {
    "02": [("02/01/2024 10:00", "u1", "i1", "1"), ("02/01/2024 11:00", "u2", "i1", "1")],
    "03": [row("2024-01-03", pieces="one"), row("2024-01-03", who="u2", pieces="two")],
    "04": [row("2024-01-04", pieces="999999999"), row("2024-01-04", who="")],
    "05": [("moved",), ("by a column",)],
    "06": [row("2024-01-06", who=""), row("2024-01-06", who="NULL")],
    "07": [row("2024-01-07", pieces="-1")],
    "08": [("(0 rows affected)",)],
    "09": [],
    "10": [row("2024-01-10", who=""), row("2024-01-10", who="NULL"), row("2024-01-10", pieces="one")],
}
UNREAD = {
    "02": "event time is missing", "03": "quantity is not a number", "04": "quantity is out of range",
    "05": "malformed row",
}  # fmt: skip


def night(shop: Nights) -> LoadReport:
    """Load, clean, and report."""
    shop.night()
    codes = shop.codes()
    settings = Settings(home=shop.folder / "home")
    tables = (events.TABLE, promotions.TABLE, rejected_rows.TABLE)
    clean = asset_codes([table.asset(shop.source.source, settings) for table in tables])
    for code in (codes["raw_items"], codes["raw_promotions"], *clean.values()):
        assert attempt(code, shop.lake, Request()).error is None
    return load_report(shop.lake, shop.source, codes["raw_events"].code_version, loaded=True)


def test_a_day_whose_values_cannot_be_read_is_told_as_not_loaded(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=TRIED)
    shop.deliver("sales-2024-01-01.csv", *SOLD)
    for day, rows in DAYS.items():
        shop.deliver(f"sales-2024-01-{day}.csv", *rows)
    report = night(shop)
    assert {day[-2:] for day in report.days} == {*UNREAD}, "quiet days, guests and returns are no faults"
    for day, reason in UNREAD.items():
        (said,) = report.days[f"2024-01-{day}"]
        assert f"sales-2024-01-{day}.csv:2 on: {reason}" in said
    assert not report.complete


@pytest.mark.slow
def test_a_day_in_the_middle_of_a_file_is_told_until_the_sql_is_mended(tmp_path: Path) -> None:
    shop = Nights.of(tmp_path, raw_events=PARQUET)
    shop.deliver("sales-1.parquet", row("2024-01-01"), row("2024-01-02", pieces="one"), row("2024-01-03"))
    shop.deliver("sales-2024-01-04.parquet", (20240104, "u1", "i1", "1"), header=COLUMNS)
    assert {*night(shop).days} == {"2024-01-02", "2024-01-04"}
    read = "coalesce(TRY_CAST(moment AS TIMESTAMP), try_strptime(moment, '%Y%m%d')) AS event_time"
    shop.mend(raw_events=PARQUET.replace("moment AS event_time", read))
    assert {*night(shop).days} == {"2024-01-02"}
