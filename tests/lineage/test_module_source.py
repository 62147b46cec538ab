"""What of a module's text counts in the digests of its definitions, the same under every Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.assets.code.syntax.module_source import ModuleSource, constants_of
from tests.examples import JUDGES, examples
from tests.lineage.pythons import OTHERS, answer, interpreter

ROOT = Path(__file__).parents[2]
PACKAGES = ("recsys_lineage", "recsys_models", "recsys_assets")


def digest(text: str, name: str = "f") -> str:
    return ModuleSource(text).digest(name)


PLAIN = "def f(x: int) -> int:\n    y = [x, 1]\n    if x:\n        return y[0]\n    return x + 1\n"


@pytest.mark.parametrize(
    "same",
    [
        PLAIN.replace("x + 1", "x  +  1  # one more"),
        PLAIN.replace("x: int", "\n    x: int,\n"),
        PLAIN.replace("[x, 1]", "[\n        x,\n        1,\n    ]"),
        PLAIN.replace("    y =", '    """Adds."""\n    y ='),
        PLAIN.replace("    y =", "\n\n    # note\n\n    y ="),
        PLAIN.replace("    ", "\t"),
        '"""Module."""\nimport os\n\nZ = 2\n' + PLAIN + "\n\ndef g(): pass\n",
        PLAIN.replace("x + 1", "x \\\n    + 1"),
        PLAIN.rstrip(),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(same: str) -> None:
    assert digest(same) == digest(PLAIN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x): return (x,)", "def f(x): return (x)"),
        ("def f(x): return x[0,]", "def f(x): return x[0]"),
        ("def f(x): return f'{x} a'", "def f(x): return f'{x}  a'"),
        ("def f(x):\n  if x:\n    x()\n  x()", "def f(x):\n  if x:\n    x()\n    x()"),
        ("def f(x):\n  x = 'a'", "def f(x):\n  'a'"),
        ("@a\ndef f(x): pass", "@b\ndef f(x): pass"),
    ],
)
def test_what_a_text_says_counts(one: str, other: str) -> None:
    assert digest(one) != digest(other)


def test_constants_are_the_words_and_numbers_of_code_and_not_those_of_notes() -> None:
    text = '''"""About 11 things."""
N: int = 7
"""How many."""
def f(x, *rest, key="a"):
    """Not this."""
    return g(word=N, on=True)(-2.5)[f"{key} b"]
'''
    words = {"N", "int", "x", "rest", "key", "a", "g", "word", " b"}
    assert constants_of(text) == (words | {"on"}, {7, 2.5})


FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _digests(text: str) -> dict[str, str]:
    source = ModuleSource(text)
    return {name: source.digest(name) for name in source.definitions}


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=examples(60), deadline=None)
def test_comments_and_blank_lines_anywhere_leave_every_digest_of_real_modules(path: Path, data: Any) -> None:
    text = path.read_text()
    lines = text.split("\n")
    inside = _inside_of_strings(text)
    free = [n for n in range(1, len(lines)) if n not in inside and not lines[n - 1].rstrip().endswith("\\")]
    chosen = data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=5, unique=True)) if free else []
    for number in sorted(chosen, reverse=True):
        lines.insert(number, data.draw(st.sampled_from(["", "# a note", "   ", "        # deeper"])))
    assert _digests("\n".join(lines)) == _digests(text)


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=examples(60), deadline=None)
def test_any_other_token_changes_the_digest_of_its_definition(path: Path, data: Any) -> None:
    text = path.read_text()
    source = ModuleSource(text)
    spots = [(s, t) for s, t in _numbers_and_names(text) if source.names_at(s[0])]
    if not spots:
        return
    (line, column), token = data.draw(st.sampled_from(spots))
    lines = text.split("\n")
    lines[line - 1] = lines[line - 1][:column] + token + "0" + lines[line - 1][column + len(token) :]
    try:
        after = ModuleSource("\n".join(lines))
    except SyntaxError:
        return
    names = [name for name in source.names_at(line) if name in after.definitions]
    assert all(after.digest(name) != source.digest(name) for name in names)


def _inside_of_strings(text: str) -> set[int]:
    import ast

    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for line in range(node.lineno, (node.end_lineno or node.lineno))
    }


def _numbers_and_names(text: str) -> list[tuple[tuple[int, int], str]]:
    import io
    import keyword
    import tokenize

    return [
        (token.start, token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in (tokenize.NAME, tokenize.NUMBER) and not keyword.iskeyword(token.string)
    ]


# --- every interpreter ------------------------------------------------------------------------------------

PROGRAM = """
from pathlib import Path
from recsys_lineage.assets.code.syntax.module_source import ModuleSource
from recsys_lineage.assets.code.reachable_code import Codebase, Definition
found, code = {}, Codebase("recsys_assets")
for package in sys.argv[3:]:
    for place, path in enumerate(sorted(Path(sys.argv[1], package).rglob("*.py"))[:: int(sys.argv[2])]):
        module = ".".join(path.relative_to(sys.argv[1]).with_suffix("").parts).removesuffix(".__init__")
        source = ModuleSource.load(path)
        for name in source.definitions:
            found[f"{module}.{name}"] = source.digest(name)
        if place % 64 == 0:  # from here and there nearly everything is reached
            reached = code.reach([Definition(module, name) for name in source.definitions])
            found[module] = code.digest(reached)
print(json.dumps(found))
"""


EVERY = 4 if JUDGES else 1
"""Every how many modules are taken apart by each interpreter."""


@pytest.fixture(scope="session")
def digests_here() -> dict[str, str]:
    return _digests_of(sys.executable)


def _digests_of(python: str) -> dict[str, str]:
    return answer(python, PROGRAM, str(ROOT), str(EVERY), *PACKAGES)


@pytest.mark.parametrize("version", OTHERS)
def test_every_python_gives_the_same_versions(version: str, digests_here: dict[str, str]) -> None:
    there = _digests_of(interpreter(version))
    assert len(there) > 500
    assert there == digests_here
