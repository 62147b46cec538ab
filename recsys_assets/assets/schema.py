"""The schema of a table made in Python: a class whose attributes are columns, each with its Polars type and a text
below it.

    class Trials:
        trial = pl.Int64
        \"\"\"Number of the trial; 0 has the family's own parameters.\"\"\"

Such a text counts as a comment, so rewording it does not change an asset's code version.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping

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
    (written,) = ast.parse(textwrap.dedent(inspect.getsource(columns))).body
    assert isinstance(written, ast.ClassDef)
    texts: dict[str, str] = {}
    for statement, below in zip(written.body, [*written.body[1:], None], strict=True):
        if isinstance(statement, ast.Assign) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            texts |= {ast.unparse(target): " ".join(text.split()) for target in statement.targets}
    if silent := [name for name in types_of(columns) if name not in texts]:
        raise LineageError(
            f"A column of {columns.__qualname__} has no text.",
            expected="a text below each column that says what it holds",
            found=f"none below {', '.join(silent)}",
            where=columns.__module__,
        )
    return {name: texts[name] for name in types_of(columns)}
