"""Paths of files next to the code, computed in code from `__file__`, from a module or a package, or from a constant."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from recsys_lineage.assets.code.syntax.references import CodePath, Import, Reference

FILE, FOLDER = "file", "folder"
"""The file of code, and the folder that it lies in: starts of a path, or first steps from a module."""
UP, IN, ADD, SUFFIX, STEM, PART, REPLACE = "up", "in", "add", "suffix", "stem", "part", "replace"
"""Steps: to the parent, into a folder, more characters, another suffix, another stem, to a part of the name, and other
characters in place of some, after a `*`."""
_STARTS = {"__file__": FILE, "__spec__": FILE, "__loader__": FILE, "__path__": FOLDER, "co_filename": FILE}
_SPECS = frozenset({"origin", "loader", "submodule_search_locations"})
_PARTS = frozenset({"name", "stem", "suffix", "suffixes", "anchor", "drive", "root"})
_SAME = frozenset(
    {
        "Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "join", "str", "abspath",
        "realpath", "normpath", "normcase", "expanduser", "fspath", "as_file",
    }
)  # fmt: skip
_SAME_METHODS = frozenset({"absolute", "as_posix", "expanduser", "resolve", "__fspath__", "__str__"})
_MOVES = {"with_name": ((UP, ""), IN), "with_suffix": ((), SUFFIX), "with_stem": ((), STEM), "glob": ((), IN)}
_ANCHORED = frozenset({"files", "read_text", "read_binary", "open_text", "open_binary", "path", "contents"})
_FILES_OF = frozenset({"getfile", "getsourcefile", "getabsfile"})
_MOST = 8
"""Most paths that one expression may be; the folders of more count as a whole."""
_FUNCTIONS = _SAME | _ANCHORED | _FILES_OF | {"dirname", "basename", "find_spec", "get_data", "getattr"}
_METHODS = _SAME_METHODS | _MOVES.keys() | {"iterdir", "joinpath", "replace", "rglob", "walk"}
_IN_CHAINS = _STARTS.keys() | _SPECS | {"parent", "parents"}


EXPRESSIONS = frozenset({ast.Attribute, ast.BinOp, ast.Call, ast.JoinedStr, ast.Name, ast.Subscript})
"""Expressions that may be a path."""


def may_be_path(node: ast.AST) -> bool:
    """Whether an expression could be a path that is more than a name; quick, and right for every path."""
    kind = type(node)
    if kind is ast.Call:
        function = node.func  # type: ignore[attr-defined]
        if type(function) is ast.Attribute:
            return function.attr in _METHODS or function.attr in _FUNCTIONS
        return type(function) is ast.Name and function.id in _FUNCTIONS
    if kind is ast.BinOp:
        return isinstance(node.op, ast.Div | ast.Add)  # type: ignore[attr-defined]
    if kind is ast.JoinedStr:
        return bool(node.values) and type(node.values[0]) is ast.FormattedValue  # type: ignore[attr-defined]
    if kind is ast.Attribute:
        return node.attr in _IN_CHAINS or node.attr in _PARTS  # type: ignore[attr-defined]
    if kind is ast.Subscript:
        return type(node.value) is ast.Attribute and node.value.attr in _IN_CHAINS  # type: ignore[attr-defined]
    return kind is ast.Name and node.id in _STARTS  # type: ignore[attr-defined]


def chain_of(node: ast.AST) -> tuple[str, ...] | None:
    """The names of `a.b.c`; None for another expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def text_of(node: ast.AST) -> str:
    """The text that an expression gives, `*` for each part that is not known before the code runs."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "*"
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return re.sub(r"%(\(\w*\))?[-+ #\d.]*[a-zA-Z]", "*", text_of(node.left))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return re.sub(r"{[^{}]*}", "*", text_of(node.func.value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        parts = node.args[0] if len(node.args) == 1 else None
        if isinstance(parts, ast.List | ast.Tuple):
            return text_of(node.func.value).join(map(text_of, parts.elts))
    return "*"


class CodePaths:
    """Reader of expressions that are paths.

    Args:
        meaning: what an expression means after the imports, as names.
        reference: the reference that a name stands for, None for one that is bound by the code around it.
        values: the paths that a local name stands for; None for any other name.

    Attributes:
        parts: the expressions that the paths read last are made of.
        last: those paths.
    """

    def __init__(
        self,
        meaning: Callable[[ast.AST], tuple[str, ...]],
        reference: Callable[[tuple[str, ...]], Reference | None],
        values: Callable[[str], list[CodePath] | None],
    ) -> None:
        self._meaning, self._reference, self._values = meaning, reference, values
        self.parts: list[ast.AST] = []
        self.last: list[CodePath] = []

    def read(self, node: ast.AST) -> list[CodePath]:
        """The paths that an expression may be, from now on `last`; see `of`."""
        self.parts.clear()
        self.last = self.of(node)
        return self.last

    def of(self, node: ast.AST) -> list[CodePath]:
        """The paths that an expression may be; none if it is not known to be one."""
        before = len(self.parts)
        found = self._of(node)
        if 0 < len(found) <= _MOST:
            self.parts += [node, node.func] if isinstance(node, ast.Call) else [node]
            return found
        del self.parts[before:]
        return []

    def _of(self, node: ast.AST) -> list[CodePath]:
        if isinstance(node, ast.Name):
            return self._named(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node.value, node.attr, node)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.JoinedStr):
            first = node.values[0] if node.values else None
            held = self.of(first.value) if isinstance(first, ast.FormattedValue) else []
            return self._added(held, "".join(map(text_of, node.values[1:]))) if len(node.values) > 1 else []
        if isinstance(node, ast.NamedExpr):
            return self.of(node.value)
        if not isinstance(node, ast.IfExp | ast.BoolOp):
            return []
        choices = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        each = [self.of(choice) for choice in choices]
        return [path for paths in each for path in paths] if all(each) else []

    def _named(self, node: ast.Name) -> list[CodePath]:
        if not isinstance(node.ctx, ast.Load):
            return []
        held = self._values(node.id)
        if held is not None:
            return held
        if node.id in _STARTS:
            return [CodePath(_STARTS[node.id])]
        return self._from((node.id,))

    def _from(self, chain: tuple[str, ...], *steps: tuple[str, str]) -> list[CodePath]:
        reference = self._reference(chain)
        return [] if reference is None else [CodePath(reference, steps)]

    def _attribute(self, held: ast.expr, name: str, node: ast.AST) -> list[CodePath]:
        chain = chain_of(held)
        if name in _STARTS:
            if chain is None or name == "co_filename":  # of a module that is looked up, or of a frame
                return [CodePath(_STARTS[name])]
            return self._from(chain, (_STARTS[name], ""))
        if name == "parent":
            return [path.then((UP, "")) for path in self.of(held)]
        if name in _PARTS:
            return [path.then((PART, "")) for path in self.of(held)]
        if name in _SPECS:
            return [path for path in self.of(held) if not isinstance(path.start, Reference) or path.steps]
        whole = chain_of(node)
        return [] if whole is None else self._from(whole)

    def _item(self, node: ast.Subscript) -> list[CodePath]:
        held, index = node.value, node.slice
        place = index.value if isinstance(index, ast.Constant) else None
        if (
            isinstance(held, ast.Attribute)
            and held.attr == "parents"
            and isinstance(place, int)
            and place >= 0
        ):
            return [path.then(*[(UP, "")] * (place + 1)) for path in self.of(held.value)]
        return [path for path in self.of(held) if _is_folder(path)]

    def _operation(self, node: ast.BinOp) -> list[CodePath]:
        if isinstance(node.op, ast.Div):
            return [path.then((IN, text_of(node.right))) for path in self.of(node.left)]
        if isinstance(node.op, ast.Add):
            return self._added(self.of(node.left), text_of(node.right))
        return []

    @staticmethod
    def _added(paths: list[CodePath], text: str) -> list[CodePath]:
        """Paths with more characters; a bare name and a number are no path."""
        is_text = text.strip("*") != ""
        paths = [path for path in paths if is_text or path.steps or not isinstance(path.start, Reference)]
        return [path.then((ADD, text)) for path in paths]

    def _called(self, node: ast.Call) -> list[CodePath]:
        texts = ["*" if isinstance(each, ast.Starred) else text_of(each) for each in node.args]
        first = node.args[0] if node.args else None
        chain = chain_of(node.func)
        last = chain[-1] if chain else ""
        if last == "getattr" and len(node.args) > 1 and first is not None:
            return self._attribute(first, texts[1], first) if texts[1] in _STARTS else []
        if last in _FILES_OF or last == "find_spec" or last in _ANCHORED or last == "get_data":
            found = self._anchored(last, self._meaning(node.func), first, texts)
            if found is not None:
                return found
        if first is not None and last in _SAME:
            return _into(self.of(first), texts[1:])
        if first is not None and last == "dirname":
            return [path.then((UP, "")) for path in self.of(first)]
        if first is not None and last == "basename":
            return [path.then((PART, "")) for path in self.of(first)]
        return self._method(node.func, texts) if isinstance(node.func, ast.Attribute) else []

    def _anchored(
        self, name: str, meaning: tuple[str, ...], first: ast.expr | None, texts: Sequence[str]
    ) -> list[CodePath] | None:
        """Paths that a function of the library finds from a module; None if it is another function."""
        if meaning[:1] == ("inspect",):
            chain = None if first is None else chain_of(first)
            return (self._from(chain, (FILE, "")) if chain else []) or [CodePath(FILE)]
        if meaning[:2] == ("importlib", "util") and isinstance(first, ast.Constant):
            return _of_module(first, FILE)
        is_resource = meaning[:2] == ("importlib", "resources") or meaning[0] == "importlib_resources"
        if not is_resource and meaning != ("pkgutil", "get_data"):
            return None
        chain = None if first is None else chain_of(first)
        if first is None or chain in (
            ("__package__",),
            ("__name__",),
            ("__spec__", "parent"),
            ("__spec__", "name"),
        ):
            anchor = [CodePath(FOLDER)]
        elif chain is not None and self._reference(chain) is not None:
            anchor = self._from(chain, (FOLDER, ""))
        else:
            anchor = _of_module(first, FOLDER)
        return _into(anchor, ["*"] if name == "contents" else texts[1:] if name != "files" else [])

    def _method(self, function: ast.Attribute, texts: Sequence[str]) -> list[CodePath]:
        name = function.attr
        if name in _SAME_METHODS:
            return self.of(function.value)
        if name == "replace" and len(texts) == 2 and "*" not in "".join(texts):
            return [path.then((REPLACE, "*".join(texts))) for path in self.of(function.value)]
        if name == "joinpath":
            return _into(self.of(function.value), texts)
        if name in {"iterdir", "walk"}:
            return _into(self.of(function.value), ["*"])
        if name == "rglob":
            return _into(self.of(function.value), ["*" + "".join(texts)])
        if name in _MOVES and texts:
            before, step = _MOVES[name]
            steps = [before] if before else []
            return [path.then(*steps, (step, texts[0])) for path in self.of(function.value)]
        return []


def _into(paths: list[CodePath], texts: Sequence[str]) -> list[CodePath]:
    return [path.then(*((IN, text) for text in texts)) for path in paths]


def _of_module(name: ast.expr, what: str) -> list[CodePath]:
    """The file or folder of the module that a text names; the package's folder for a computed name."""
    text = text_of(name)
    if "*" in text or text.startswith("."):
        return [
            CodePath(
                Reference(text=text.partition("*")[0].rpartition(".")[0], anywhere=True), ((FOLDER, ""),)
            )
        ]
    return [CodePath(Reference((), Import(text)), ((what, ""),))]


def _is_folder(path: CodePath) -> bool:
    return path.steps == ((FOLDER, ""),) or (path.start == FOLDER and not path.steps)
