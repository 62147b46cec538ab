"""What all tests share: their order, examples, and no trace of an instance of Dagster that an earlier one opened.

Files with a test on S3 come last. Once polars has read from S3, a thread of its own asks the C environment for a
variable all the time, and a process in which another thread sets variables meanwhile can die of it. Tests of settings
set many, so they come before.
"""

from __future__ import annotations

from functools import cache

import pytest
import typer.testing
from dagster._core.storage.defs_state import base as defs_state
from hypothesis import settings

from tests.examples import JUDGES, examples

settings.register_profile(
    "change", deadline=None, derandomize=JUDGES, max_examples=examples(100), print_blob=True
)
settings.load_profile("change")

# Hundreds of tests ask the same commands, which typer would put together anew for each.
typer.testing._get_command = cache(typer.testing._get_command)


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Two instances that are closed in the order in which they were opened leave the first one as the current one.

    Dagster looks into it whenever definitions are loaded, and fails where it is gone by then.
    """
    defs_state._current_storage.set(None)
