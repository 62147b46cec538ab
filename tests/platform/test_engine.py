"""`engine` of a record: each library that the code of an asset computes with stands there."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import recsys_assets
import recsys_lineage
import recsys_models
from recsys_lineage.records.parts.engine_versions import LIBRARIES

MODELS, ASSETS, LINEAGE = (
    Path(package.__path__[0]) for package in (recsys_models, recsys_assets, recsys_lineage)
)
CODE = [
    *MODELS.rglob("*.py"),
    *(path for part in ("assets", "sql") for path in (ASSETS / part).rglob("*.py")),
    *(path for part in ("assets", "files", "lake", "sql") for path in (LINEAGE / part).rglob("*.py")),
]
COMPUTE_NOTHING = {
    "altair": "draws plots, which stand in no table",
    "dagster": "calls the code",
    "dagster_pandas": "shows columns on a page of Dagster",
    "deltalake": "commits files that DuckDB wrote",
    "fsspec": "lists, reads and deletes files",
    "lazy_loader": "imports modules when they are named",
    "psutil": "looks at processes and memory",
    "pydantic": "lists the fields of a parameter that is a model",
    "s3fs": "reads, writes and lists files of an object store",
    "safetensors": "stores arrays as they are",
    "threadpoolctl": "counts threads; the number of them is a setting",
    "typing_extensions": "annotations",
}
"""Libraries that the code imports and that change no result, each with the reason."""


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    names += [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    ]
    return {name.partition(".")[0] for name in names}


@cache
def others() -> frozenset[str]:
    """Packages of others that the code imports."""
    own = {"recsys_assets", "recsys_lineage", "recsys_models"}
    return frozenset(set().union(*map(_imported, CODE)) - sys.stdlib_module_names - own)


def test_what_assets_compute_with_is_part_of_the_engine() -> None:
    assert {name.replace("_", "-") for name in others() - set(COMPUTE_NOTHING)} <= set(LIBRARIES)


def test_what_computes_nothing_is_imported_and_told_once() -> None:
    assert set(COMPUTE_NOTHING) <= others() - set(LIBRARIES)
