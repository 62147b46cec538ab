"""Checks of `source_files`: files that cannot be read, came twice, changed or are gone, or have days of others."""

from __future__ import annotations

import polars as pl

from recsys_assets.assets.raw.corrected_files import NO_CORRECTION
from recsys_assets.assets.raw.named_day import named_day
from recsys_lineage.assets.checks import OUTPUT, TableCheck
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome


def no_file_changed(inputs: Inputs) -> CheckOutcome:
    """Whether every file that was loaded before is unchanged."""
    name = "no_file_changed"
    before = inputs.previous()
    if before is None:
        return CheckOutcome(name, True, "nothing was loaded before")
    inputs.register("files_before", before.frame(["path", "pattern", "sha256", "rows"]))
    changed = inputs.query(
        f"""SELECT now.path, max(before.rows) AS before, max(now.rows) AS now FROM {OUTPUT} AS now
        JOIN files_before AS before ON now.path = before.path AND now.pattern = before.pattern
        WHERE now.sha256 <> before.sha256 GROUP BY now.path ORDER BY now.path"""
    )
    paths = changed["path"].to_list()
    if not paths:
        return CheckOutcome(name, True, "no file changed")
    found = f"{len(paths)} files changed after they were loaded: {', '.join(paths[:5])}; their new content is loaded"
    counts = {"files": len(paths)}
    if (shrunk := changed.filter(pl.col("now") < pl.col("before"))).height:
        path, rows, left = shrunk.row(0)
        found += f"; {shrunk.height} of them have fewer rows than before, as {path}: {left} instead of {rows}"
        counts |= {"files with fewer rows": shrunk.height, "rows before": rows, "rows now": left}
    return CheckOutcome(name, False, found, counts=counts, where=tuple(paths[:100]))


def days_are_those_of_names(inputs: Inputs) -> CheckOutcome:
    """Whether no file whose name tells a day has events of that day with day and month exchanged alone."""
    name = "days_are_those_of_names"
    found: list[str] = []
    for path, days in inputs.query(f"SELECT path, days FROM {OUTPUT} WHERE status = 'loaded'").iter_rows():
        named = named_day(path)
        if named is None or named.day > 12 or named.day == named.month or named in days:
            continue
        if named.replace(day=named.month, month=named.day) in days:
            found.append(path)
    if not found:
        return CheckOutcome(name, True, "no file has events of its day with day and month exchanged")
    inputs.vouch_for(found)
    words = (
        f"{len(found)} files have no events of the day in their names, and some of that day with day and month "
        f"exchanged, as {found[0]}: the source's SQL may read the month for the day in their times"
    )
    return CheckOutcome(name, False, words, counts={"files": len(found)}, where=tuple(found[:100]))


CHECKS = (
    TableCheck(
        "every_file_can_be_read",
        "every file of the source can be read and has the columns that the source's SQL names",
        f"SELECT path, fault FROM {OUTPUT} WHERE fault IS NOT NULL",
    ),
    TableCheck(
        "no_file_twice",
        "no two files of equivalent paths have the same content, compressed or not; a copy is not loaded",
        f"SELECT path, duplicate_of FROM {OUTPUT} WHERE status = 'duplicate'",
    ),
    NO_CORRECTION,
    TableCheck(
        "no_file_gone",
        "every file that was loaded is still there; the rows of one that is gone are kept",
        f"SELECT path FROM {OUTPUT} WHERE status = 'gone'",
    ),
    TableCheck(
        "no_file_changed",
        "no file changed after it was loaded",
        function=no_file_changed,
    ),
    TableCheck(
        "days_are_those_of_names",
        "no file has events of the day that its name tells with day and month exchanged",
        function=days_are_those_of_names,
    ),
)
