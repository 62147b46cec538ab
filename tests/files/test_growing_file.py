"""A file that grows while it is read: its rows are those of the content whose hash is recorded, or it is a fault."""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from tests.files.scans import CSV, opened

HEADER, LINES = b"id,name\n", [f"{n},{'x' * (n % 90)}\n".encode() for n in range(3_000)]


@pytest.mark.parametrize("halves", [False, True], ids=["line by line", "in halves of lines"])
def test_the_recorded_hash_is_that_of_the_rows_that_were_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, halves: bool
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(HEADER)

    def grow() -> None:
        with path.open("ab", buffering=0) as stream:
            for line in LINES:
                for part in (line[:3], line[3:]) if halves else (line,):
                    stream.write(part)

    writer = Thread(target=grow)
    writer.start()
    seen: dict[str, tuple[int, list[str]]] = {}
    is_done = False
    while not is_done:
        is_done = not writer.is_alive()  # a last look at the whole file
        (report,) = opened(con, tmp_path, CSV).reports
        if report.fault is None:
            rows = con.execute("SELECT concat_ws(',', id, name) FROM files ORDER BY _line").fetchall()
            seen[report.file.sha256] = (report.malformed, [text for (text,) in rows])
        else:
            assert "wait until it is completely written" in str(report.fault).lower()
    writer.join()
    whole = HEADER + b"".join(LINES)
    prefixes, so_far = {}, hashlib.sha256()
    for end in range(len(whole) + 1):
        prefixes[so_far.hexdigest()] = end
        so_far.update(whole[end : end + 1])
    for sha256, (malformed, rows) in seen.items():
        lines = whole[len(HEADER) : prefixes[sha256]].decode().splitlines()
        assert len(rows) + malformed == len(lines)
        assert {row.rstrip(",") for row in rows} <= {line.rstrip(",") for line in lines}
    assert hashlib.sha256(whole).hexdigest() in seen
