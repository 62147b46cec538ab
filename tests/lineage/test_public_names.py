"""The package's public names: one list, nothing heavy for what is light, and code written earlier goes on working."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

import recsys_lineage
from recsys_lineage.former_modules import _RENAMED, FOLDERS

FOLDER = Path(recsys_lineage.__file__).parent


def test_every_public_name_is_there() -> None:
    assert len(recsys_lineage.__all__) > 20
    for name in recsys_lineage.__all__:
        assert getattr(recsys_lineage, name).__name__ == name


def test_reading_a_table_does_not_import_the_orchestrator() -> None:
    code = (
        "import sys; from recsys_lineage import Lake, materialize, sql_code; print('dagster' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(
    "home",
    [
        path.relative_to(FOLDER).with_suffix("").parts
        for folder in FOLDERS
        for path in sorted((FOLDER / folder).rglob("*.py"))
        if path.stem != "__init__"
    ],
    ids=".".join,
)
def test_a_module_is_found_under_its_name_without_the_folders(home: tuple[str, ...]) -> None:
    """Before there were folders, each module stood directly in the package, then directly in one of its folders."""
    folder, *_, name = home
    if (FOLDER / name).is_dir():
        pytest.skip("a folder has the name now, and gives the public names itself")
    now = importlib.import_module(".".join(("recsys_lineage", *home)))
    for former in {f"recsys_lineage.{name}", f"recsys_lineage.{folder}.{name}"} - {now.__name__}:
        has_the_names_of(former, now)


@pytest.mark.parametrize(("name", "path"), _RENAMED.items())
def test_a_renamed_module_is_found_under_its_former_name(name: str, path: str) -> None:
    now = importlib.import_module(".".join(("recsys_lineage", *path.split("/"))))
    has_the_names_of(f"recsys_lineage.{name}", now)
    has_the_names_of(f"recsys_lineage.{path.partition('/')[0]}.{name}", now)


def has_the_names_of(former: str, now: ModuleType) -> None:
    """Assert that a former name gives everything the module has now, with a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sys.modules.pop(former, None)
        found = importlib.import_module(former)
    assert any(issubclass(each.category, DeprecationWarning) for each in caught)
    for key, value in vars(now).items():
        if not key.startswith("__"):
            assert getattr(found, key) is value


def test_a_module_never_hides_the_public_name_that_it_is_called_after() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("recsys_lineage.sql_asset")
        importlib.import_module("recsys_lineage.frame_asset")
    from recsys_lineage import frame_asset, sql_asset

    assert callable(sql_asset) and callable(frame_asset)


@pytest.mark.parametrize(
    "name", ["nothing_like_it", "lake.nothing_like_it", "lake.part", "openlineage.sender", "rows.pushdown"]
)
def test_a_module_that_never_was_is_not_found(name: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"recsys_lineage.{name}")
