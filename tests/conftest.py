"""What all tests share: their order, examples, and no trace of an instance of Dagster that an earlier one opened.

Files with a test on S3 come last. Once polars has read from S3, a thread of its own asks the C environment for a
variable all the time, and a process in which another thread sets variables meanwhile can die of it. Tests of settings
set many, so they come before.
"""

from __future__ import annotations

import gc
from collections import Counter
from functools import cache

import pytest
import typer.main
import typer.testing
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage.defs_state import base as defs_state
from hypothesis import settings

from tests.examples import JUDGES, examples

settings.register_profile(
    "change", deadline=None, derandomize=JUDGES, max_examples=examples(100), print_blob=True
)
settings.load_profile("change")

# Hundreds of tests ask the same commands, which typer would put together anew for each.
typer.testing.__dict__["_get_command"] = cache(typer.main.get_command)


# Each new instance of Dagster stamps its storages with their last migration, and reads all migrations to know it.
_migrations_in = ScriptDirectory.from_config
_migrations: dict[str | None, ScriptDirectory] = {}


def _migrations_of(config: Config) -> ScriptDirectory:
    folder = config.get_main_option("script_location")
    if folder not in _migrations:
        _migrations[folder] = _migrations_in(config)
    return _migrations[folder]


ScriptDirectory.from_config = staticmethod(_migrations_of)  # type: ignore[method-assign]


def _on_s3(item: pytest.Item) -> bool:
    parameters = (
        item.callspec.params.values()
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else ()
    )
    return "s3_uri" in getattr(item, "fixturenames", ()) or any(
        isinstance(value, str) and value == "s3" for value in parameters
    )


def _left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of the cases of each test marked `sampled(n)`, all but every nth, where a change is judged."""
    seen: Counter[str] = Counter()
    left_out: set[pytest.Item] = set()
    for item in items:
        if JUDGES and (mark := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if seen[test] % mark.args[0]:
                left_out.add(item)
            seen[test] += 1
    return left_out


def pytest_collection() -> None:
    """Spares looking through modules and tests, which live as long as the process, while they are collected."""
    gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if left_out := _left_out(items):
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]
    on_s3 = {item.path for item in items if _on_s3(item)}
    items.sort(key=lambda item: item.path in on_s3)


def pytest_collection_finish() -> None:
    """Keeps modules and tests out of each full garbage collection."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Two instances that are closed in the order in which they were opened leave the first one as the current one.

    Dagster looks into it whenever definitions are loaded, and fails where it is gone by then.
    """
    defs_state._current_storage.set(None)
