"""What all tests share: their order, examples, and no trace of an instance of Dagster that an earlier one opened.

Files with a test on S3 come last. Once polars has read from S3, a thread of its own asks the C environment for a
variable all the time, and a process in which another thread sets variables meanwhile can die of it. Tests of settings
set many, so they come before.
"""

from __future__ import annotations

import gc
import signal
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
import typer.main
import typer.testing
from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage.defs_state import base as defs_state
from hypothesis import settings

from tests.examples import JUDGES, examples

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a run in the background ignores it, and so would every command that a test starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


LIKE_EACH_OTHER = {
    "columns": 3,
    "files": 3,
    "lineage": 3,
    "models": 3,
    "packaging": 3,
    "platform": 3,
    "proof": 3,
    "proposal": 4,
    "rows": 3,
    "service": 2,
    "sql": 3,
    "statements": 3,
}
"""The folders whose tests of four and more cases are sampled, and of how many cases one is tried: each case is a small
export of a shop, a statement, a family of recommenders, or a way to reach code or a file. Which cases a test tries
hangs on its name, so that each family is tried by a third of the tests."""


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def _left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of the cases of each sampled test all but every nth, where a change is judged."""
    if not JUDGES:
        return set()
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for test, each in cases.items():
        marked = [item for item in each if item.get_closest_marker("sampled")]
        if marked:
            (every,) = {mark.args[0] for item in marked if (mark := item.get_closest_marker("sampled"))}
            left_out.update(set(marked) - set(marked[::every]))
        elif len(each) >= 4 and (every := LIKE_EACH_OTHER.get(_folder(each[0]), 1)) > 1:
            left_out.update(set(each) - set(each[crc32(test.encode()) % every :: every]))
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
    """Keeps modules and tests out of each full garbage collection, whatever commands and services that tests start in
    this process would set apart and give back."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.freeze = gc.unfreeze = lambda: None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Two instances that are closed in the order in which they were opened leave the first one as the current one.

    Dagster looks into it whenever definitions are loaded, and fails where it is gone by then.
    """
    defs_state._current_storage.set(None)
