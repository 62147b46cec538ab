"""`recsys --help` answers at once, for it imports nothing that only the work itself needs."""

import subprocess
import sys
from importlib.metadata import version

import pytest

HEAVY = {
    "dagster",
    "duckdb",
    "polars",
    "pyarrow",
    "torch",
    "dgl",
    "pandas",
    "numpy",
    "deltalake",
    "sqlalchemy",
}
SHOW = """
import sys
from recsys_assets.cli.commands import app
try:
    app(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["demo", "--help"], ["lake", "--help"], ["no-such"]]
)
def test_what_needs_no_engine_imports_none(arguments: list[str]) -> None:
    answer = subprocess.run([sys.executable, "-c", SHOW, *arguments], capture_output=True, text=True)
    assert answer.returncode == (2 if arguments == ["no-such"] else 0)
    imported = set(answer.stderr.splitlines()[-1].split())
    assert "typer" in imported
    assert not imported & HEAVY


def test_the_version_is_that_of_the_package() -> None:
    answer = subprocess.run([sys.executable, "-c", SHOW, "--version"], capture_output=True, text=True)
    assert answer.stdout.split() == ["recsys", version("recsys-platform")]
