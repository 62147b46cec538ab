"""Which code is one's own, and read: installed packages, notebooks, scripts, names that stubs load."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from recsys_lineage.assets.code.code_version import code_version, owner_of, reachable
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.errors import LineageError
from tests.lineage.code_tree import Tree

ROOT = Path(__file__).parents[2]


def _installed(tree: Tree, site: Path, packages: list[str]) -> None:
    """Makes packages look installed, by one distribution."""
    info = site / "some_shop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-shop\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("\n".join(packages))
    (info / "RECORD").write_text("".join(f"{name}/__init__.py,sha256=x,1\n" for name in packages))


@pytest.mark.parametrize("site", ["site-packages", "target"])
def test_what_other_people_installed_is_not_ones_own_and_what_came_with_it_is(
    site: str, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / site
    shop, models = f"shop_{tree.name}", f"models_{tree.name}"
    for name, text in (
        (models, "def fit(): return 1"),
        (shop, f"import {models}\ndef root(): return {models}.fit()"),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(text)
    _installed(tree, folder, [shop, models])
    monkeypatch.syspath_prepend(folder)
    tree.write({"a.py": f"import {models}\ndef root(): return {models}.fit()"})
    assert tree.reached(tree.get("a", "root")) == {"a.root"}
    inside = importlib.import_module(shop).root
    assert {d.name for d in reachable(inside)} == {"root", "fit"}
    (folder / f"beside_{tree.name}.py").write_text("def root(): return 1")
    beside = importlib.import_module(f"beside_{tree.name}").root
    assert {d.name for d in reachable(beside)} == {"root"}
    assert owner_of(str(folder / shop / "sql" / "a.sql")) == shop and owner_of("/work/shop/a.sql") is None


def test_a_module_in_an_archive_is_other_peoples(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, archive = f"zipped_{tree.name}", tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr(f"{name}.py", "def fit(): return 1")
    monkeypatch.syspath_prepend(archive)
    tree.write({"a.py": f"import {name}\ndef root(): return {name}.fit()"})
    assert tree.reached(tree.get("a", "root")) == {"a.root"}


def test_code_without_a_file_is_read_from_the_notebook_and_refused_where_there_is_none() -> None:
    import linecache

    def cell(number: int, text: str, names: dict[str, Any]) -> None:
        name = f"<ipython-input-{number}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), names)

    names: dict[str, Any] = {"__name__": "__main__"}
    cell(1, "RATE = 2\ndef half(x):\n    return x / RATE\n", names)
    cell(2, "def root(x: int) -> float:\n    return half(x)\n", names)
    before = code_version(names["root"], {})
    assert code_version(names["root"], {}) == before
    assert {d.name for d in reachable(names["root"])} == {"root", "half", "RATE"}
    names["RATE"] = 3
    other = code_version(names["root"], {})
    assert other != before
    cell(1, "RATE = 3\ndef half(x):\n    return x // RATE\n", names)
    assert code_version(names["root"], {}) != other
    typed: dict[str, Any] = {"__name__": "__main__"}
    exec("def root(): return 1", typed)
    with pytest.raises(LineageError, match="source of root cannot be found"):
        code_version(typed["root"], {})
    with pytest.raises(LineageError, match="code of an asset cannot be found"):
        code_version(3, {})


def test_a_script_is_ones_own(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from recsys_lineage.assets.code.code_version import reachable\nRATE = 1\ndef root(): return RATE\n"
        "print(sorted(d.name for d in reachable(root) if d.module == '__main__'))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "['RATE', 'root']", done.stderr


def test_a_name_that_a_stub_loads_from_elsewhere_is_followed_there() -> None:
    code = Codebase("recsys_lineage")
    found = tuple(code._look_up("recsys_lineage", ("Lake",), frozenset()))
    assert Definition("recsys_lineage.lake.lake", "Lake") in found


def test_nothing_heavy_is_imported_to_reach_the_models() -> None:
    program = (
        "import sys\n"
        "sys.path[:0] = ['.']\n"
        "from recsys_lineage.assets.code.reachable_code import Codebase, Definition\n"
        "code = Codebase('recsys_assets')\n"
        "found = code.reach([Definition('recsys_assets.assets.serving.served_tables', 'user_embeddings')])\n"
        "assert Definition('recsys_models.ranker.ranker', 'Ranker') in found\n"
        "print([name for name in ('torch', 'dgl', 'lightgbm', 'numpy', 'recsys_models') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
