"""Corrected files: names that look like corrections of other loaded files."""

from __future__ import annotations

from recsys_lineage.assets.checks import OUTPUT, TableCheck

_ENDS = (
    r"[ _.-]*(?:v[0-9]+|corr(?:ected|ection)?|korr(?:ektur|igiert)?|fix(?:ed)?|new|neu|final|resen[dt]|updated?"
    r"|copy|kopie|\([0-9]+\))((?:\.[a-z0-9]+)+)$"
)
"""End of the name of a file that was sent again with corrections."""
NO_CORRECTION = TableCheck(
    "no_file_corrects_another",
    "no file is named like a correction of another loaded file, such as day_v2.csv next to day.csv: the rows of both "
    "count until one is dropped with recsys forget",
    f"""SELECT newer.path FROM {OUTPUT} AS newer INNER JOIN {OUTPUT} AS older
    ON older.pattern = newer.pattern AND lower(older.path) = regexp_replace(lower(newer.path), '{_ENDS}', '\\1')
    WHERE newer.path <> older.path AND newer.status = 'loaded' AND older.status = 'loaded'
    AND newer.rows > 0 AND older.rows > 0""",
)
