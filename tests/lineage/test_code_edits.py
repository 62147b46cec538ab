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
COVERED: dict[str, Files] = {**CONDITIONS}
UNTOUCHED: dict[str, Files] = {
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
