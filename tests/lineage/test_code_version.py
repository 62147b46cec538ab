"""The code version covers the code that a function can reach, in whatever way the function gets at it."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable

import pytest
import rustworkx
from hypothesis import given, settings
from hypothesis.strategies import DataObject, data, integers, lists, sampled_from

from recsys_lineage.assets.code import code_version as module_under_test
from recsys_lineage.assets.code.code_version import by_module, code_version, hold_code, reachable
from recsys_lineage.assets.code.parameters import Named
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
from recsys_lineage.assets.code.syntax.module_source import EFFECTS
from tests.examples import examples
from tests.lineage.code_tree import Tree

PACKAGES = ("recsys_lineage", "recsys_models", "recsys_assets")


OTHER = """
def keep(x): return x
def f(): return 1
def g(): return 2
RATE = 3
class C:
    def m(self): return 4
"""
LAZY = """
_HOMES = {"f": "PKG.other"}
def __getattr__(name):
    import importlib
    if name not in _HOMES: raise AttributeError(name)
    return getattr(importlib.import_module(_HOMES[name]), name)
"""
LISTED = """
import lazy_loader
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"inner": ["f", "K"]})
"""
HELD = """
class Held:
    def __init__(self, call): self.call = call
    def run(self): return self.call()
"""
AROUND = """
import functools
def root(x, y=None): return x()
def around(f):
    @functools.wraps(f)
    def wrapper(*args): return f(*args)
    return wrapper
"""


@pytest.mark.parametrize(
    ("root", "reached"),
    [
        ("from PKG.other import f\ndef root(): return f()", "other.f"),
        ("from PKG.other import f as h\ndef root(): return [h() for _ in 'x']", "other.f"),
        ("from .other import f\ndef root(): return (lambda: f())()", "other.f"),
        ("from PKG import other\ndef root(): return other.f()", "other.f"),
        ("import PKG.other\ndef root(): return PKG.other.f()", "other.f"),
        ("import PKG.other as o\ndef root(): return o.f()", "other.f"),
        ("def root():\n    from PKG.other import f\n    return f()", "other.f"),
        ("def root():\n    import PKG.other as o\n    return o.f()", "other.f"),
        ("def root():\n    import PKG.other\n    return PKG.other.f()", "other.f"),
        ("from PKG.other import RATE\ndef root(x=RATE): return x", "other.RATE"),
        ("from PKG.other import keep\n@keep\ndef root(): return 1", "other.keep"),
        ("from PKG.other import C\ndef root(x: C): return x.m()", "other.C"),
        ("from PKG.other import C\ndef root(x: 'C | None'): return x.m()", "other.C"),
        ("from PKG.other import C\ndef root(x: 'list[C]'): return x", "other.C"),
        ("import typing\nif typing.TYPE_CHECKING:\n    from PKG.other import C\ndef root(x: 'C'): return x", "other.C"),
        ("from PKG.other import C\nclass root(C): pass", "other.C"),
        ("from PKG.other import f\ndef root():\n    def inner(): return f()\n    return inner()", "other.f"),
        ("from PKG.other import *\ndef root(): return f()", "other.f"),
        ("from PKG.again import f\ndef root(): return f()", "other.f"),
        ("from PKG.lazy import f\ndef root(): return f()", "other.f"),
        ("from PKG import other\ndef root(): return getattr(other, 'f')()", "other.f"),
        ("import importlib\ndef root(): return importlib.import_module('PKG.other').f()", "other.*"),
        ("import importlib\ndef root(): return importlib.import_module('.other', 'PKG').f()", "other.*"),
        ("from importlib import import_module as im\ndef root(): return im('PKG.other').f()", "other.*"),
        ("import importlib\ndef root(n): return importlib.import_module(f'PKG.{n}').f()", "other.*"),
        ("import importlib\ndef root(n): return importlib.import_module('PKG.' + n).f()", "other.*"),
        ("import importlib\ndef root(n): return importlib.import_module(n).f()", "other.*"),
        ("import importlib\nload = importlib.import_module\ndef root(n): return load(n).f()", "other.*"),
        ("import importlib\ndef root(n):\n    load = importlib.import_module\n    return load(n).f()", "other.*"),
        ("import importlib\ndef root(n): return list(map(importlib.import_module, n))", "other.*"),
        ("import importlib\ndef root(n, load=importlib.import_module): return load(n)", "other.*"),
        ("from importlib import import_module as im\nLOAD = {1: im}\ndef root(n): return LOAD[1](n)", "other.*"),
        ("import pkgutil\nfind = pkgutil.resolve_name\ndef root(n): return find(n)()", "other.*"),
        ("import builtins\nload = builtins.__import__\ndef root(n): return load(n)", "other.*"),
        ("load = __import__\ndef root(n): return load(n)", "other.*"),
        ("import sys\ndef root(): return sys.modules['PKG.other'].f()", "other.*"),
        ("import pkgutil, PKG\ndef root(): return list(pkgutil.iter_modules(PKG.__path__))", "other.*"),
        ("import pkgutil\ndef root(): return pkgutil.resolve_name('PKG.other:f')()", "other.*"),
        ("WHERE = {'x': 'PKG.other:f'}\ndef root(n): return WHERE[n]", "other.f"),
        ("import pydoc\nF = 'PKG.other.f'\ndef root(): return pydoc.locate(F)()", "other.*"),
        ("import PKG.other\nHELD = PKG\ndef root(): return HELD.other.f()", "other.*"),
        ("from PKG.inner import sub\ndef root(): return sub.other.f()", "other.f"),
        ("from PKG import other\ndef root(n): return getattr(other, n)", "other.*"),
        ("from PKG import other\ndef root(n): return other.made_at_run_time", "other.*"),
        ("from PKG import other\ndef root(n): return vars(other)[n]", "other.*"),
        ("from PKG.other import f\ndef root(): return globals()['f']()", "other.f"),
        ("from PKG.other import f\ndef root(): return eval('f()')", "other.f"),
        ("from PKG.other import f\ndef root(): return f'{f()}'", "other.f"),
        ("def root(): exec('from PKG.other import f')", "other.f"),
        ("def root(): exec(compile('import os; import PKG.other as o; o.f()', 'x', 'exec'))", "other.*"),
        ("CODE = 'if 1:\\n    import os\\n    from PKG.other import f'\ndef root(): exec(CODE)", "other.f"),
        ("import sys\ndef root(): return [sys.executable, '-c', 'from PKG.other import f; f()']", "other.f"),
        ("def root(): return 'from PKG.other import of goods'", ""),
        ("from PKG.listed import f\ndef root(): return f()", "other.f"),
        ("from PKG.listed import K\ndef root(): return K", "other.f"),
        ("from PKG.other import f\nTABLE = {'f': f}\ndef root(n): return TABLE[n]()", "other.f"),
        ("try:\n    from PKG.other import f\nexcept ImportError:\n    f = None\ndef root(): return f()", "other.f"),
        ("X = 1\ndef root():\n    global X\n    from PKG.other import f as X", "other.f"),
        ("class K:\n    class B:\n        from PKG.other import f\ndef root(): return K.B.f()", "other.f"),
        ("from PKG.other import f\nrun = eval\ndef root(): return run('f()')", "other.f"),
        ("import builtins\nfrom PKG.other import f\ndef root(): return builtins.eval('f()')", "other.f"),
        ("from PKG.other import f\ndef root():\n    run = exec\n    return run('f()')", "other.f"),
        ("import typing\nfrom PKG.other import C\nT = typing.ForwardRef('C')\ndef root(): return T", "other.C"),
        ("from PKG.other import f\ndef root(f): return f()", ""),
        ("from PKG.other import f\ndef root():\n    f = 1\n    return f", ""),
        ("from PKG.other import f\ndef root(): return [f for f in 'x']", ""),
        ("def f(): return 0\nfrom PKG.other import *\ndef root(): return f()", "other.f"),
        ("def f(): return 0\ndel f\nfrom PKG.other import *\ndef root(): return f()", "other.f"),
        ("def f(): return 0\nfrom PKG.starred import *\ndef root(): return f()", "other.f"),
        ("def h(): return 0\nfrom PKG.starred import *\ndef root(): return h()", ""),
        ("from PKG import starred\ndef root(n): return getattr(starred, n)()", "other.*"),
        ("from PKG.listing import *\ndef root(): return sub.f()", "other.f"),
        ("from PKG import listing\ndef root(n): return getattr(listing, n)()", "other.*"),
        ("from PKG import other\nglobals().update(vars(other))\ndef root(): return f()", "other.*"),
        ("from PKG import other\ndef root(x): return x.f", ""),
    ],
)  # fmt: skip
def test_every_way_to_a_definition_is_followed(root: str, reached: str, tree: Tree) -> None:
    tree.write(
        {
            "other.py": OTHER,
            "again.py": "from PKG.other import f\n",
            "inner/__init__.py": "from PKG.inner import sub\n\ndef get(): return sub.other.f()\n",
            "inner/sub.py": "from PKG import other\n",
            "lazy.py": LAZY,
            "starred.py": "from PKG.other import *\n",
            "listing/__init__.py": "__all__ = ['sub']\n",
            "listing/sub.py": "from PKG.other import *\n",
            "listed/__init__.py": LISTED,
            "listed/inner.py": "from PKG.other import f\nclass K:\n    h = f\n",
            "a.py": root,
        }
    )
    found = {name for name in tree.reached(tree.get("a", "root")) if name.startswith("other.")}
    if reached == "other.*":
        assert found == {f"other.{name}" for name in ("keep", "f", "g", "RATE", "C")}
    else:
        assert found == set(reached.split())


def test_a_package_that_imports_a_module_of_its_own_by_its_whole_name_reaches_it(tree: Tree) -> None:
    tree.write({"__init__.py": "from PKG import other\ndef root(): return other.f()\n", "other.py": OTHER})
    importlib.invalidate_caches()
    assert tree.reached(importlib.import_module(tree.name).root) == {"root", "other.f"}


@settings(max_examples=examples(30), deadline=None)
@given(data())
def test_modules_whose_names_are_made_at_run_time_may_import_each_other_in_any_way(
    tmp_path_factory: pytest.TempPathFactory, drawn: DataObject
) -> None:
    names = [f"m{place}" for place in range(drawn.draw(integers(2, 30)))]
    edges = {name: drawn.draw(lists(sampled_from(names), max_size=4, unique=True)) for name in names}
    folder = tmp_path_factory.mktemp("made")
    texts = {
        name: "".join(f"from PKG.{to} import of_{to}\n" for to in edges[name] if to != name)
        + f"globals()['of_' + '{name}'] = 1\ndef f(): return 2\n"
        for name in names
    }
    (folder / "made_names").mkdir()
    for name, text in {
        **texts,
        "__init__": "",
        "a": "from PKG.m0 import of_m0\ndef root(): return of_m0",
    }.items():
        (folder / "made_names" / f"{name}.py").write_text(text.replace("PKG", "made_names"))
    files = {f"made_names.{path.stem}": path for path in (folder / "made_names").iterdir()}
    codebase = Codebase(modules={**files, "made_names": files["made_names.__init__"]})
    reached = {each.module for each in codebase.reach([Definition("made_names.a", "root")])}
    graph = rustworkx.PyDiGraph()
    nodes = {name: graph.add_node(name) for name in names}
    graph.add_edges_from_no_data([(nodes[one], nodes[to]) for one in names for to in edges[one] if to != one])
    met = {"m0", *(graph[node] for node in rustworkx.descendants(graph, nodes["m0"]))}
    assert reached >= {f"made_names.{name}" for name in met}


REGISTRY = """
R = {}
class Hears:
    def __init_subclass__(cls): R[cls.__name__] = cls
class Meta(type):
    def __init__(cls, name, bases, held): R[name] = cls
class Silent: pass
def register(f):
    R[f.__name__] = f
    return f
def quiet(f): return f
"""


@pytest.mark.parametrize(
    ("plugin", "root", "is_reached"),
    [
        ("from PKG.registry import Hears\nclass Mine(Hears): pass", "R", True),
        ("from PKG.registry import Hears\nclass Mid(Hears): pass\nclass Mine(Mid): pass", "R", True),
        ("from PKG.registry import Meta\nclass Mine(metaclass=Meta): pass", "R", True),
        ("from PKG.registry import register\ndef Mine(): pass\n_ = register(Mine)", "R", True),
        ("from PKG.registry import quiet\ndef Mine(): pass\n_ = quiet(Mine)", "R", False),
        ("from PKG.registry import Silent\nclass Mine(Silent): pass", "R", False),
        ("from PKG.registry import Silent\nclass Mine(Silent): pass", "Silent.__subclasses__()", True),
        ("from PKG.registry import Hears\nclass Mine: pass", "Silent.__subclasses__()", False),
    ],
)
def test_what_registers_itself_when_its_module_is_imported_is_reached(
    plugin: str, root: str, is_reached: bool, tree: Tree
) -> None:
    tree.write(
        {
            "__init__.py": "from . import plugin\n",
            "registry.py": REGISTRY,
            "plugin.py": plugin,
            "a.py": f"from PKG.registry import R, Silent\ndef root(): return {root}",
        }
    )
    assert ("plugin.Mine" in tree.reached(tree.get("a", "root"))) == is_reached


@pytest.mark.parametrize(
    "read",
    [
        "pathlib.Path(__file__).with_name('words.txt').read_text()",
        "(pathlib.Path(__file__).parent / 'data' / 'words.txt').read_text()",
        "importlib.resources.files('PKG').joinpath('data/words.txt').read_text()",
        "importlib.util.spec_from_file_location('x', __file__.replace('a.py', 'words.txt'))",
    ],
)
def test_a_file_beside_the_code_that_it_names_counts_by_its_content(read: str, tree: Tree) -> None:
    code = f"import importlib.resources, importlib.util, pathlib\ndef root(): return {read}"
    tree.write({"a.py": code, "words.txt": "one", "data/words.txt": "one", "other.txt": "one"})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({"other.txt": "three"})
    assert code_version(root, {}) == before
    tree.write({"words.txt": "three", "data/words.txt": "three"})
    assert code_version(root, {}) != before


def test_what_a_function_was_made_with_counts(tree: Tree) -> None:
    tree.write({"a.py": "def make(rate, f=None):\n    def root(x=rate): return rate, f\n    return root\n"})
    make = tree.get("a", "make")
    assert code_version(make(1), {}) == code_version(make(1), {}) != code_version(make(2), {})
    assert code_version(make(1, make(1)), {}) != code_version(make(1, make(2)), {})
    assert code_version(make({"a": [1]}), {}) != code_version(make({"a": [2]}), {})


def test_an_edit_of_what_is_reached_changes_the_version_and_of_nothing_else(tree: Tree) -> None:
    tree.write({"other.py": OTHER, "a.py": "from PKG.other import f\ndef root(): return f()"})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({"other.py": OTHER.replace("return 2", "return 5").replace("RATE = 3", "RATE = 4 ")})
    assert code_version(root, {}) == before
    tree.write({"other.py": OTHER.replace("return 1", "return 11")})
    assert code_version(root, {}) != before
    tree.write({"other.py": OTHER})
    assert code_version(root, {}) == before


def test_whose_name_a_name_is_counts_where_both_are_reached(tree: Tree) -> None:
    use = "from PKG.{} import f\nfrom PKG.{} import f as h\ndef root(): return f() - h()"
    tree.write({"one.py": "def f(): return 1", "two.py": "def f(): return 2"})
    tree.write({"a.py": use.format("one", "two")})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({"a.py": use.format("two", "one")})
    assert code_version(root, {}) != before


def test_where_a_definition_stands_does_not_count(tree: Tree) -> None:
    tree.write({"one.py": "def f(): return 1", "a.py": "from PKG.one import f\ndef root(): return f()"})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({"deep/home.py": "def f(): return 1", "deep/__init__.py": ""})
    tree.write({"a.py": "import os\nfrom PKG.deep.home import f\n\ndef root(): return f()"})
    assert code_version(root, {}) == before


def test_which_library_a_name_comes_from_counts(tree: Tree) -> None:
    tree.write({"a.py": "from math import floor as f\ndef root(): return f(1.5)"})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({"a.py": "from math import ceil as f\ndef root(): return f(1.5)"})
    assert code_version(root, {}) != before


def test_what_an_import_does_is_reached_through_the_packages_around_it(tree: Tree) -> None:
    tree.write(
        {
            "__init__.py": "import json\njson.shown = True\n",
            "registry.py": "known = {}\n\n\ndef register(f):\n    known[f.__name__] = f\n    return f\n",
            "plugin.py": "from PKG.registry import register\n\n\n@register\ndef mine(): return 1\n\n\ndef no(): pass\n",
            "a.py": "import PKG.plugin\nfrom PKG.registry import known\ndef root(n): return known[n]()",
        }
    )
    reached = tree.reached(tree.get("a", "root"))
    assert EFFECTS in reached
    assert {"plugin.mine", "registry.register", "registry.known"} <= reached and "plugin.no" not in reached


def test_code_that_objects_hold_is_reached(tree: Tree) -> None:
    tree.write({"other.py": OTHER, "held.py": HELD, "a.py": AROUND})
    root, around = tree.get("a", "root"), tree.get("a", "around")
    f, g, c, held = *(tree.get("other", name) for name in "fgC"), tree.get("held", "Held")
    assert "other.f" in tree.reached(functools.partial(root, f))
    assert {"held.Held", "other.g"} <= tree.reached(held(g).run)
    assert {"other.C", "other.f"} <= tree.reached(root, parameters={"k": c, "list": [{"deep": f}]})
    assert {"other.C"} <= tree.reached(root, parameters={"family": Named("c", c)})
    wrapped = tree.reached(around(root)) | tree.reached(around(functools.partial(root, g)))
    assert {"a.around", "a.root", "other.g"} <= wrapped
    assert {"other.f"} <= tree.reached(root, more_roots=(f,))


def test_a_named_parameter_counts_by_its_name_and_its_code(tree: Tree) -> None:
    tree.write({"other.py": OTHER, "a.py": "def root(family): return family()"})
    root, c = tree.get("a", "root"), tree.get("other", "C")
    before = code_version(root, {"family": Named("c", c)})
    assert code_version(root, {"family": Named("d", c)}) != before
    tree.write({"other.py": OTHER.replace("return 4", "return 5")})
    assert code_version(root, {"family": Named("c", c)}) != before


def test_what_a_version_covers_is_plain_data() -> None:
    covered = by_module(reachable(module_under_test.by_module))
    assert covered["recsys_lineage.assets.code.code_version"] == ["by_module"]
    assert covered["recsys_lineage.assets.code.resolved_names"] == ["Definition"]
    assert json.loads(json.dumps(covered)) == covered
    assert isinstance(sorted(reachable(by_module))[0], Definition)
    check: Callable[..., str] = code_version
    assert len(check(by_module, {})) == 16


def test_code_edited_after_it_was_held_is_not_what_runs(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write({"a.py": "RATE = 1\ndef f(): return RATE\n"})
    loaded = tree.get("a", "f")
    before = code_version(loaded, {})
    monkeypatch.setattr("recsys_lineage.assets.code.code_version._held", False)
    hold_code()
    tree.write({"a.py": "RATE = 2\ndef f(): return RATE\n"})
    assert loaded() == 1
    assert code_version(loaded, {}) == before
    monkeypatch.setattr("recsys_lineage.assets.code.code_version._held", False)
    assert code_version(loaded, {}) != before
