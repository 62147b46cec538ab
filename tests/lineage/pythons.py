"""The other supported versions of Python on this machine, as bare interpreters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OTHERS = sorted({"3.10", "3.11", "3.12"} - {f"{sys.version_info[0]}.{sys.version_info[1]}"})
BARE = """
import importlib.util, json, sys
sys.path[:0] = [sys.argv[1]]
sys.modules["recsys_lineage"] = importlib.util.module_from_spec(importlib.util.find_spec("recsys_lineage"))
"""
"""Start of a program whose first argument is the checkout. The package's own `__init__` needs libraries that a bare
interpreter lacks; what takes code apart does not."""


def interpreter(version: str) -> str:
    """The interpreter of a version; the test is skipped where there is none."""
    placed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = (str(placed[-1]) if placed else None) or shutil.which(f"python{version}")
    if found is None:
        pytest.skip(f"no Python {version} on this machine")
    return found


def answer(python: str, program: str, *arguments: str) -> Any:
    """The JSON that a program prints."""
    done = subprocess.run(
        [python, "-I", "-c", BARE + program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
