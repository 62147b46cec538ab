"""Dynamic imports: calls that load code by a name computed at run time, and texts that may name code or files."""

from __future__ import annotations

import ast
import re
from textwrap import dedent

from recsys_lineage.assets.code.syntax.code_paths import text_of

IMPORTERS = frozenset(
    {
        "__import__", "builtins.__import__", "importlib.__import__", "importlib.import_module",
        "pkgutil.resolve_name", "pydoc.locate",
        "runpy.run_module",
    }
)  # fmt: skip
"""Functions that import a module by the name in their first argument."""
FINDERS = frozenset(
    {
        "importlib.util.spec_from_file_location", "pkgutil.iter_modules", "pkgutil.walk_packages", "runpy.run_path",
    }
)  # fmt: skip
"""Functions that find modules whose names are not in the text."""
SEARCHES = frozenset({"importlib.find_spec", "importlib.util.find_spec"})
"""Functions that only look for the module of a name."""
PACKAGES = frozenset({"importlib.import_module", *SEARCHES})
"""Functions whose second argument is the package that a relative name starts from."""
HANDED_ON = frozenset({*IMPORTERS, *FINDERS})
"""Functions that import whatever they are called with elsewhere, once they stand in a value or an argument."""
LOADED = ("sys", "modules")
"""The mapping of loaded modules by name."""
ABOUT_MODULES = frozenset(
    {"__doc__", "__file__", "__name__", "__package__", "__path__", "__spec__", "__version__"}
)
"""Attributes of a module that are read without running anything in it."""
_HOOKS = frozenset({"exec_module", "load_module"})
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_][\w.]*)?|[A-Za-z_]\w*:[A-Za-z_][\w.]*")
_IMPORT = re.compile(r"(?:^|[;:\n])[ \t]*(?:import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b)")
_COMPUTED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.\w*\*")
_COMPUTED_IMPORT = re.compile(r"\b(?:from|import)[ \t]+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.\w*\*")
_FILE = re.compile(r"\w[\w ./-]*\.[A-Za-z]\w{0,9}")


def may_name_code(text: str) -> bool:
    """Whether a text could be the name of a module, of a definition (`a.b.c`, `a.b:c`), or of a file."""
    return (_CODE.fullmatch(text) or _FILE.fullmatch(text)) is not None


def imports_in(text: str) -> list[ast.Import | ast.ImportFrom]:
    """The import statements in a text of Python, such as an argument of `exec` or the code of another process."""
    if _IMPORT.search(text) is None:
        return []
    try:
        statements = ast.walk(ast.parse(dedent(text)))
    except (SyntaxError, ValueError):
        return []
    return [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]


def beginning(name: ast.expr | None) -> str:
    """The package that a computed module name begins with: `a.b` of `f"a.b.{c}"` and of `"a.b." + c`."""
    return "" if name is None else text_of(name).partition("*")[0].rpartition(".")[0]


def beginnings(node: ast.expr) -> list[str]:
    """The packages that a computed text begins with, if it is a module's name or imports one by a computed name."""
    text = text_of(node)
    if "." not in text or "*" not in text:
        return []
    whole = _COMPUTED.match(text)
    found = _COMPUTED_IMPORT.findall(text)
    return [whole[1], *found] if whole else found


def is_import_hook(node: ast.ClassDef) -> bool:
    """Whether a class is an import hook; import statements are followed without it."""
    return any(isinstance(each, ast.FunctionDef) and each.name in _HOOKS for each in node.body)
