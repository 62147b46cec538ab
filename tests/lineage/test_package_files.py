"""After a change of any file that an asset's code read, the asset is stale, or the read was refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys_lineage.assets.asset_code import Request
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.reading import surroundings
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.lineage.code_tree import Tree

HEAD = """
import importlib.resources, importlib.util, inspect, json, linecache, os, pkgutil, runpy, sqlite3
from importlib.machinery import SourceFileLoader
from pathlib import Path
import polars as pl
import PKG, PKG.data
from recsys_lineage.assets.reading.inputs import Inputs
HERE = Path(__file__).parent
RATES = HERE / "data" / "rates.csv"
def read(path): return Path(path).read_text()
def where(): return os.environ["RATES"]
"""
NAMED = {
    "a literal": 'read(HERE / "data" / "rates.csv")',
    "a literal for native code": 'pl.read_csv(HERE / "data" / "rates.csv").columns[0]',
    "a constant": "RATES.read_text()",
    "a computed name below a literal": 'read(HERE / "data" / os.path.basename(where()))',
    "glob": '[p.read_text() for p in (HERE / "data").glob("*.csv")][0]',
    "iterdir": '[p.read_text() for p in sorted((HERE / "data").iterdir()) if p.suffix == ".csv"][0]',
    "resources": 'importlib.resources.files("PKG").joinpath("data", "rates.csv").read_text()',
    "resources, computed": 'importlib.resources.files("PKG").joinpath("data", os.path.basename(where())).read_text()',
    "get_data": 'pkgutil.get_data("PKG", "data/rates.csv").decode()',
    "__path__": 'read(Path(PKG.__path__[0]) / "data" / "rates.csv")',
    "__path__, computed": 'read(os.path.join(PKG.data.__path__[0], os.path.basename(where())))',
    "linecache": 'linecache.getline(str(HERE / "data" / "rates.csv"), 1)',
}  # fmt: skip
"""Code that names the file, or the folder that it is in."""
UNNAMED = {
    "a computed path": "read(where())",
    "a computed path for native code": "pl.read_csv(where()).columns[0]",
    "a relative path": "read(os.path.relpath(where()))",
    "a listing": "os.listdir(os.path.dirname(where()))[0]",
    "iterdir, computed": "[p.read_text() for p in Path(where()).parent.iterdir()][0]",
    "glob, computed": '[p.read_text() for p in Path(where()).parent.glob("*.csv")][0]',
    "linecache, computed": "linecache.getline(where(), 1)",
    "a folder for native code": "pl.read_csv(os.path.dirname(where())).columns[0]",
    "a database": "sqlite3.connect(where()).execute('SELECT 1').fetchone()[0]",
    "code, run": 'runpy.run_path(where().replace("data/rates.csv", "other.py"))["TEXT"]',
    "code, loaded": 'SourceFileLoader("other", where().replace("data/rates.csv", "other.py")).load_module().TEXT',
    "source as data": 'read(where().replace("data/rates.csv", "a.py"))',
}
"""Code to which the path comes from somewhere else."""
FOUND = {
    "a computed loader": 'importlib.util.find_spec("PKG").loader.get_data(where()).decode()',
    "a computed name below a package": "importlib.resources.files(PKG).joinpath(where()).read_text()",
}
"""Code that names the package around the file."""
RUN = {
    "an import": "importlib.import_module('PKG.late').TEXT",
    "an import, computed": 'importlib.import_module("PKG." + os.environ["LATE"]).TEXT',
    "runpy": 'runpy.run_path(str(HERE / "late.py"))["TEXT"]',
    "a loader": 'SourceFileLoader("late", str(HERE / "late.py")).load_module().TEXT',
}
"""Code that runs `late.py`."""
LISTED = {
    "source of a function": "inspect.getsource(where)",
    "modules": "next(pkgutil.iter_modules(PKG.__path__)).name",
}
"""Code that reads about code."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), Engine(threads=1))


@pytest.fixture(autouse=True)
def _known(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATES", str(tree.folder / tree.name / "data" / "rates.csv"))
    monkeypatch.setenv("LATE", "late")


def _statuses(
    tree: Tree, lake: Lake, body: str, edited: str = "data/rates.csv", text: str = "rate\n22\n"
) -> tuple[str, str]:
    """The status of a run, and of the next one that may keep its result, after an edit of a file."""
    code = f"{HEAD}def rates(inputs: Inputs) -> pl.DataFrame: return pl.DataFrame({{'text': [{body}]}})\n"
    tree.write(
        {"a.py": code, "late.py": "TEXT = 'late'", "data/__init__.py": "", "data/rates.csv": "rate\n1\n"}
    )
    function = tree.get("a", "rates")
    first = attempt(frame_code(function), lake, Request())
    (tree.folder / tree.name / edited).write_text(text)
    again = attempt(frame_code(function), lake, Request(reuse=True))
    return first.record.status, again.record.status


@pytest.mark.parametrize("how", NAMED)
def test_an_asset_is_stale_when_a_file_that_its_code_names_changes(how: str, tree: Tree, lake: Lake) -> None:
    assert _statuses(tree, lake, NAMED[how]) == ("success", "success")


@pytest.mark.parametrize("how", UNNAMED)
def test_a_file_that_the_code_does_not_name_is_refused(how: str, tree: Tree, lake: Lake) -> None:
    assert _statuses(tree, lake, UNNAMED[how]) == ("failed", "failed")


@pytest.mark.parametrize("how", FOUND)
def test_a_file_below_a_package_that_the_code_names_is_covered_or_refused(
    how: str, tree: Tree, lake: Lake
) -> None:
    assert _statuses(tree, lake, FOUND[how]) in [("failed", "failed"), ("success", "success")]


@pytest.mark.parametrize("how", RUN)
def test_an_asset_is_stale_when_code_changes_that_it_runs(how: str, tree: Tree, lake: Lake) -> None:
    assert _statuses(tree, lake, RUN[how], "late.py", "TEXT = 'later'") == ("success", "success")


@pytest.mark.parametrize("how", LISTED)
def test_what_is_read_about_code_is_no_data(how: str, tree: Tree, lake: Lake) -> None:
    assert _statuses(tree, lake, LISTED[how])[0] == "success"


def test_an_asset_is_stale_when_a_file_changes_that_it_opened_through_inputs(tree: Tree, lake: Lake) -> None:
    body = "inputs.open_file(where()).read().decode()"
    assert _statuses(tree, lake, body) == ("success", "success")


def test_an_installed_package_of_the_code_itself_is_no_environment(
    tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    known = surroundings.environment()
    monkeypatch.setattr(surroundings, "environment", lambda: known | {str(folder.resolve())})
    tree = Tree.fresh(folder)
    monkeypatch.setenv("RATES", str(folder / tree.name / "data" / "rates.csv"))
    assert _statuses(tree, lake, NAMED["a constant"]) == ("success", "success")
    other = Tree.fresh(folder)
    monkeypatch.setenv("RATES", str(folder / other.name / "data" / "rates.csv"))
    assert _statuses(other, lake, UNNAMED["a computed path"]) == ("failed", "failed")
