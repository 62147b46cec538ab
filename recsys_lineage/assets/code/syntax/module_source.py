"""ModuleSource: one Python file split into its top-level definitions, their tokens and the names they use."""

from __future__ import annotations

import ast
import hashlib
import re
import tokenize
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

from recsys_lineage.assets.code.syntax.bound_names import bound_names
from recsys_lineage.assets.code.syntax.references import DOCSTRING, CodePath, Import, Reference
from recsys_lineage.assets.code.syntax.registrations import (
    Calls,
    Change,
    changes_in,
    changes_in_class,
    executed_calls,
    is_alias,
    is_mutable,
)
from recsys_lineage.assets.code.syntax.tokens import BODIES, between, is_text, nodes_in, span, tokens_of
from recsys_lineage.assets.code.syntax.top_level import (
    computes_exports,
    has_effects,
    imports_below,
    is_main_guard,
    is_type_checking,
    only_imports,
    texts_in,
)
from recsys_lineage.assets.code.syntax.used_names import used_names

EFFECTS = "<module>"
"""Name of the definition that stands for a module's statements with effects, such as registrations."""


class ModuleSource:
    """The text of one module, and facts derived from it alone.

    Args:
        text: the module's source.

    Attributes:
        definitions: name → the indices, from 0, of the top-level statements that bind it. `EFFECTS` is among them if
            importing the module has effects, `__doc__` if it has a docstring.
        imports: name → the target of its import at the top.
        stars: the modules that are imported with `*`.
        exported: the names in `__all__`, as far as they stand in the text.
        exports_anything: whether `__all__` is computed.
        executed: every import that runs when the module is imported, in order.
        decorators: name of a decorated definition → the names in its decorators.
        bases: name of a derived class → the names in its bases and its metaclass.
        called: name bound by a statement that calls something while the module is imported → the calls.

    Raises:
        SyntaxError: the text is not valid for this version of Python.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.definitions: dict[str, list[int]] = {}
        self.imports: dict[str, list[Import]] = {}
        self.stars: list[Import] = []
        self.exported: dict[str, None] = {}
        self.exports_anything = False
        self.executed: list[Import] = []
        self.decorators: dict[str, tuple[Reference, ...]] = {}
        self.bases: dict[str, tuple[tuple[Reference, ...], tuple[Reference, ...]]] = {}
        self.called: dict[str, Calls] = {}
        self._read: dict[int, tuple[tuple[Reference, ...], str]] = {}
        self._digests: dict[str, str] = {}
        self._changes: dict[tuple[str, str], tuple[Change, ...]] = {}
        self._grown: dict[str, list[int]] = {}
        self._assigned: dict[str, list[ast.expr]] = {}
        self._first_lines: list[int] = []
        self._statements: list[str] = []
        lines = text.split("\n")
        self._starts: list[tuple[int, int]] = []
        self._trees: dict[int, ast.stmt] = {}
        for place, statement in enumerate(ast.parse(text).body):
            start, end = span(statement, lines)
            self._first_lines.append(start[0])
            self._starts.append(start)
            self._trees[place] = statement
            self._statements.append(between(lines, start, end))
            self._take(place, statement)
        for name, places in self._grown.items():
            if is_alias(self._assigned.get(name, ())):
                self.definitions.setdefault(EFFECTS, []).extend(places)
        del self._assigned

    @classmethod
    def load(cls, path: Path) -> ModuleSource:
        """The module of a file, cached until the file changes."""
        found = path.stat()
        return _loaded(path, found.st_mtime_ns, found.st_size)

    def _take(self, place: int, statement: ast.stmt) -> None:
        if place == 0 and is_text(statement):
            self.definitions[DOCSTRING] = [place]
        if is_main_guard(statement) or is_text(statement):
            return
        for name, imports in bound_names([statement]).items():
            if imports:
                self.imports.setdefault(name, []).extend(imports)
            if not (imports and only_imports(statement, name)):
                self.definitions.setdefault(name, []).append(place)
        if "__all__" in self._statements[place]:
            self.exported.update(dict.fromkeys(texts_in(statement)))
            self.exports_anything = self.exports_anything or computes_exports(statement)
        for imported, only_types in imports_below(statement):
            if imported.name == "*":
                self.stars.append(imported)
            if not only_types:
                self.executed.append(imported)
        if has_effects(statement) or (isinstance(statement, ast.ClassDef) and changes_in_class(statement)):
            self.definitions.setdefault(EFFECTS, []).append(place)
        if isinstance(statement, ast.AugAssign):
            self._grown.setdefault(ast.unparse(statement.target), []).append(place)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name):
                    self._assigned.setdefault(target.id, []).append(statement.value)
        self._made(statement)
        executed = getattr(statement, "orelse", []) if is_type_checking(statement) else [statement]
        calls = sum(map(executed_calls, executed), Calls())
        if calls:
            names = list(bound_names([statement]))
            for name in names:
                self.called[name] = self.called.get(name, Calls()) + calls
            if not names and not has_effects(statement):
                self.definitions.setdefault(EFFECTS, []).append(place)

    def _made(self, statement: ast.stmt) -> None:
        """Take decorators and bases of the functions and classes that a statement makes, if under a condition too."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if statement.decorator_list:
                self.decorators[statement.name] = self._names(statement.decorator_list)
            if isinstance(statement, ast.ClassDef) and (statement.bases or statement.keywords):
                words = [each.value for each in statement.keywords if each.arg == "metaclass"]
                self.bases[statement.name] = self._names(statement.bases), self._names(words)
        elif isinstance(statement, ast.If | ast.Try) and not is_type_checking(statement):
            for field in BODIES:
                for inner in nodes_in(statement, field):
                    held = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    for each in held:
                        self._made(each)  # type: ignore[arg-type]

    def _names(self, expressions: Sequence[ast.expr]) -> tuple[Reference, ...]:
        return used_names([ast.Expr(each) for each in expressions], self.imports)

    def references(self, name: str) -> tuple[Reference, ...]:
        """Names that a definition uses from outside, in the order of the text."""
        used = (reference for place in self.definitions[name] for reference in self._at(place)[0])
        return tuple(dict.fromkeys(used))

    def paths(self, name: str) -> tuple[CodePath, ...]:
        """The paths that a constant is, as its text computes them; none for any other definition."""
        found: list[CodePath] = []
        for place in self.definitions.get(name, ()):
            of_this = [
                each.path for each in self._at(place)[0] if each.only_assigned and each.path is not None
            ]
            if not of_this:
                return ()
            found += of_this
        return tuple(found)

    def digest(self, name: str) -> str:
        """A hash of a definition's tokens: comments, docstrings, blank lines and layout do not count."""
        if name not in self._digests:
            if name == DOCSTRING:
                return self.docs(name)
            tokens = (self._at(place)[1] for place in self.definitions[name])
            self._digests[name] = hashlib.sha256("\x1e".join(tokens).encode()).hexdigest()
        return self._digests[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """The string constants in a definition."""
        places = self.definitions.get(name, ())
        return tuple(text for place in places for text in texts_in(ast.parse(self._statements[place])))

    def is_constant(self, name: str) -> bool:
        """Whether a definition is neither a function nor a class."""
        statements = (self._statements[place] for place in self.definitions.get(name, ()))
        return not any(re.match(r"@|(async[ \t]+)?def\b|class\b", text) for text in statements)

    def docs(self, name: str) -> str:
        """A hash of the docstrings in a definition."""
        texts: list[str] = []
        for place in self.definitions.get(name, ()):
            for node in ast.walk(ast.parse(self._statements[place])):
                body = getattr(node, "body", None)
                if isinstance(body, list) and body and is_text(body[0]):
                    texts.append(body[0].value.value)
        return hashlib.sha256("\x1e".join(texts).encode("utf-8", "surrogatepass")).hexdigest()

    def has_subclass_hook(self, name: str) -> bool:
        """Whether a definition is a class that is notified of each subclass."""
        return any("__init_subclass__" in self._statements[place] for place in self.definitions.get(name, ()))

    def lists_subclasses(self, name: str) -> bool:
        """Whether a definition looks up the subclasses of a class."""
        return any("__subclasses__" in self._statements[place] for place in self.definitions.get(name, ()))

    def changes(self, name: str, method: str = "") -> tuple[Change, ...]:
        """Changes by a call of a definition, or of a method of it; see `changes_in`."""
        if (name, method) not in self._changes:
            texts = (self._statements[place] for place in self.definitions.get(name, ()))
            found = (changes_in(text, method, self.imports) for text in texts)
            self._changes[name, method] = tuple(each for each in found if each is not None)
        return self._changes[name, method]

    def is_mutable(self, name: str) -> bool:
        """Whether a definition is an object that functions can change."""
        return any(is_mutable(self._statements[place]) for place in self.definitions.get(name, ()))

    def is_class(self, name: str) -> bool:
        """Whether a definition is a class."""
        texts = (self._statements[place] for place in self.definitions.get(name, ()))
        return any(re.search(r"^class ", text, re.MULTILINE) for text in texts)

    def _at(self, place: int) -> tuple[tuple[Reference, ...], str]:
        """Names and tokens of the statement at an index."""
        if place not in self._read:
            text = self._statements[place]
            statement, start = self._trees.pop(place, None), self._starts[place]
            if statement is None:
                statement, start = ast.parse(text).body[0], (1, 0)
            tokens = "\x1f".join(tokens_of(text, statement, start))
            self._read[place] = used_names([statement], self.imports), tokens
        return self._read[place]

    def forget_trees(self) -> None:
        """Let go of the syntax trees, which are large; the statements that are needed later are parsed again."""
        self._trees.clear()

    def names_at(self, line: int) -> tuple[str, ...]:
        """The definitions whose text contains a line, counted from 1."""
        place = bisect_right(self._first_lines, line) - 1
        return tuple(name for name, places in self.definitions.items() if place in places)

    @cached_property
    def constants(self) -> tuple[frozenset[str], frozenset[float]]:
        """The string and number constants of the module's code; see `constants_of`."""
        return constants_of(self._text)

    @cached_property
    def lazy_parts(self) -> frozenset[str]:
        """The definitions by which a module finds its names on first use: `__getattr__`, and those that it uses."""
        met = ["__getattr__"] if "__getattr__" in self.definitions else []
        for name in met:
            used = (each.names[0] for each in self.references(name) if each.names and each.through is None)
            met += [each for each in used if each in self.definitions and each not in met]
        return frozenset(met)

    @cached_property
    def lazy_homes(self) -> dict[str, str]:
        """Import targets of a lazy `__getattr__`, from the texts in the module's dictionaries.

        The dictionaries map names to modules, or modules to lists of names.
        """
        pairs: dict[str, str] = {}
        for statement in ast.parse(self._text).body:
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                continue
            for table in (each for each in ast.walk(statement.value) if isinstance(each, ast.Dict)):
                for key, held in zip(table.keys, table.values, strict=True):
                    if not isinstance(key, ast.Constant):
                        continue
                    if isinstance(held, ast.Constant):
                        pairs[str(key.value)] = str(held.value)
                    elif isinstance(held, ast.List | ast.Tuple | ast.Set):
                        names = (each.value for each in held.elts if isinstance(each, ast.Constant))
                        pairs.update((str(name), str(key.value)) for name in names)
        return pairs


def constants_of(text: str) -> tuple[frozenset[str], frozenset[float]]:
    """The string constants of a Python text, docstrings excluded, with the names in it; and its numbers.

    Raises:
        SyntaxError: the text is not valid Python.
    """
    texts: set[str] = set()
    numbers: set[float] = set()
    below: list[ast.AST] = [ast.parse(text)]
    # every module of a project is looked through: node by node, as `ast.walk` takes four times as long
    while below:
        node = below.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node.value, int | float) and not isinstance(node.value, bool):
                numbers.add(node.value)
            continue
        if isinstance(node, ast.Name):
            texts.add(node.id)
            continue
        if isinstance(node, ast.arg | ast.keyword):
            texts.add(node.arg or "")
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        for field in node._fields:
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                below.extend(each for each in inner if isinstance(each, ast.AST))
            elif isinstance(inner, ast.AST):
                below.append(inner)
    return frozenset(texts), frozenset(numbers)


@cache
def _loaded(path: Path, changed: int, size: int) -> ModuleSource:
    with tokenize.open(path) as stream:
        source = ModuleSource(stream.read())
    _new.append(source)
    return source


_new: list[ModuleSource] = []
"""The modules loaded since the trees were forgotten last."""


def forget_trees() -> None:
    """Let go of the syntax trees of all modules loaded so far."""
    for source in _new:
        source.forget_trees()
    _new.clear()
