"""Changes of state outside of a piece of code: what the top of a module executes, and what its functions change."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recsys_lineage.assets.code.syntax.bound_names import bound_names
from recsys_lineage.assets.code.syntax.code_paths import chain_of
from recsys_lineage.assets.code.syntax.references import Import, Reference
from recsys_lineage.assets.code.syntax.used_names import used_names

CHANGES = frozenset(
    {
        "__setitem__", "add", "append", "appendleft", "extend", "extendleft", "insert", "put", "put_nowait", "register",
        "setdefault", "update",
    }
)  # fmt: skip
"""Methods of collections and dispatchers that change them."""
SUBSCRIPTIONS = CHANGES | {"connect", "listen", "subscribe"}
"""Methods of an object of the project's own that change it, if nothing else is known of it; elsewhere `connect` mostly
opens something."""
_FILLERS = frozenset({"heappush", "insort", "insort_left", "insort_right", "setattr"})
"""Functions that change their first argument."""
CLASS_MAKERS = frozenset({"type", "new_class", "make_dataclass"})
"""Functions that make a class, which its bases may register."""
CONSTRUCTORS = ("__init__", "__new__", "__post_init__", "__set_name__")
"""Methods that run when an object is made or becomes part of a class."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_ALIASES = (ast.Name, ast.Attribute, ast.Subscript)


@dataclass(frozen=True)
class Change:
    """Change by a call of a function, as far as its own text tells.

    `outside` says whether it changes an object that it neither makes nor gets, `given` whether one that it gets;
    `calls` are the names that it calls, `methods` the attributes of its first argument.
    """

    outside: bool
    given: bool
    calls: tuple[Reference, ...]
    methods: frozenset[str] = frozenset()


def changes_in(text: str, method: str, imports: Mapping[str, Sequence[Import]]) -> Change | None:
    """Change by a call of a top-level definition, or of a method of a class; None where that is no function.

    A constant counts as a function if it is a lambda, a partial, or another name of a function or a method.
    """
    (statement,) = ast.parse(text).body[:1] or [ast.Pass()]
    if isinstance(statement, ast.ClassDef):
        functions = (each for each in statement.body if isinstance(each, _FUNCTIONS))
        found = next((each for each in functions if each.name == method), None)
        return None if found is None else _change(found, imports)
    if method:
        return None
    if isinstance(statement, _FUNCTIONS):
        return _change(statement, imports)
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Lambda):
        return _change(value, imports)
    chain = _partial_of(value)
    if chain is None:
        return None
    return Change(isinstance(value, ast.Attribute) and chain[-1] in CHANGES, False, (Reference(chain),))


def _partial_of(value: object) -> tuple[str, ...] | None:
    """The function that an expression is another name for, or gives some arguments to."""
    if isinstance(value, ast.Call) and (chain_of(value.func) or ("",))[-1] in {"partial", "partialmethod"}:
        return chain_of(value.args[0]) if value.args else None
    return chain_of(value) if isinstance(value, ast.Name | ast.Attribute) else None


def _change(function: _Function, imports: Mapping[str, Sequence[Import]]) -> Change:
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    nodes = [node for part in body for node in ast.walk(part)]
    arguments = [function.args, *(node for node in nodes if isinstance(node, ast.arguments))]
    given = {each.arg for spec in arguments for each in _arguments(spec)}
    own = _own_names(function) - given
    changed = {_changed(node) for node in nodes} - {None}
    first = next(iter(_arguments(function.args)), None)
    methods = {
        node.attr
        for node in nodes
        if first
        and isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == first.arg
    }
    called = {chain[-1] for node in nodes for chain in _called(node)}
    statement = ast.Expr(function) if isinstance(function, ast.Lambda) else function
    uses = used_names([statement], imports) if called else ()
    return Change(
        outside=bool(changed - own - given) or any(isinstance(node, ast.Global) for node in nodes),
        given=bool(changed & given),
        calls=tuple(each for each in uses if _last_name(each) in called),
        methods=frozenset(methods),
    )


def _last_name(reference: Reference) -> str | None:
    if reference.text or reference.path or reference.only_runs:
        return None
    return reference.names[-1] if reference.names else reference.through and reference.through.name


def _called(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """The names that a node calls."""
    called = [node.func] if isinstance(node, ast.Call) else getattr(node, "decorator_list", ())
    for each in called:
        if (chain := chain_of(each)) is not None:
            yield chain


def _own_names(function: ast.AST) -> set[str]:
    """The names of what a function makes: not of what it gets from elsewhere by another name."""
    made: set[str] = set()
    elsewhere: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, _FUNCTIONS):
            made |= bound_names(node.body).keys()
        elif isinstance(node, ast.comprehension):
            made |= bound_names([node.target]).keys()
        elif isinstance(node, ast.Assign | ast.NamedExpr) and isinstance(node.value, _ALIASES):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            elsewhere |= bound_names(targets).keys()
    return made - elsewhere


def _changed(node: ast.AST) -> str | None:
    """The name of the object that an expression or statement changes."""
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
        held: ast.AST = node
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        held = node.func.value
    elif isinstance(node, ast.Call) and node.args and (chain_of(node.func) or ("",))[-1] in _FILLERS:
        held = node.args[0]
    else:
        return None
    while isinstance(held, ast.Subscript | ast.Attribute):
        held = held.value
    return held.id if isinstance(held, ast.Name) else None


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    spec = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [each for each in spec if each is not None]


# --- what the top of a module executes --------------------------------------------------------------------


@dataclass(frozen=True)
class Calls:
    """The names that a statement calls when it is executed, and those that it passes to what it calls."""

    called: tuple[Reference, ...] = ()
    passed: tuple[Reference, ...] = ()

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.called + other.called, self.passed + other.passed)

    def __bool__(self) -> bool:
        return bool(self.called)


def executed_calls(statement: ast.AST) -> Calls:
    """The calls that a top-level statement executes, its own decorators left out.

    The bodies of functions are not executed, those of classes are, and those of lambdas in a call may be.
    """
    called: list[Reference] = []
    passed: list[Reference] = []
    below: list[ast.AST] = list(_executed(statement, decorated=False))
    while below:
        node = below.pop()
        if not isinstance(node, ast.Call):
            below.extend(_executed(node))
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and not _looks_up_type(inner):
                called.extend(map(Reference, _called(inner)))
                given = (*inner.args, *(word.value for word in inner.keywords))
                passed.extend(Reference(chain) for each in given if (chain := chain_of(each)) is not None)
    return Calls(tuple(called), tuple(passed))


def _looks_up_type(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "type" and len(call.args) == 1


def _executed(node: ast.AST, *, decorated: bool = True) -> Iterator[ast.AST]:
    """The parts of a node that run when it does."""
    if (
        isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef))
        and not isinstance(node, ast.Lambda)
        and decorated
    ):
        yield from (ast.Call(each, [], []) for each in node.decorator_list)
    if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        yield from (each for each in (*node.args.defaults, *node.args.kw_defaults) if each is not None)
    elif isinstance(node, ast.ClassDef):
        yield from (*node.bases, *node.keywords, *node.body)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield node.value
    elif not isinstance(node, ast.Constant | ast.Name | ast.Import | ast.ImportFrom):
        for name in node._fields:
            held = getattr(node, name, None)
            if isinstance(held, list):
                yield from (each for each in held if isinstance(each, ast.AST))
            elif isinstance(held, ast.AST):
                yield held


def changes_in_class(statement: ast.ClassDef) -> bool:
    """Whether the body of a class changes something that it does not bind itself, when it is made."""
    own = bound_names(statement.body).keys()
    below: list[ast.AST] = list(statement.body)
    while below:
        node = below.pop()
        if isinstance(node, ast.ClassDef):
            if changes_in_class(node):
                return True
        elif _changed(node) not in {None, *own}:
            return True
        elif not isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            below.extend(_executed(node))
    return False


def is_mutable(text: str) -> bool:
    """Whether a statement binds a name to an object that a function can change."""
    (statement,) = ast.parse(text).body[:1] or [ast.Pass()]
    kinds = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.Call)
    return isinstance(getattr(statement, "value", None), kinds)


def is_alias(values: Iterable[ast.expr]) -> bool:
    """Whether a name may stand for an object of another name, or of another module where nothing is assigned to it."""
    held = list(values)
    return not held or any(isinstance(value, _ALIASES) for value in held)
