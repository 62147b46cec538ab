"""The package's public names: one list, nothing heavy for what is light, and code written earlier goes on working."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import recsys_lineage
from recsys_lineage.former_modules import FOLDERS

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
    "name",
    sorted(
        path.stem for folder in FOLDERS for path in (FOLDER / folder).glob("*.py") if path.stem != "__init__"
    ),
)
def test_a_module_is_found_under_its_name_without_the_folder(name: str) -> None:
    """Before there were folders, each module stood directly in the package."""
    if (FOLDER / name).is_dir():
        pytest.skip("a folder has the name now, and gives the public names itself")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        sys.modules.pop(f"recsys_lineage.{name}", None)
        former = importlib.import_module(f"recsys_lineage.{name}")
    (home,) = (place for folder in FOLDERS if (place := FOLDER / folder / f"{name}.py").is_file())
    now = importlib.import_module(f"recsys_lineage.{home.parent.name}.{name}")
    assert any(issubclass(each.category, DeprecationWarning) for each in told)
    for key, value in vars(now).items():
        if not key.startswith("__"):
            assert getattr(former, key) is value


def test_a_module_never_hides_the_public_name_that_it_is_called_after() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("recsys_lineage.sql_asset")
        importlib.import_module("recsys_lineage.frame_asset")
    from recsys_lineage import frame_asset, sql_asset

    assert callable(sql_asset) and callable(frame_asset)


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("recsys_lineage.nothing_like_it")
