"""The words of the code: each text says first what the thing is, and names are those of the field."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

OURS = ("recsys_assets", "recsys_lineage", "recsys_models")
NO_NOUN = re.compile(r"(For|Of|What|Which|Where|When|Who|How|Why|If|As)\s")
"""Beginnings that keep the reader waiting for the thing that is described."""
QUESTION = re.compile(r"Whether\s")
"""Beginning of predicates, which only functions are."""
WORD = re.compile(r"[a-z]{3,} ")
"""Beginning of what follows a value in a text, and no ending such as a plural's."""
PRIVATE = {
    "told": "known, reported, notified, or what the value is: reasons, counts, a message",
    "dear": "costly",
    "hangs": "depends",
    "wholes": "wholly marked",
    "desk": "request handler",
    "door": "access middleware",
    "glimpsed": "stat hash",
    "asked": "requested, or what the value is: a condition, a target, query words",
    "asks": "requests",
    "said": "what the value is: a text, a message, JSON, a label",
    "says": "what the value is: a text, a message, a condition",
    "beside": "next to, joined, other, further",
    "standing": "state, stored",
    "stands": "is in force, is stored",
    "keeper": "pool, cache, or what excludes a row",
    "keepers": "pools, caches, or what excludes rows",
    "lacking": "missing, undeclared",
    "heard": "the reading end, received",
}
"""Words that served as names and said nothing of what they stood for, and what to say instead."""


def texts(tree: ast.Module) -> Iterator[tuple[ast.AST, int, str]]:
    """Every docstring of a module, and every text below an assignment."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for place, each in enumerate(body):
            if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)):
                continue
            described = node if place == 0 else body[place - 1]
            if isinstance(each.value.value, str):
                yield described, each.lineno, each.value.value


def without_a_noun(source: str) -> list[int]:
    """The lines on which texts begin that do not say what the thing is."""
    return [
        line
        for described, line, text in texts(ast.parse(source))
        if NO_NOUN.match(text) or (QUESTION.match(text) and not isinstance(described, ast.FunctionDef))
    ]


def run_together(source: str) -> list[int]:
    """The lines of texts in which a value is directly followed by a word."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr)
        for value, rest in pairwise(node.values)
        if isinstance(value, ast.FormattedValue) and value.format_spec is None
        if isinstance(rest, ast.Constant) and WORD.match(str(rest.value))
    ]


def private_names(source: str) -> list[tuple[int, str]]:
    """The identifiers of a module that are, or are made of, private words."""
    return [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NAME and PRIVATE.keys() & set(token.string.lower().split("_"))
    ]


def sources(root: Path) -> Iterator[tuple[str, str]]:
    for package in OURS:
        for path in sorted((root / package).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text()


def test_a_text_begins_with_what_the_thing_is(root: Path) -> None:
    assert [f"{path}:{line}" for path, source in sources(root) for line in without_a_noun(source)] == []


def test_a_value_in_a_text_is_apart_from_the_next_word(root: Path) -> None:
    assert [f"{path}:{line}" for path, source in sources(root) for line in run_together(source)] == []
    assert run_together('f"the file {name}has 3 rows"') == [1]


def test_a_name_says_what_it_stands_for(root: Path) -> None:
    found = [f"{path}:{line}: {name}" for path, text in sources(root) for line, name in private_names(text)]
    assert not found, f"{found}; say instead: {PRIVATE}"


@pytest.mark.parametrize(
    "source",
    [
        '"""How rows are found."""',
        'def f():\n    """For each row its place."""',
        'MOST = 3\n"""Of a query."""',
        'MOST = 3\n"""How many there are."""',
        'class C:\n    has: bool = True\n    """Whether it has."""',
        'class C:\n    """Of each table its rows."""',
        'class C:\n    """Whether it is there."""',
        'def f():\n    """How many there are."""',
    ],
)
def test_a_text_that_does_not_would_be_seen(source: str) -> None:
    assert without_a_noun(source)


@pytest.mark.parametrize(
    "source", ["told = 1", "def told_apart(): ...", "class A:\n    def is_dear(self): ...", "_wholes = []"]
)
def test_a_private_name_would_be_seen(source: str) -> None:
    assert private_names(source)
