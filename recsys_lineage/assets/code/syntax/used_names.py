"""The free names of a piece of Python code, found in its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from recsys_lineage.assets.code.syntax.bound_names import bound_names
from recsys_lineage.assets.code.syntax.code_paths import chain_of
from recsys_lineage.assets.code.syntax.docstring_uses import DocstringUses
from recsys_lineage.assets.code.syntax.loaded_by_name import (
    ABOUT_MODULES,
    FINDERS,
    HANDED_ON,
    IMPORTERS,
    LOADED,
    PACKAGES,
    SEARCHES,
    beginning,
    beginnings,
    imports_in,
    is_import_hook,
    may_name_code,
)
from recsys_lineage.assets.code.syntax.references import (
    ANYTHING,
    DOCS,
    DOCSTRING,
    FINDS,
    WORLD,
    Import,
    Reference,
    imports_of,
)

_GENERICS = {"list", "dict", "tuple", "type", "set", "frozenset"}
_EVALUATORS = {"eval", "exec"}
"""Functions that run a text, by whatever name they are called later."""
_ABOUT: dict[tuple[str, ...], str] = {("inspect", "getdoc"): DOCSTRING, ("inspect", "getmodule"): WORLD}
"""Functions that look up an attribute of their first argument, or what it stands for."""
_REFLECTION = {"globals", "eval", "exec", "vars", "locals", "__import__"}


def used_names(
    body: Sequence[ast.stmt], imports: Mapping[str, Sequence[Import]] | None = None
) -> tuple[Reference, ...]:
    """Names used by statements at the top of a module, in order, each once; `imports` are the module's imports."""
    uses = _Uses(imports or {})
    for statement in body:
        uses.visit(statement)
    return tuple(uses.found)


class _Uses(DocstringUses):
    """Collector of names that a piece of code uses and does not bind itself."""

    def __init__(self, imports: Mapping[str, Sequence[Import]]) -> None:
        super().__init__(imports)
        self._called: ast.expr | None = None

    # --- names ---------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        self._handed_on(node)
        if self._scopes and id(node) not in self._path_parts and self._values_of(node.id):
            self._note_path(node)
        self._use((node.id,), isinstance(node.ctx, ast.Load), id(node) in self._path_parts)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = chain_of(node)
        self._handed_on(node)
        if node.attr == DOCSTRING and isinstance(node.ctx, ast.Load):
            self._docs_of(chain)
        is_part = id(node) in self._path_parts
        if chain is None or (not is_part and self._is_path(node.value)):
            self.visit(node.value)
        else:
            self._use(chain, True, is_part)

    def _handed_on(self, node: ast.Name | ast.Attribute) -> None:
        """Note everything that an importer may import, unless it is called right here."""
        if node is self._called or self._in_hook:
            return
        meaning = self._meaning(node)
        if ".".join(meaning) in HANDED_ON:
            self.found.update({Reference(anywhere=True): None, FINDS: None})
        elif meaning == LOADED:
            self.found[FINDS] = None

    def _use(self, chain: tuple[str, ...], loads: bool, is_part: bool = False) -> None:
        scope = self._scope_of(chain[0])
        if chain[-1] in _EVALUATORS and scope is None and chain[:-1] in {(), ("builtins",)}:
            self.found.update({ANYTHING: None, FINDS: None})
        if scope is None:
            if loads:
                self.found[Reference(chain, is_part=is_part)] = None
        elif chain[0] in scope.outside:
            self.found[Reference(chain, is_part=is_part)] = None
        else:
            for imported in scope.names[chain[0]]:
                self.found[Reference(chain[1:], imported, is_part=is_part)] = None

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
        meaning = self._meaning(node.func)
        if chain[-1] in {"import_module", "__import__"} or ".".join(meaning) in IMPORTERS | SEARCHES:
            self._made_of(node)
            self._imports_by_name(
                node.args[0] if node.args else None,
                package=_package(node) if ".".join(meaning) in PACKAGES else None,
                only_finds=".".join(meaning) in SEARCHES,
            )
        elif ".".join(meaning) in FINDERS or meaning == (*LOADED, "get"):
            self._made_of(node)
            self._imports_by_name(node.args[0] if node.args and meaning[:2] == LOADED else None)
        elif len(chain) == 1 and chain[0] in _REFLECTION and not self._shadowed(chain[0]):
            if chain[0] != "vars" or not node.args:
                self.found[ANYTHING] = None
        elif chain in {("getattr",), ("hasattr",)} and len(node.args) > 1 and not self._shadowed(chain[0]):
            owner, name = chain_of(node.args[0]), _text(node.args[1])
            held = node.args[0]
            if ".".join((*self._meaning(held), name or "")) in HANDED_ON:
                self.found.update({Reference(anywhere=True): None, FINDS: None})
            if (
                name in ABOUT_MODULES
                and isinstance(held, ast.Call)
                and self._meaning(held.func) == (*LOADED, "get")
            ):
                for part in (*held.args, *node.args[2:]):
                    self.visit(part)
                return
            if owner is not None and name is not None:
                if name == DOCSTRING:
                    self._docs_of(owner)
                self._use((*owner, name), True)
                for extra in node.args[2:]:
                    self.visit(extra)
                return
        elif meaning in _ABOUT and node.args:
            owner = chain_of(node.args[0])
            if _ABOUT[meaning] == DOCSTRING:
                self._docs_of(owner)
            if owner is not None:
                self._use((*owner, _ABOUT[meaning]), True)
        elif chain[-1] in {"cast", "ForwardRef"} and text is not None:
            self._annotation(node.args[0])
        for word in node.keywords:
            if word.arg == "cwd" and self._is_path(
                word.value, names=True
            ):  # where a process starts: not what it reads
                self._path_parts.update((id(part), part) for part in self._paths.parts)
            if word.arg == "bound":
                self._annotation(word.value)
        self._called = node.func
        if chain[-1] in {"format", "join"} or isinstance(node.func, ast.Attribute):
            self._computed(node)
        else:
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._computed(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._computed(node)

    def _computed(self, node: ast.expr) -> None:
        """Note what a text begins with that the code computes; it may name a module."""
        self.found.update((Reference(beginning=package), None) for package in beginnings(node))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if node.value == DOCSTRING:
            self.found[DOCS] = None
        if isinstance(node.value, str):
            if may_name_code(node.value):
                self.found[Reference(text=node.value)] = None
            for statement in imports_in(node.value):
                self.found.update((Reference((), imported), None) for imported in imports_of(statement))

    def _made_of(self, call: ast.Call) -> None:
        """Note the names that the name of a looked-up module may be made of, such as those of modules and constants."""
        given = [*call.args, *(word.value for word in call.keywords)]
        for node in (each for argument in given for each in ast.walk(argument)):
            chain = chain_of(node)
            if chain is None or self._in_hook or self._scope_of(chain[0]) is not None:
                continue
            if chain[-1] in ABOUT_MODULES and chain[:-1]:
                self._use(chain[:-1], True)
            else:
                self.found[Reference(chain, finds=True)] = None

    def _imports_by_name(
        self, name: ast.expr | None, *, package: ast.expr | None = None, only_finds: bool = False
    ) -> None:
        """Note the module that a text names; for a computed name, all modules that it may name."""
        text = None if name is None else _text(name)
        base = None if package is None else _text(package)
        if isinstance(name, ast.Name) and name.id == "__name__":
            self.found[ANYTHING] = None
        elif text is not None:
            path = text.partition(":")[0]
            module = path.lstrip(".")
            level = len(path) - len(module)
            if level and base is not None:
                module, level = ".".join([*base.split(".")[: 1 - level or None], module]).rstrip("."), 0
            self.found[Reference((), Import(module, level))] = None
        elif not self._in_hook:
            self.found[FINDS] = None
            if not only_finds:
                self.found[Reference(text=beginning(name) or base or "", anywhere=True)] = None


def _package(call: ast.Call) -> ast.expr | None:
    """The package that a relative name in a call starts from."""
    given = [word.value for word in call.keywords if word.arg == "package"]
    return next(iter([*call.args[1:2], *given]), None)


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _parameters(arguments: ast.arguments) -> dict[str, list[Import]]:
    return {argument.arg: [] for argument in _arguments(arguments)}
