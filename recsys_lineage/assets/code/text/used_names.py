"""The free names of a piece of Python code, found in its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recsys_lineage.assets.code.text.bound_names import Bindings, bound_names
from recsys_lineage.assets.code.text.code_paths import EXPRESSIONS, CodePaths, chain_of, may_be_path
from recsys_lineage.assets.code.text.loaded_by_name import (
    ABOUT_MODULES,
    FINDERS,
    IMPORTERS,
    LOADED,
    beginning,
    imports_in,
    is_import_hook,
    may_name_code,
)
from recsys_lineage.assets.code.text.references import ANYTHING, CodePath, Import, Reference, imports_of

_GENERICS = {"list", "dict", "tuple", "type", "set", "frozenset"}
_IMPORTER_NAMES = {name.rpartition(".")[2] for name in IMPORTERS}
_EVALUATORS = {"eval", "exec"}
"""Functions that run a text, by whatever name they are called later."""
_REFLECTION = {"globals", "eval", "exec", "vars", "locals", "__import__"}


def used_names(
    body: Sequence[ast.stmt], imports: Mapping[str, Sequence[Import]] | None = None
) -> tuple[Reference, ...]:
    """Names used by statements at the top of a module, in order, each once; `imports` are the module's imports."""
    uses = _Uses(imports or {})
    for statement in body:
        uses.visit(statement)
    return tuple(uses.found)


@dataclass
class _Scope:
    names: dict[str, list[Import]]
    kind: str
    outside: set[str] = field(default_factory=set)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    paths: dict[str, list[CodePath]] = field(default_factory=dict)


class _Uses(ast.NodeVisitor):
    """Collector of names that a piece of code uses and does not bind itself."""

    def __init__(self, imports: Mapping[str, Sequence[Import]]) -> None:
        self.found: dict[Reference, None] = {}
        self._scopes: list[_Scope] = []
        self._imports = imports
        self._in_hook = False
        self._paths = CodePaths(self._meaning, self._reference, self._values_of)
        self._path_parts: dict[int, ast.AST] = {}  # kept, so that no other node gets the id
        self._called: dict[int, ast.AST] = {}

    # --- names ---------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        if kind in EXPRESSIONS and id(node) not in self._path_parts and may_be_path(node):
            self._note_path(node)  # type: ignore[arg-type]
        visitor = _VISITORS.get(kind)
        if visitor is None:
            self.generic_visit(node)
        else:
            visitor(self, node)

    def generic_visit(self, node: ast.AST) -> None:
        for name in node._fields:
            held = getattr(node, name, None)
            if isinstance(held, ast.AST):
                self.visit(held)
            elif isinstance(held, list):
                for each in held:
                    if isinstance(each, ast.AST):
                        self.visit(each)

    def visit_Name(self, node: ast.Name) -> None:
        if self._scopes and id(node) not in self._path_parts and self._values_of(node.id):
            self._note_path(node)
        self._note_importer((node.id,), node)
        self._use((node.id,), isinstance(node.ctx, ast.Load), id(node) in self._path_parts)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = chain_of(node)
        is_part = id(node) in self._path_parts
        if chain is None or (not is_part and self._is_path(node.value)):
            self.visit(node.value)
        else:
            self._note_importer(chain, node)
            self._use(chain, True, is_part)

    def _note_importer(self, chain: tuple[str, ...], node: ast.expr) -> None:
        """Note that a function which imports modules by name is given on: with which names is not known here."""
        if (
            chain[-1] in _IMPORTER_NAMES
            and id(node) not in self._called
            and ".".join(self._meaning(node)) in IMPORTERS
        ):
            self.found[Reference(anywhere=True)] = None

    def _use(self, chain: tuple[str, ...], loads: bool, is_part: bool = False) -> None:
        scope = self._scope_of(chain[0])
        if chain[-1] in _EVALUATORS and scope is None and chain[:-1] in {(), ("builtins",)}:
            self.found[ANYTHING] = None
        if scope is None:
            if loads:
                self.found[Reference(chain, is_part=is_part)] = None
        elif chain[0] in scope.outside:
            self.found[Reference(chain, is_part=is_part)] = None
        else:
            for imported in scope.names[chain[0]]:
                self.found[Reference(chain[1:], imported, is_part=is_part)] = None

    def _scope_of(self, name: str) -> _Scope | None:
        """The scope that binds a name or declares it global; None for a name of the module."""
        within = "comprehension"
        for scope in reversed(self._scopes):
            visible = scope.kind != "class" or within == "comprehension"
            if scope.kind != "comprehension":
                within = scope.kind
            if name in scope.outside or (visible and name in scope.names):
                return scope
        return None

    # --- paths of files next to the code -------------------------------------------------------------------

    def _note_path(self, node: ast.expr, *, only_assigned: bool = False) -> None:
        """Note the paths that an expression is, if it is known to be one."""
        if self._is_path(node, names=only_assigned):
            self._path_parts.update((id(part), part) for part in self._paths.parts)
            for path in self._paths.last:
                self.found[Reference(path=path, only_assigned=only_assigned)] = None

    def _is_path(self, node: ast.expr, *, names: bool = False) -> bool:
        """Whether an expression is known to be a path, or, if `names`, the name of what may be one."""
        is_name = isinstance(node, ast.Name)
        if (
            not names
            and not may_be_path(node)
            and not (is_name and self._scopes and self._values_of(node.id))
        ):
            return False
        paths = self._paths.read(node)
        if names or any(path.steps or not isinstance(path.start, Reference) for path in paths):
            return bool(paths)
        return bool(paths) and is_name and self._values_of(node.id) is not None

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node.targets[0] if len(node.targets) == 1 else None, node.value)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assigned(node.target, node.value)
        self.generic_visit(node)

    def _assigned(self, target: ast.expr | None, value: ast.expr) -> None:
        """Take an assigned path for what the name stands for, instead of a use of all files below it."""
        if not isinstance(target, ast.Name):
            return
        if self._scopes:
            values = self._scopes[-1].values
            if self._scopes[-1].kind == "function" and target.id in values:
                self._paths.read(value)
                self._path_parts.update((id(part), part) for part in self._paths.parts)
        elif id(value) not in self._path_parts:
            self._note_path(value, only_assigned=True)

    def _reference(self, chain: tuple[str, ...]) -> Reference | None:
        """The reference of names that are not bound by the code around them, except by an import."""
        scope = self._scope_of(chain[0])
        if scope is None or chain[0] in scope.outside:
            return Reference(chain)
        imported = scope.names[chain[0]]
        return Reference(chain[1:], imported[0]) if imported else None

    def _values_of(self, name: str) -> list[CodePath] | None:
        """The paths that a name bound by the code around it stands for; None for a name of the module."""
        scope = self._scope_of(name)
        if scope is None or name in scope.outside or scope.names[name]:
            return None
        if name not in scope.paths:
            scope.paths[name] = []  # an expression like `path.parent` may be assigned to `path`
            for value in scope.values.get(name, ()):
                scope.paths[name] = [*scope.paths[name], *self._paths.of(value)]
        return scope.paths[name]

    def _shadowed(self, name: str) -> bool:
        return any(name in scope.names for scope in self._scopes)

    # --- scopes --------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        self._annotation(node.returns)
        self._inside(_parameters(node.args), node.body, "function", node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._inside(_parameters(node.args), [node.body], "function", [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part)
        before, self._in_hook = self._in_hook, self._in_hook or is_import_hook(node)
        self._inside({}, node.body, "class", node.body)
        self._in_hook = before

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, [node.key, node.value])

    def _comprehension(self, generators: list[ast.comprehension], results: list[ast.expr]) -> None:
        self.visit(generators[0].iter)
        names = bound_names(generator.target for generator in generators)
        inner = [*(g.iter for g in generators[1:]), *(test for g in generators for test in g.ifs), *results]
        self._inside(names, inner, "comprehension", [])

    def _inside(
        self, names: dict[str, list[Import]], visited: Iterable[ast.AST], kind: str, body: Iterable[ast.AST]
    ) -> None:
        bindings = Bindings()
        for node in body:
            bindings.take(node)
        taken = bindings.outside | bindings.around
        bound = {name: held for name, held in bindings.bound.items() if name not in taken}
        values = {name: held for name, held in bindings.values().items() if name not in {*names, *taken}}
        self._scopes.append(_Scope({**names, **bound}, kind, bindings.outside, values))
        for node in visited:
            self.visit(node)
        self._scopes.pop()

    # --- annotations ---------------------------------------------------------------------------------------

    def _signature(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        for argument in _arguments(arguments):
            self._annotation(argument.annotation)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node.target, node.value)
        self.visit(node.target)
        self._annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def _annotation(self, node: ast.expr | None) -> None:
        """Visit an annotation, and the annotations written as strings in it."""
        if node is None:
            return
        self.visit(node)
        if not any(isinstance(inner, ast.Constant) for inner in ast.walk(node)):
            return
        literal = {
            id(text)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Subscript) and (chain_of(inner.value) or ("",))[-1] == "Literal"
            for text in ast.walk(inner)
        }
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and id(inner) not in literal:
                try:
                    self._annotation(ast.parse(inner.value.strip(), mode="eval").body)
                except SyntaxError:
                    continue  # a text next to the type, as in Annotated

    def visit_Subscript(self, node: ast.Subscript) -> None:
        last = (chain_of(node.value) or ("",))[-1]
        if self._meaning(node.value) == LOADED and isinstance(node.ctx, ast.Load):
            self._imports_by_name(node.slice)
        self.visit(node.value)
        if last != "Literal" and (last[:1].isupper() or last in _GENERICS):
            self._annotation(node.slice)
        else:
            self.visit(node.slice)

    # --- what is found at run time -------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        self._runs(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._runs(node)

    def _runs(self, node: ast.Import | ast.ImportFrom) -> None:
        if self._scopes:
            scope = self._scopes[-1]
            for alias, imported in zip(node.names, imports_of(node), strict=True):
                # what a class or a module's global is bound to is used wherever these are
                is_kept = scope.kind == "class" or (alias.asname or alias.name) in scope.outside
                self.found[Reference((), imported, only_runs=not is_kept)] = None

    def visit_Call(self, node: ast.Call) -> None:
        chain = chain_of(node.func) or ("",)
        text = _text(node.args[0]) if node.args else None
        self._called[id(node.func)] = node.func
        meaning = self._meaning(node.func)
        if chain[-1] in {"import_module", "__import__"} or ".".join(meaning) in IMPORTERS:
            self._imports_by_name(node.args[0] if node.args else None)
        elif ".".join(meaning) in FINDERS or meaning == (*LOADED, "get"):
            self._imports_by_name(node.args[0] if node.args and meaning[:2] == LOADED else None)
        elif len(chain) == 1 and chain[0] in _REFLECTION and not self._shadowed(chain[0]):
            if chain[0] != "vars" or not node.args:
                self.found[ANYTHING] = None
        elif chain in {("getattr",), ("hasattr",)} and len(node.args) > 1 and not self._shadowed(chain[0]):
            owner, name = chain_of(node.args[0]), _text(node.args[1])
            held = node.args[0]
            if (
                name in ABOUT_MODULES
                and isinstance(held, ast.Call)
                and self._meaning(held.func) == (*LOADED, "get")
            ):
                for part in (*held.args, *node.args[2:]):
                    self.visit(part)
                return
            if owner is not None and name is not None:
                self._use((*owner, name), True)
                for extra in node.args[2:]:
                    self.visit(extra)
                return
        elif chain[-1] in {"cast", "ForwardRef"} and text is not None:
            self._annotation(node.args[0])
        for word in node.keywords:
            if word.arg == "cwd" and self._is_path(
                word.value, names=True
            ):  # where a process starts: not what it reads
                self._path_parts.update((id(part), part) for part in self._paths.parts)
            if word.arg == "bound":
                self._annotation(word.value)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            if may_name_code(node.value):
                self.found[Reference(text=node.value)] = None
            for statement in imports_in(node.value):
                self.found.update((Reference((), imported), None) for imported in imports_of(statement))

    def _imports_by_name(self, name: ast.expr | None) -> None:
        """Note the module that a text names; for a computed name, all modules that it may name."""
        text = None if name is None else _text(name)
        if isinstance(name, ast.Name) and name.id == "__name__":
            self.found[ANYTHING] = None
        elif text is not None:
            path = text.partition(":")[0]
            module = path.lstrip(".")
            self.found[Reference((), Import(module, len(path) - len(module)))] = None
        elif not self._in_hook:
            self.found[Reference(text=beginning(name), anywhere=True)] = None

    def _meaning(self, node: ast.AST) -> tuple[str, ...]:
        """Meaning of an attribute or a name after the imports: `im` as `importlib.import_module`."""
        chain = chain_of(node)
        if chain is None:
            return ("",)
        bound = next(
            (scope.names[chain[0]] for scope in reversed(self._scopes) if chain[0] in scope.names), None
        )
        for imported in self._imports.get(chain[0], ()) if bound is None else bound:
            name = () if imported.name is None else (imported.name,)
            return (*imported.module.split("."), *name, *chain[1:])
        return chain if bound is None else ("",)


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _parameters(arguments: ast.arguments) -> dict[str, list[Import]]:
    return {argument.arg: [] for argument in _arguments(arguments)}


_VISITORS: dict[type, Callable[[_Uses, Any], None]] = {
    getattr(ast, name.removeprefix("visit_")): visitor
    for name, visitor in vars(_Uses).items()
    if name.startswith("visit_")
}
