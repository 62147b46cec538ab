"""What the processes of a service import, which is most of what their start takes."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("started", "unneeded"),
    [
        # the supervisor, which stands before all its workers
        (
            "import recsys_assets.service.processes.workers\n"
            "from recsys_assets.settings import load_settings\nload_settings()",
            {"duckdb", "polars", "numpy", "pyarrow", "deltalake", "fastapi", "sqlglot", "dagster"},
        ),
        # a worker, whose main module is the command's
        (
            "import recsys_assets.cli, recsys_assets.service.opened_service",
            {"sqlglot", "typer", "rich", "pandas", "dagster", "torch", "opentelemetry.sdk"},
        ),
    ],
    ids=["supervisor", "worker"],
)
def test_a_process_imports_nothing_that_it_does_not_need(started: str, unneeded: set[str]) -> None:
    code = f"import sys\n{started}\nprint(*sorted({unneeded!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
