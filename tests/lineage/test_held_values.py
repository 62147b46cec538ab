"""What code holds at run time counts by value, the same in every process, and ends for every value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from recsys_lineage.assets.code.code_version import code_version, reachable
from recsys_lineage.errors import LineageError
from tests.lineage.code_tree import Tree
from tests.lineage.pythons import OTHERS, answer, interpreter

ROOT = Path(__file__).parents[2]
HEAD = """
import collections, dataclasses, datetime, decimal, enum, fractions, functools, operator, pathlib, re, threading, types
import uuid
from collections import OrderedDict, defaultdict, deque, namedtuple
import numpy as np, polars as pl, pyarrow as pa, duckdb
from PKG import other
from PKG.other import f, g
@dataclasses.dataclass(frozen=True)
class Rule:
    rate: object
    more: object = None
    shown: object = dataclasses.field(default=None, compare=False)
@dataclasses.dataclass(slots=True)
class Slotted:
    rate: object
class Plain:
    def __init__(self, rate): self._rate = rate
    def run(self): return self._rate
    def __call__(self): return self._rate
class Slots:
    __slots__ = ("rate", "__hidden")
    def __init__(self, rate, hidden=0): self.rate, self.__hidden = rate, hidden
class Derived(Slots): pass
class Lazy:
    def __init__(self, rate): self.rate = rate
    @functools.cached_property
    def made(self): return object()
class Chosen:
    code_version_fields = ("rate",)
    def __init__(self, rate, home=None): self.rate, self.home = rate, home
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
class Bits(enum.Flag):
    A = 1
    B = 2
class Text(str): pass
class Words(dict): pass
Pair = namedtuple("Pair", "a b")
Other = namedtuple("Other", "a b")
def make(held):
    def root(): return held
    return root
def with_default(held):
    def root(x=held, *, y=None): return x
    return root
def with_keyword(held):
    def root(*, x=held): return x
    return root
def deep(held):
    def outer():
        def root(): return held
        return root
    return outer()
def decorated(held):
    def around(call):
        @functools.wraps(call)
        def wrapper(*args): return call(*args), held
        return wrapper
    return around(plain)
def cached(held): return functools.lru_cache(make(held))
def chosen(first): return (lambda: 1 + 1) if first else (lambda: 2 + 1)
def picked(first): return (lambda x: x.a) if first else (lambda x: x.b)
def generated(held):
    def root():
        yield held
    return root
def coroutine(held):
    async def root(): return held
    return root
def plain(x, y=None, z=None): return x
def cycle(held):
    found = [held]
    found.append(found)
    return found
def circle(held):
    one, two = Plain(held), Plain(None)
    two._rate, one.other = one, two
    return one
def recursive(held):
    def root(n): return root(n - 1) if n else held
    return root
def chain(length):
    found = None
    for _ in range(length): found = Rule(found)
    return found
"""

DIFFER = {
    "numbers": ("make(1)", "make(2)"),
    "a number and a truth": ("make(1)", "make(True)"),
    "an integer and a float": ("make(1)", "make(1.0)"),
    "texts and bytes": ("make('a')", "make(b'a')"),
    "a text and a number": ("make('1')", "make(1)"),
    "floats": ("make(0.1)", "make(0.1000000001)"),
    "bytes": ("make(b'a')", "make(b'b')"),
    "complex": ("make(1j)", "make(2j)"),
    "range": ("make(range(3))", "make(range(4))"),
    "slice": ("make(slice(3))", "make(slice(4))"),
    "default": ("with_default(1)", "with_default(2)"),
    "default object": ("with_default(Rule(1))", "with_default(Rule(2))"),
    "keyword default": ("with_keyword(1)", "with_keyword(2)"),
    "deep closure": ("deep({'a': Rule(1)})", "deep({'a': Rule(2)})"),
    "wraps": ("decorated(1)", "decorated(2)"),
    "lru_cache": ("cached(1)", "cached(2)"),
    "generator function": ("generated(1)", "generated(2)"),
    "coroutine function": ("coroutine(1)", "coroutine(2)"),
    "partial": ("functools.partial(plain, 1)", "functools.partial(plain, 2)"),
    "partial keyword": ("functools.partial(plain, y=1)", "functools.partial(plain, y=2)"),
    "partial keyword's name": ("functools.partial(plain, y=1)", "functools.partial(plain, z=1)"),
    "partial of partial": (
        "functools.partial(functools.partial(plain, 1), 2)", "functools.partial(functools.partial(plain, 2), 2)"),
    "partial of method": ("functools.partial(Plain(1).run)", "functools.partial(Plain(2).run)"),
    "partial of closure": ("functools.partial(make(1))", "functools.partial(make(2))"),
    "bound method": ("Plain(1).run", "Plain(2).run"),
    "bound method of a built-in": ("make([1].append)", "make([2].append)"),
    "callable object": ("Plain(1)", "Plain(2)"),
    "callable object in a closure": ("make(Plain(1))", "make(Plain(2))"),
    "dataclass": ("make(Rule(1))", "make(Rule(2))"),
    "dataclass fields": ("make(Rule(1, 2))", "make(Rule(2, 1))"),
    "dataclass with slots": ("make(Slotted(1))", "make(Slotted(2))"),
    "slots": ("make(Slots(1))", "make(Slots(2))"),
    "private slots": ("make(Slots(1, 1))", "make(Slots(1, 2))"),
    "slots of a base": ("make(Derived(1))", "make(Derived(2))"),
    "chosen attributes": ("make(Chosen(1))", "make(Chosen(2))"),
    "namedtuple": ("make(Pair(1, 2))", "make(Pair(2, 1))"),
    "namedtuples": ("make(Pair(1, 2))", "make(Other(1, 2))"),
    "a tuple and a list": ("make((1, 2))", "make([1, 2])"),
    "an empty tuple and a list": ("make(())", "make([])"),
    "enum": ("make(Colour.RED)", "make(Colour.BLUE)"),
    "flag": ("make(Bits.A)", "make(Bits.A | Bits.B)"),
    "dict": ("make({'a': 1})", "make({'a': 2})"),
    "dict keys": ("make({'a': 1})", "make({'b': 1})"),
    "dict of odd keys": ("make({(1, Colour.RED): 1})", "make({(1, Colour.BLUE): 1})"),
    "dict swapped": ("make({'a': 1, 'b': 2})", "make({'a': 2, 'b': 1})"),
    "defaultdict": ("make(defaultdict(list, a=[1]))", "make(defaultdict(list, a=[2]))"),
    "derived dict": ("make(Words(a=1))", "make(Words(a=2))"),
    "derived text": ("make(Text('a'))", "make(Text('b'))"),
    "mapping proxy": ("make(types.MappingProxyType({'a': 1}))", "make(types.MappingProxyType({'a': 2}))"),
    "counter": ("make(collections.Counter('aab'))", "make(collections.Counter('abb'))"),
    "namespace": ("make(types.SimpleNamespace(a=1))", "make(types.SimpleNamespace(a=2))"),
    "set": ("make({1, 2})", "make({1, 3})"),
    "frozenset": ("make(frozenset('ab'))", "make(frozenset('ac'))"),
    "deque": ("make(deque([1]))", "make(deque([2]))"),
    "nest": ("make([{'a': (1, {2, Rule(3)})}])", "make([{'a': (1, {2, Rule(4)})}])"),
    "split of nests": ("make([[1], [2, 3]])", "make([[1, 2], [3]])"),
    "texts joined": ("make(['ab', 'c'])", "make(['a', 'bc'])"),
    "date": ("make(datetime.date(2024, 1, 1))", "make(datetime.date(2024, 1, 2))"),
    "zone": ("make(datetime.timezone.utc)", "make(datetime.timezone(datetime.timedelta(hours=1)))"),
    "timedelta": ("make(datetime.timedelta(1))", "make(datetime.timedelta(2))"),
    "decimal": ("make(decimal.Decimal('1'))", "make(decimal.Decimal('2'))"),
    "fraction": ("make(fractions.Fraction(1, 2))", "make(fractions.Fraction(1, 3))"),
    "uuid": ("make(uuid.UUID(int=1))", "make(uuid.UUID(int=2))"),
    "path": ("make(pathlib.Path('a'))", "make(pathlib.Path('b'))"),
    "pattern": ("make(re.compile('a'))", "make(re.compile('b'))"),
    "pattern flags": ("make(re.compile('a'))", "make(re.compile('a', re.I))"),
    "array": ("make(np.array([1, 2]))", "make(np.array([1, 3]))"),
    "array type": ("make(np.array([1], 'int32'))", "make(np.array([1], 'int64'))"),
    "array shape": ("make(np.zeros((2, 3)))", "make(np.zeros((3, 2)))"),
    "array of objects": ("make(np.array(['a', None], object))", "make(np.array(['b', None], object))"),
    "array scalar": ("make(np.float64(1))", "make(np.float64(2))"),
    "array dtype": ("make(np.dtype('int32'))", "make(np.dtype('int64'))"),
    "frame": ("make(pl.DataFrame({'a': [1]}))", "make(pl.DataFrame({'a': [2]}))"),
    "frame names": ("make(pl.DataFrame({'a': [1]}))", "make(pl.DataFrame({'b': [1]}))"),
    "series": ("make(pl.Series('a', [1]))", "make(pl.Series('a', [2]))"),
    "series name": ("make(pl.Series('a', [1]))", "make(pl.Series('b', [1]))"),
    "polars dtype": ("make(pl.Int32)", "make(pl.Int64)"),
    "polars dtype object": ("make(pl.Datetime('us'))", "make(pl.Datetime('ms'))"),
    "polars schema": ("make(pl.Schema({'a': pl.Int32}))", "make(pl.Schema({'a': pl.Int64}))"),
    "expression": ("make(pl.col('a') + 1)", "make(pl.col('a') + 2)"),
    "lazy frame": ("make(pl.LazyFrame({'a': [1]}).filter(pl.col('a') > 1))", "make(pl.LazyFrame({'a': [1]}))"),
    "arrow table": ("make(pa.table({'a': [1]}))", "make(pa.table({'a': [2]}))"),
    "arrow array": ("make(pa.array([1]))", "make(pa.array([2]))"),
    "arrow type": ("make(pa.int32())", "make(pa.int64())"),
    "function": ("make(f)", "make(g)"),
    "functions swapped": ("make({'a': f, 'b': g})", "make({'a': g, 'b': f})"),
    "built-in function": ("make(len)", "make(max)"),
    "standard function": ("make(operator.add)", "make(operator.sub)"),
    "class": ("make(Rule)", "make(Slotted)"),
    "standard class": ("make(OrderedDict)", "make(deque)"),
    "module": ("make(re)", "make(enum)"),
    "lambda": ("chosen(True)", "chosen(False)"),
    "lambda in a closure": ("make(picked(True))", "make(picked(False))"),
    "closure in a closure": ("make(make(1))", "make(make(2))"),
    "property": ("make(property(make(1)))", "make(property(make(2)))"),
    "static method": ("make(staticmethod(make(1)))", "make(staticmethod(make(2)))"),
    "cycle": ("make(cycle(1))", "make(cycle(2))"),
    "circle of objects": ("make(circle(1))", "make(circle(2))"),
    "function that calls itself": ("recursive(1)", "recursive(2)"),
}  # fmt: skip

SAME = {
    "lock": "make(threading.Lock())",
    "connection": "make(duckdb)",
    "object": "make(object())",
    "generator": "make(iter([]))",
    "thread": "make(threading.Thread())",
    "field that is not compared": "make(Rule(1, shown=object()))",
    "attribute that is not chosen": "make(Chosen(1, object()))",
    "compiled class": "make(duckdb.DuckDBPyConnection)",
    "compiled function": "make(np.add)",
    "frozen function": "make(pathlib.os.path.join)",
    "method of a compiled class": "make(pl.DataFrame.to_arrow)",
    "weak references": "make(__import__('weakref').WeakKeyDictionary())",
    "order of a set": "make({f'{n}' for n in range(50)})",
    "order of a set of objects": "make({Rule(f'{n}') for n in range(50)})",
    "not a number": "make(float('nan'))",
}


def _tree(tree: Tree) -> Any:
    tree.write({"other.py": "def f(): return 1\ndef g(): return 2\n", "a.py": HEAD})
    return vars(sys.modules[tree.get("a", "make").__module__])


@pytest.mark.parametrize("pair", DIFFER)
def test_code_that_holds_another_value_is_another_version(pair: str, tree: Tree) -> None:
    names = _tree(tree)
    one, two = (code_version(eval(text, names), {}) for text in DIFFER[pair])
    again = code_version(eval(DIFFER[pair][0], names), {})
    assert one == again != two


@pytest.mark.parametrize("value", SAME)
def test_what_has_no_value_counts_by_its_class(value: str, tree: Tree) -> None:
    names = _tree(tree)
    assert code_version(eval(SAME[value], names), {}) == code_version(eval(SAME[value], names), {})


PROGRAM = """
import importlib, json, sys
from recsys_lineage.assets.code.code_version import code_version
names = vars(importlib.import_module(sys.argv[1]))
filler = [object() for _ in range(int(sys.argv[2]))]
texts = json.load(sys.stdin)
made = [eval(text, names) for text in texts]
print(json.dumps([[code_version(each, {}), code_version(names["plain"], {"held": each})] for each in made]))
"""


def test_every_process_finds_the_same_versions(tree: Tree) -> None:
    texts = [*(text for pair in DIFFER.values() for text in pair), *SAME.values()]
    tree.write({"other.py": "def f(): return 1\ndef g(): return 2\n", "a.py": HEAD})
    found = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, f"{tree.name}.a", seed],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{tree.folder}"},
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2000")
    ]
    versions = json.loads(found[0])
    assert {
        text for text, one, two in zip(texts, versions, json.loads(found[1]), strict=True) if one != two
    } == set()


@pytest.mark.parametrize(
    "value",
    [
        "make(Rule(f))", "make({'x': [f]})", "make(Slots(f))", "make(Slotted(f))", "make(deque([f]))",
        "make(Pair(f, 1))",
        "make(functools.partial(f))", "functools.partial(plain, y=f)", "with_default(f)", "make(Plain(Plain(f)).run)",
        "make(property(f))", "make(staticmethod(f))", "make(functools.lru_cache(f))", "decorated(f)",
        "make(defaultdict(f))",
        "make(other)", "make(circle(f))", "make([f].append)", "make(types.SimpleNamespace(x=f))",
        "make({f: 1})", "make(frozenset([f]))", "make(types.MappingProxyType({1: f}))", "make(Lazy(f))",
    ],
)  # fmt: skip
def test_the_code_of_a_function_that_is_held_is_covered(value: str, tree: Tree) -> None:
    names = _tree(tree)
    assert "f" in {each.name for each in reachable(eval(value, names))}


def test_a_value_that_is_made_when_it_is_needed_does_not_count(tree: Tree) -> None:
    names = _tree(tree)
    held = names["Lazy"](1)
    before = code_version(names["make"](held), {})
    assert held.made is held.made
    assert code_version(names["make"](held), {}) == before


def test_a_parameter_without_a_text_counts_by_value(tree: Tree) -> None:
    names = _tree(tree)
    plain, rule = names["plain"], names["Rule"]
    one, again, two = (code_version(plain, {"rules": [rule(rate)]}) for rate in (1, 1, 2))
    assert one == again != two


def test_large_values_cost_little(tree: Tree) -> None:
    names = _tree(tree)
    values = {
        "array": names["np"].zeros(20_000_000),
        "numbers": list(range(1_000_000)),
        "shared": _doubled(64),
    }
    for name, value in values.items():
        began = time.process_time()
        code_version(names["make"](value), {})
        assert time.process_time() - began < 5, name


def _doubled(levels: int) -> list[Any]:
    found: list[Any] = [0]
    for _ in range(levels):
        found = [found, found]
    return found


def test_a_value_that_is_nested_too_deeply_is_refused(tree: Tree) -> None:
    names = _tree(tree)
    held = names["chain"](10_000)
    try:
        with pytest.raises(LineageError, match="nested too deeply"):
            code_version(names["make"](held), {})
    finally:
        while held is not None:  # Python ends when it takes such a chain apart in one go
            held = held.rate


FUNCTIONS = [
    "lambda: [x + 1 for x in y]",
    "lambda: {x: 'k' for x in y if x != 3}",
    "lambda: {z for x in y for z in x.a if z}",
    "lambda: sum(x * 2.5 for x in y)",
    "lambda: [[n for n in m] for m in y]",
    "lambda: [lambda: x for x in y]",
    "lambda: None",
    "lambda a=1, *b, c: (a, b, c, None, True, ...)",
    "lambda: f'{y} and {1 + 1:>4}'",
    "lambda: g(k=1, w='two')(*y, **z) or y[1:2] is None",
    "lambda: (yield y.a)",
    "made()",
    "[make() for make in [made]][0]",
]
"""Functions, of which Python's versions make different code objects."""
WORDS_PROGRAM = """
from recsys_lineage.assets.code.held_values import digest_of
def made():
    def inner(x):
        'Text.'
        class Own(list):
            'Text.'
            def run(self, n): return super().run([each.b for each in n], -1)
        with x as y:
            return [Own(z).run(7) for z in y if z]
    return inner
print(json.dumps([digest_of(eval(text, {"made": made})) for text in sys.argv[2:]]))
"""


@pytest.mark.parametrize("version", OTHERS)
def test_every_python_gives_held_functions_the_same_digests(version: str) -> None:
    here, there = (
        dict(zip(FUNCTIONS, answer(python, WORDS_PROGRAM, str(ROOT), *FUNCTIONS), strict=True))
        for python in (sys.executable, interpreter(version))
    )
    assert there == here and len({*here.values()}) > len(FUNCTIONS) / 2
