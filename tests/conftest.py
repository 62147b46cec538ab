"""The order of the tests: files with a test on S3 come last.

Once polars has read from S3, a thread of its own asks the C environment for a variable all the time, and a process in
which another thread sets variables meanwhile can die of it. Tests of settings set many, so they come before.
"""

from __future__ import annotations

import pytest


def _on_s3(item: pytest.Item) -> bool:
    parameters = (
        item.callspec.params.values()
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else ()
    )
    return "s3_uri" in getattr(item, "fixturenames", ()) or any(
        isinstance(value, str) and value == "s3" for value in parameters
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    on_s3 = {item.path for item in items if _on_s3(item)}
    items.sort(key=lambda item: item.path in on_s3)
