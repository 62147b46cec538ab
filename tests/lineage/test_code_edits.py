"""An edit of what an asset's function can reach changes its code version; an edit of what it cannot reach does not."""

from __future__ import annotations

import pytest

from recsys_lineage.assets.code.code_version import code_version
from tests.lineage.code_tree import Tree

Files = dict[str, str]
F = "def f(): return 'RATE 1'\n"
"""A function, which every edit changes."""

CONDITIONS: dict[str, Files] = {
    "not main": {"a.py": "if __name__ != '__main__':\n    RATE = 'RATE 1'\ndef root(): return RATE"},
    "else of main": {
        "a.py": "if __name__ == '__main__':\n    RATE = 2\nelse:\n    RATE = 'RATE 1'\ndef root(): return RATE"
    },
    "part of the name": {
        "a.py": "if __name__.startswith('w'):\n    def f(): return 'RATE 1'\ndef root(): return f()"
    },
    "a condition beside it": {
        "a.py": "if __name__ == '__main__' or True:\n    RATE = 'RATE 1'\ndef root(): return RATE"
    },
}
LOADED: dict[str, Files] = {
    "a relative name in another package": {
        "PKG_2/__init__.py": "", "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(): return importlib.import_module('.x', 'PKG_2').f()",
    },
    "a relative name below another package": {
        "PKG_2/__init__.py": "", "PKG_2/in/x.py": F, "PKG_2/in/y.py": "",
        "a.py": "import importlib\ndef root(): return importlib.import_module('..x', package='PKG_2.in.y')",
    },
    "a computed relative name in another package": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(n='x'): return importlib.import_module(f'.{n}', package='PKG_2').f()",
    },
    "a name computed before": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(n='x'):\n    name = f'PKG_2.{n}'\n    return importlib.import_module(name)",
    },
    "a name computed elsewhere": {
        "PKG_2/x.py": F,
        "b.py": "import importlib\ndef load(name): return importlib.import_module(name)",
        "a.py": "from PKG.b import load\ndef root(n='x'): return load('PKG_2.{}'.format(n))",
    },
    "a name joined": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(n='x'): return importlib.import_module('.'.join(['PKG_2', n]))",
    },
    "a name of the old form": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(n='x'): return importlib.import_module('PKG_2.%s' % n)",
    },
    "a module that is found first": {
        "kinds/__init__.py": "", "kinds/x.py": F,
        "a.py": "from importlib.util import find_spec, module_from_spec\n"
        "def root(n='x'): return module_from_spec(find_spec(f'PKG.kinds.{n}'))",
    },
    "a module that is looked up": {
        "x.py": F, "a.py": "import sys, PKG.x\nM = sys.modules\ndef root(n='x'): return M['PKG.' + n].f()",
    },
    "an importer by its name": {
        "x.py": F,
        "a.py": "import importlib\ndef root(n='x'): return getattr(importlib, 'import_module')('PKG.' + n).f()",
    },
    "a computed text": {
        "x.py": F, "a.py": "def root(n='x'):\n    g = {}\n    exec(f'from PKG.{n} import f', g)\n    return g['f']()",
    },
    "a joined text": {
        "x.py": F, "a.py": "def root(n='x'):\n    g = {}\n    exec('from PKG.' + n + ' import f', g)\n    return g",
    },
    "a file of code by a computed path": {
        "kinds/x.py": F,
        "a.py": "from importlib.machinery import SourceFileLoader as Load\nfrom pathlib import Path\n"
        "def root(n='x'): return Load(n, str(Path(__file__).parent / 'kinds' / f'{n}.py')).load_module()",
    },
    "a text of a file of code": {
        "kinds/x.py": F,
        "a.py": "from pathlib import Path\ndef root(): return list(Path(__file__).parent.glob('kinds/*.py'))",
    },
    "a computed name of a lazy module": {
        "lazy.py": "import importlib\ndef __getattr__(name):\n    return importlib.import_module('PKG.impl_' + name)\n",
        "impl_x.py": F, "a.py": "from PKG import lazy\ndef root(): return lazy.x.f()",
    },
    "a function of a lazy module": {
        "lazy.py": "import importlib\nHOMES = {}\n"
        "def __getattr__(name):\n    if name not in HOMES: raise AttributeError(name)\n"
        "def load(kind): return importlib.import_module(f'PKG.kinds.{kind}').f()\n",
        "kinds/__init__.py": "", "kinds/x.py": F, "a.py": "from PKG.lazy import load\ndef root(): return load('x')",
    },
    "a text in a lazy module": {
        "lazy.py": "import pkgutil\ndef __getattr__(name): raise AttributeError(name)\n"
        "WHERE = {'x': 'PKG.x:f'}\ndef load(n): return pkgutil.resolve_name(WHERE[n])()\n",
        "x.py": F, "a.py": "from PKG.lazy import load\ndef root(): return load('x')",
    },
    "modules that another package lists": {
        "PKG_2/__init__.py": "", "PKG_2/x.py": F,
        "a.py": "import importlib, pkgutil, PKG_2\n"
        "def root(): return [importlib.import_module(m.name) for m in pkgutil.walk_packages(PKG_2.__path__, 'x.')]",
    },
    "another package by its name": {
        "PKG_2/__init__.py": "", "PKG_2/x.py": F,
        "a.py": "import importlib, PKG_2\ndef root(n='x'): return importlib.import_module(f'{PKG_2.__name__}.{n}').f()",
    },
    "another package by that of a module": {
        "PKG_2/__init__.py": "", "PKG_2/x.py": F,
        "a.py": "import importlib, PKG_2\ndef root(n='.x'): return importlib.import_module(n, PKG_2.__package__).f()",
    },
    "another package by a constant": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\nBASE = 'PKG_2'\ndef root(n='x'): return importlib.import_module(f'{BASE}.{n}').f()",
    },
    "another package by a local name": {
        "PKG_2/x.py": F,
        "a.py": "import importlib\ndef root(n='x'):\n    base = 'PKG_2'\n    return importlib.import_module(base + n)",
    },
    "everything that a package computes to export": {
        "kinds/__init__.py": "import pathlib\n__all__ = [p.stem for p in pathlib.Path(__file__).parent.iterdir()]\n",
        "kinds/p1.py": F, "a.py": "from PKG.kinds import *\ndef root(): return p1.f()",
    },
}  # fmt: skip
QUEUE = "import bisect, collections, heapq, queue, types\n"
QUEUE += "SIGNAL, QUEUE = types.SimpleNamespace(connect=print), queue.Queue()\n"
QUEUE += "DEQUE, LIST, DICT = collections.deque(), [], {}\n"
REGISTRATIONS: dict[str, Files] = {
    f"{call}: {inside}": {
        "reg.py": f"{QUEUE}def register(f):\n    {inside}\n    return f\n",
        "plug.py": f"from PKG import reg\nfrom PKG.reg import register, SIGNAL\n{F}_ = {call}\n",
        "a.py": "from PKG import plug, reg\ndef root(): return reg.LIST[0]()",
    }
    for call, inside in (
        ("reg.DEQUE.appendleft(f)", "pass"),
        ("reg.QUEUE.put(f)", "pass"),
        ("SIGNAL.connect(f)", "pass"),
        ("register(f)", "DICT.__setitem__('x', f)"),
        ("register(f)", "bisect.insort(LIST, f, key=id)"),
        ("register(f)", "heapq.heappush(LIST, f)"),
        ("register(f)", "QUEUE.put_nowait(f)"),
        ("register(f)", "DEQUE.extendleft([f])"),
    )
}
DOC = '"""RATE 1"""'
TEXTS: dict[str, Files] = {
    "of a function": {"a.py": f"def query():\n    {DOC}\ndef root(): return query.__doc__"},
    "of a method": {"a.py": f"class Q:\n    def m(self):\n        {DOC}\ndef root(): return Q.m.__doc__"},
    "of the function itself": {"a.py": f"def root():\n    {DOC}\n    return root.__doc__"},
    "of its module": {"a.py": f"{DOC}\ndef root(): return __doc__"},
    "of another module": {"x.py": DOC, "a.py": "from PKG import x\ndef root(): return x.__doc__"},
    "of a class": {"a.py": f"import inspect\nclass Q:\n    {DOC}\ndef root(): return inspect.getdoc(Q)"},
    "by its name": {"a.py": f"class Q:\n    {DOC}\ndef root(): return getattr(Q, '__doc__')"},
    "from the attributes": {"a.py": f"class Q:\n    {DOC}\ndef root(): return vars(Q)['__doc__']"},
    "of several functions": {
        "x.py": f"def query():\n    {DOC}\n",
        "a.py": "from PKG.x import query\nALL = [query]\ndef root(): return [each.__doc__ for each in ALL]",
    },
    "of an argument": {
        "x.py": f"def query():\n    {DOC}\n",
        "b.py": "def rendered(f): return f.__doc__",
        "a.py": "from PKG.b import rendered\nfrom PKG.x import query\ndef root(): return rendered(query)",
    },
    "of what is decorated": {
        "x.py": f"from PKG.b import sql\n@sql\ndef query():\n    {DOC}\n",
        "b.py": "import inspect\ndef sql(f):\n    text = inspect.getdoc(f)\n    return lambda: text",
        "a.py": "from PKG.x import query\ndef root(): return query()",
    },
}
NAMESPACES: dict[str, Files] = {
    "the names around a function": {
        "x.py": f"{F}def g(): pass\n", "a.py": "from PKG.x import g\ndef root(n='f'): return g.__globals__[n]()",
    },
    "the module of a function": {
        "x.py": f"{F}def g(): pass\n",
        "a.py": "import inspect\nfrom PKG.x import g\ndef root(n='f'): return getattr(inspect.getmodule(g), n)()",
    },
}  # fmt: skip
HOLDERS: dict[str, Files] = {
    holder: {
        "x.py": "def f(*_): return 'RATE 1'\nclass C:\n    def m(self): return f()\n",
        "a.py": "import argparse, functools, logging, operator, threading, types\nimport numpy as np\n"
        f"from PKG.x import C, f\ndef run(held): return held\nroot = functools.partial(run, {holder})\n",
    }
    for holder in (
        "np.vectorize(f)",
        "functools.cmp_to_key(f)",
        "argparse.Namespace(g=f)",
        "argparse.Namespace(g=C)",
        "argparse.Namespace(g=C().m)",
        "argparse.Namespace(steps=[('first', argparse.Namespace(g=functools.partial(f, 1)))])",
        "threading.Thread(target=f)",
    )
}
COVERED: dict[str, Files] = {
    **CONDITIONS,
    **LOADED,
    **REGISTRATIONS,
    **TEXTS,
    **NAMESPACES,
    **HOLDERS,
}
UNTOUCHED: dict[str, Files] = {
    "a computed text where nothing is looked up": {
        "x.py": F,
        "a.py": "def root(n='x'): return f'PKG.{n}'",
    },
    "the table of a lazy module": {
        "lazy.py": "import importlib\nHOMES = {'f': 'PKG.x', 'g': 'PKG.y'}\n"
        "def __getattr__(name):\n    if name not in HOMES: raise AttributeError(name)\n"
        "    return getattr(importlib.import_module(HOMES[name]), name)\n",
        "x.py": "def f(): return 1\n",
        "y.py": "def g(): return 'RATE 1'\n",
        "a.py": "from PKG.lazy import f\ndef root(): return f()",
    },
    "a module that only may be there": {
        "x.py": F,
        "a.py": "from importlib.util import find_spec\ndef root(n): return find_spec(n) is None",
    },
    "modules next to one whose exports are texts": {
        "kinds/__init__.py": "__all__ = ['p2']\n",
        "kinds/p1.py": F,
        "kinds/p2.py": "",
        "a.py": "from PKG.kinds import *\ndef root(): return p2",
    },
    "what opens a connection": {
        "x.py": "import sqlite3\ndef f():\n    return sqlite3.connect('RATE 1')\nOPENED = f\nMADE = [f for _ in ()]\n",
        "a.py": "import PKG.x\ndef root(): return 1",
    },
    "docstrings that nobody uses": {"a.py": f"{DOC}\ndef f():\n    {DOC}\ndef root():\n    {DOC}\n    return f()"},
    "a docstring that is handed on": {
        "b.py": "def named(f, g):\n    g.__doc__ = f.__doc__\n    return type('T', (), {'__doc__': f.__doc__})",
        "a.py": f"from PKG.b import named\ndef f():\n    {DOC}\ndef root(): return named(f, f)",
    },
    "the docstring of something else": {
        "a.py": f"def f():\n    {DOC}\ndef g(): pass\ndef root(): return f(), g.__doc__"
    },
    "a script's own statements": {
        "a.py": "def root(): return 1\nif __name__ == '__main__':\n    print(root(), 'RATE 1')\n"
    },
}  # fmt: skip


def _versions(tree: Tree, files: Files) -> tuple[str, str]:
    """The code version before and after an edit of the one text RATE."""
    tree.write(files)
    root = tree.get("a", "root")
    before = code_version(root, {})
    edited = {name: text for name, text in files.items() if "RATE 1" in text}
    assert len(edited) == 1
    tree.write({name: text.replace("RATE 1", "RATE 22") for name, text in edited.items()})
    return before, code_version(root, {})


@pytest.mark.parametrize("case", COVERED)
def test_an_edit_of_what_is_reached_changes_the_version(case: str, tree: Tree) -> None:
    before, after = _versions(tree, COVERED[case])
    assert after != before


@pytest.mark.parametrize("case", UNTOUCHED)
def test_an_edit_of_what_is_not_reached_leaves_the_version(case: str, tree: Tree) -> None:
    before, after = _versions(tree, UNTOUCHED[case])
    assert after == before
