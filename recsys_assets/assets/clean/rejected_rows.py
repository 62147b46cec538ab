"""`rejected_rows`: every row of the source that no clean table has, with the reason."""

from __future__ import annotations

from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_null
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome

REFUSED_FILES = f"""WITH refused AS (
        SELECT _file, min(_line) AS _line, count(*) AS refused, mode(reason) AS reason, count(*) FILTER (
            reason NOT IN ('exact duplicate', 'event that the files have too', 'return of a purchase',
                'return without a purchase', 'not a product')
        ) AS wrong
        FROM {OUTPUT} WHERE table_name = 'raw_events' GROUP BY _file
    ), given AS (SELECT _file, count(*) AS rows FROM raw_events GROUP BY _file)
    SELECT _file, _line, reason, rows FROM refused INNER JOIN given USING (_file)
    WHERE refused = rows AND wrong > 0 ORDER BY _file DESC"""
"""Query for the files without an accepted event: the first line, the most frequent reason and the rows of each."""


def _every_file_counts(inputs: Inputs) -> CheckOutcome:
    name = "every_file_has_an_accepted_row"
    found = inputs.query(REFUSED_FILES).rows()
    if not found:
        return CheckOutcome(name, True, "every file has accepted events")
    file, line, reason, rows = found[0]
    inputs.vouch_for({file for file, *_ in found})
    words = (
        f"{len(found)} files have no accepted event, as {file}, all {rows} rows from line {line} on: {reason}; recsys "
        "check shows such rows and how they may be read"
    )
    counts = {"files": len(found), "rows": rows, "line": line}
    return CheckOutcome(
        name, False, words, counts=counts, where=tuple(f"{each[0]}:{each[1]}" for each in found[:100])
    )


EVERY_FILE_COUNTS = TableCheck(
    "every_file_has_an_accepted_row",
    "every file has accepted events, unless all are returns, no products, or also in other files",
    function=_every_file_counts,
)
TABLE = SqlTable(
    "clean/rejected_rows.sql",
    checks=(not_null("table_name", "reason", "_file", "_line"), EVERY_FILE_COUNTS),
    personal="rows as they arrived, so that none are lost",
)
