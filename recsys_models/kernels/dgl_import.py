"""The import of DGL, in one place, so that its 2.x wheels load with a current PyTorch."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import types
from typing import Any


def import_dgl() -> Any:
    """Return the `dgl` module, imported on first call.

    DGL 2.x imports `dgl.graphbolt`, whose compiled part exists only for PyTorch 2.0 to 2.2. Nothing here uses it,
    so an empty module takes its place before the import.

    Raises:
        ModuleNotFoundError: DGL is not installed.
    """
    if "dgl" in sys.modules:
        return sys.modules["dgl"]
    try:
        version = importlib.metadata.version("dgl")
    except importlib.metadata.PackageNotFoundError as error:
        raise ModuleNotFoundError(
            "expected the package dgl, found none; install it: pip install 'dgl>=1.1.3,<3'"
        ) from error
    os.environ.setdefault("DGLBACKEND", "pytorch")
    if int(version.split(".")[0]) >= 2:
        sys.modules.setdefault("dgl.graphbolt", types.ModuleType("dgl.graphbolt"))
    return importlib.import_module("dgl")
