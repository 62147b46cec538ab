"""The schema of a table made in Python: a class whose attributes are columns, each with its Polars type and a text
below it.

    class Trials:
        trial = pl.Int64
        \"\"\"Number of the trial; 0 has the family's own parameters.\"\"\"

The settings of a dataclass are described alike. Such a text counts as a comment, so rewording it does not change an
asset's code version.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import pairwise

import polars as pl

from recsys_lineage.errors import LineageError

PolarsType = pl.DataType | type[pl.DataType]


def types_of(columns: type) -> dict[str, PolarsType]:
    """The Polars schema: column → type, in the order of the class."""
    return {name: held for name, held in vars(columns).items() if not name.startswith("__")}


def texts_of(columns: type) -> Mapping[str, str]:
    """Column → what it holds, in words, in the order of the class.

    Raises:
        LineageError: a column has no text.
    """
    return _texts_below(columns, types_of(columns))


def texts_of_fields(settings: type) -> Mapping[str, str]:
    """Field of a dataclass → what it holds, in words, in the order of the fields; those of its bases are included.

    Raises:
        LineageError: a field has no text.
    """
    texts: dict[str, str] = {}
    for each in reversed(settings.__mro__):
        if each is not object:
            texts |= _texts_below(each, inspect.get_annotations(each))
    return {field.name: texts[field.name] for field in fields(settings)}


def _texts_below(written: type, names: Iterable[str]) -> dict[str, str]:
    """Name → the text below it in the body of a class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(written))).body
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for statement, below in pairwise(tree.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
            text = " ".join(ast.literal_eval(below.value).split())
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            texts |= {ast.unparse(target): text for target in targets}
    if silent := [name for name in names if name not in texts]:
        raise LineageError(
            f"A column or a setting of {written.__qualname__} has no text.",
            expected="a text below each that says what it holds",
            found=f"none below {', '.join(silent)}",
            where=written.__module__,
        )
    return {name: texts[name] for name in names}
