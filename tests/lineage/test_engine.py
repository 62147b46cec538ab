"""The one place where DuckDB is opened."""

import subprocess
import sys

from recsys_lineage.lake.engine import Engine


def test_a_connection_counts_time_in_utc() -> None:
    with Engine(threads=1).connect() as connection:
        assert connection.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_long_queries_draw_nothing_into_the_output() -> None:
    """DuckDB takes a process started by `python -c` for interactive, and its bar would stand amid the JSON."""
    program = (
        "from recsys_lineage.lake.engine import Engine\n"
        "print(Engine(threads=1).connect().sql(\"SELECT current_setting('enable_progress_bar')\").fetchall())"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "[(False,)]\n"


def test_memory_and_threads_are_those_asked_for() -> None:
    with Engine(memory_limit="300MB", threads=1).connect() as connection:
        found = connection.sql(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()
    assert found == [(1, "286.1 MiB")]
