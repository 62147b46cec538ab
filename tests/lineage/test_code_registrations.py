"""What a module registers when it is imported counts, in whatever statement it does so."""

from __future__ import annotations

import pytest

from recsys_lineage.assets.code.code_version import code_version
from tests.lineage.code_tree import Tree

REGISTRY = """
import abc, functools
R = {}
L = []
S = set()
HOOKS = [None]
def register(f):
    R[f.__name__] = f
    return f
def registered(name, more=None):
    def around(f):
        R[name] = f
        return f
    return around
def later(f): return _put(f)
def _put(f):
    L.append(f)
    return f
def quiet(f): return f
def make(value): return [value, value]
class Registry:
    def __init__(self): self.held = {}
    def add(self, f):
        self.held[f.__name__] = f
        return f
    def under(self, name): return self.add
    def get(self, name): return self.held[name]
registry = Registry()
class Entry:
    def __init__(self, f): L.append(f)
class Noted:
    def __init__(self, f): self.f = f
class Named:
    def __init__(self, f): self.f = f
    def __set_name__(self, owner, name): R[name] = self.f
class Hears:
    def __init_subclass__(cls, **kw): R[cls.__name__] = cls
class Meta(type):
    def __new__(cls, name, bases, held):
        made = super().__new__(cls, name, bases, held)
        R[name] = made
        return made
class Base(abc.ABC): pass
@functools.singledispatch
def show(x): return x
class Config:
    value = None
config = Config()
"""
USE = """
from PKG import plugin
from PKG.registry import HOOKS, L, R, S, Base, Config, config, registry, show
import PKG.registry as known
def root(n): return R, L, S, registry.get(n), show(n), Base, HOOKS, Config, config, known
"""
HEAD = """
import contextlib, functools, sys
import PKG.registry
from PKG import registry as r
from PKG.registry import *
from PKG.registry import R as REG
def mine(x=1): return 1
class Mine:
    def m(self): return 1
"""

STATEMENTS = {
    "item": "R['x'] = mine",
    "update": "R.update(x=mine)",
    "update of a dict": "R.update({'x': mine})",
    "append": "L.append(mine)",
    "extend": "L.extend([mine])",
    "insert": "L.insert(0, mine)",
    "add": "S.add(mine)",
    "setdefault": "R.setdefault('x', mine)",
    "setdefault whose result is kept": "_ = R.setdefault('x', mine)",
    "|=": "REG |= {'x': mine}",
    "+=": "L += [mine]",
    "of an alias +=": "all_of_them = L\nall_of_them += [mine]",
    "of an alias |=": "them = r.R\nthem |= {'x': mine}",
    "slice": "L[:] = [mine]",
    "unpacked": "R['x'], y = mine, 1",
    "starred": "(R['x'], *rest) = [mine, 1]",
    "chained assignment": "here = R['x'] = mine",
    "setattr": "setattr(r, 'show', mine)",
    "setattr of an object": "setattr(config, 'value', mine)",
    "attribute of a module": "r.show = mine",
    "attribute of a module by its whole name": "PKG.registry.show = mine",
    "attribute of a class": "Config.value = mine",
    "attribute of an object": "config.value = mine",
    "sys.modules": "sys.modules['PKG.registry'].show = mine",
    "vars": "vars(r)['show'] = mine",
    "__dict__": "r.__dict__['show'] = mine",
    "globals": "globals()['x'] = mine\nR.update(globals())",
    "call": "register(mine)",
    "call whose result is kept": "_ = register(mine)",
    "call whose result is annotated": "_: object = register(mine)",
    "call inside a list": "_ = [register(mine)]",
    "call inside a tuple": "_, __ = register(mine), 1",
    "call inside a call": "_ = make(register(mine))",
    "call inside a comprehension": "_ = [register(f) for f in (mine,)]",
    "call inside a dict comprehension": "_ = {f: register(f) for f in (mine,)}",
    "call under a condition": "_ = register(mine) if R is not None else None",
    "call with or": "_ = R.get('x') or register(mine)",
    "call with and": "_ = not R and register(mine)",
    "call in an attribute": "_ = register(mine).__name__",
    "call in an item": "_ = make(mine)[register(mine) is None]",
    "call in an f-string": "_ = f'{register(mine)}'",
    "call with walrus": "_ = (x := register(mine))",
    "call in a lambda that is called": "_ = (lambda: register(mine))()",
    "call in a default": "def f(x=register(mine)): return x",
    "call in a default of a lambda": "f = lambda x=register(mine): x",
    "call in a decorator's argument": "@quiet\ndef f(x, y=register(mine)): return x",
    "call in an if": "if True:\n    _ = register(mine)",
    "call in an if's test": "if register(mine):\n    X = 1",
    "call in an else": "if False:\n    X = 1\nelse:\n    _ = register(mine)",
    "call in a try": "try:\n    _ = register(mine)\nexcept ImportError:\n    pass",
    "call in a handler": "try:\n    import nothing_here\nexcept ImportError:\n    _ = register(mine)",
    "call in a with": "with contextlib.suppress(KeyError):\n    _ = register(mine)",
    "call in a for": "for f in (mine,):\n    register(f)",
    "call in a while": "while 'x' not in R:\n    R['x'] = mine",
    "call in a match": "match 1:\n    case 1:\n        register(mine)",
    "call in a class": "class Around:\n    register(mine)",
    "call kept in a class": "class Around:\n    x = register(mine)",
    "item in a class": "class Around:\n    R['x'] = mine",
    "loop in a class": "class Around:\n    for f in (mine,):\n        R['x'] = f",
    "decorator in a class": "class Around:\n    @register\n    def f(self): return mine()",
    "class in a class": "class Around:\n    class Inner:\n        x = register(mine)",
    "call in a class's bases": "class Around(register(Mine)): pass",
    "call in a class's keyword": "class Around(Hears, word=mine): pass",
    "call two functions away": "_ = later(mine)",
    "call of a function of this module": "def setup(): R['x'] = mine\n_ = setup()",
    "call of a function that calls": "def setup(): return register(mine)\n_ = setup()",
    "call of a function with an alias": "def setup():\n    held = R\n    held['x'] = mine\n_ = setup()",
    "call of a lambda": "setup = lambda: register(mine)\n_ = setup()",
    "call of a partial": "setup = functools.partial(register, mine)\n_ = setup()",
    "call of what a function gives": "_ = registered('x')(mine)",
    "a bound alias": "put = L.append\n_ = put(mine)",
    "a bound alias, called": "put = L.append\nput(mine)",
    "an alias of the function": "put = register\n_ = put(mine)",
    "an alias of the registry": "them = R\nthem['x'] = mine",
    "map": "_ = list(map(register, [mine]))",
    "any": "_ = any(register(f) for f in [mine])",
    "functools.reduce": "_ = functools.reduce(lambda a, f: register(f), [mine], None)",
    "decorator": "@register\ndef f(): return mine()",
    "decorator with arguments": "@registered('x', more=1)\ndef f(): return mine()",
    "decorator of an object": "@registry.add\ndef f(): return mine()",
    "decorator, chained": "@registry.under('x')\ndef f(): return mine()",
    "decorator of a module": "@PKG.registry.register\ndef f(): return mine()",
    "decorator alias": "put = R.setdefault\n@functools.partial(put, 'x')\ndef f(): return mine()",
    "decorator append": "@L.append\ndef f(): return mine()",
    "decorator lambda": "@lambda f: R.setdefault('x', f)\ndef f(): return mine()",
    "decorator of a class": "@register\nclass Around:\n    def f(self): return mine()",
    "method of an object": "_ = registry.add(mine)",
    "method of a method": "_ = registry.under('x')(mine)",
    "object that registers itself": "_ = Entry(mine)",
    "object that registers itself in a list": "entries = [Entry(f) for f in (mine,)]",
    "__set_name__": "class Around:\n    x = Named(mine)",
    "__init_subclass__": "class Around(Hears):\n    def f(self): return mine()",
    "__init_subclass__ of an attribute": "class Around(r.Hears):\n    def f(self): return mine()",
    "metaclass": "class Around(metaclass=Meta):\n    def f(self): return mine()",
    "metaclass of a base": "class First(metaclass=Meta): pass\nclass Around(First):\n    def f(self): return mine()",
    "type": "Around = type('Around', (Hears,), {'f': mine})",
    "metaclass called": "Around = Meta('Around', (), {'f': mine})",
    "class in an if": "if True:\n    class Around(Hears):\n        def f(self): return mine()",
    "decorated in an if": "if True:\n    @register\n    def f(): return mine()",
    "decorated in a try": "try:\n    @registered('x')\n    def f(): return mine()\nexcept KeyError: pass",
    "ABC.register": "Base.register(Mine)\nMine.m = mine",
    "ABC.register as a decorator": "@Base.register\nclass Around:\n    def f(self): return mine()",
    "singledispatch": "@show.register\ndef _(x: int): return mine()",
    "singledispatch of a type": "@show.register(int)\ndef _(x): return mine()",
    "singledispatch, called": "_ = show.register(int, mine)",
    "a hook": "HOOKS[0] = mine",
    "a function that is replaced": "show.__wrapped__ = mine",
    "defaults of a function": "show.__defaults__ = (mine,)",
    "global": "def setup():\n    global them\n    them = mine\n    R['x'] = them\n_ = setup()",
    "exec": "exec('R[\"x\"] = mine')",
}


def _changed(statement: str, tree: Tree, plugin: str = "plugin.py", imported: str = "") -> bool:
    text = HEAD + statement
    tree.write({"registry.py": REGISTRY, "a.py": USE, "plugin.py": imported, plugin: text})
    root = tree.get("a", "root")
    before = code_version(root, {})
    tree.write({plugin: text.replace("return 1", "return 22")})
    return code_version(root, {}) != before


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_a_statement_at_the_top_of_an_imported_module_registers_counts(
    statement: str, tree: Tree
) -> None:
    assert _changed(STATEMENTS[statement], tree)


def test_what_a_package_registers_when_one_of_its_modules_is_imported_counts(tree: Tree) -> None:
    tree.write({"inner/deep.py": ""})
    assert _changed("_ = register(mine)", tree, "inner/__init__.py", "from PKG.inner import deep")


HARMLESS = {
    "a call that registers nothing": "_ = quiet(mine)",
    "a call of a call": "_ = make(quiet(mine))",
    "a list": "_ = [mine, mine]",
    "an object": "_ = Noted(mine)",
    "an object in a class": "class Around:\n    x = Noted(mine)",
    "a partial": "_ = functools.partial(mine, 1)",
    "a comprehension": "_ = {f.__name__: f for f in (mine,)}",
    "a function": "def f(): return register(mine)",
    "a default": "def f(x=mine): return x",
    "a lambda": "f = lambda: register(mine)",
    "a method": "class Around:\n    def f(self): return register(mine)",
    "a look-up": "_ = R.get('x', mine)",
    "a copy": "_ = dict(R, x=mine)",
    "a table": "them = {}\nthem = {**them, 'x': mine}",
    "a number that grows": "n = 1\nn += mine.__code__.co_argcount",
    "a class": "class Around:\n    f = mine",
    "a class under a condition": "if True:\n    class Around:\n        f = mine",
    "types": "if 0:\n    pass\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    _ = register(mine)",
    "a dataclass": "import dataclasses as d\n@d.dataclass\nclass Around:\n    f: object = d.field(default=mine)",
    "a cached function": "@functools.cache\ndef f(): return mine()",
    "own list": "them = []\ndef fill():\n    own = []\n    own.append(mine)\n    return own\nthem = fill()",
    "own object": "class Box:\n    def __init__(self): self.held = []\n    def put(self, x): self.held.append(x)\n"
                  "def fill():\n    box = Box()\n    box.put(mine)\n    return box\nbox = fill()",
}  # fmt: skip


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_a_statement_merely_binds_does_not_count(statement: str, tree: Tree) -> None:
    assert not _changed(HARMLESS[statement], tree)
