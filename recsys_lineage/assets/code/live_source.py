"""Source of code without a file, such as a notebook's, assembled from the current values of its names."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from typing import Any

from recsys_lineage.assets.code.syntax.used_names import used_names
from recsys_lineage.errors import LineageError


def live_text(root: types.FunctionType | type) -> str:
    """A module's text: the definition of `root`, then everything that it names, each once.

    Raises:
        LineageError: there is no source, as for code typed at Python's prompt.
    """
    own = _source(root)
    globals_: dict[str, Any] = getattr(root, "__globals__", {})
    texts, ahead, met = [own], [own], set()
    for text in ahead:
        for reference in used_names(ast.parse(text).body):
            name = reference.names[0] if reference.names and reference.through is None else ""
            if name in met or name not in globals_ or globals_[name] is root:
                continue
            met.add(name)
            value = globals_[name]
            if isinstance(value, types.FunctionType | type) and value.__module__ == root.__module__:
                ahead.append(_source(value))
                texts.append(ahead[-1])
            else:
                texts.append(_statement(name, value))
    return "\n".join(texts)


def _statement(name: str, value: Any) -> str:
    """Python statement that binds a name to a value that is not defined next to the root."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}"
    if isinstance(value, types.FunctionType | type):
        return f"from {value.__module__} import {value.__qualname__.partition('.')[0]} as {name}"
    try:
        ast.literal_eval(repr(value))
    except (SyntaxError, ValueError):
        return f"{name} = {type(value).__qualname__!r}"
    return f"{name} = {value!r}"


def _source(code: types.FunctionType | type) -> str:
    try:
        return textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError) as error:
        raise LineageError(
            f"The source of {code.__qualname__} cannot be found, so no change of it could be seen.",
            expected="code in a file or in a notebook's cell",
            found=str(error),
            where=str(code.__module__),
            advice="write the function into a file",
        ) from error
