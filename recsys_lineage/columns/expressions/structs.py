"""Functions that build structs from structs, and keep their fields separate."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from recsys_lineage.columns.binding.scope import Scope
from recsys_lineage.columns.binding.types import fields_of
from recsys_lineage.columns.relation import Value, folded, struct_of
from recsys_lineage.errors import ColumnLineageError

STRUCT_MAKERS = frozenset({"struct_concat", "struct_extract_at", "struct_insert", "struct_update"})


def struct_made(name: str, arguments: Sequence[exp.Expr], scope: Scope) -> Value | None:
    """The value of such a function; None where the fields of an argument are unknown.

    Args:
        name: the function's name, one of `STRUCT_MAKERS`.
        arguments: its arguments.
        scope: the scope of the call.
    """
    try:
        if name == "struct_extract_at":
            fields = fields_of(arguments[0], scope.value(arguments[0]), scope)
            place = int(arguments[1].name) if isinstance(arguments[1], exp.Literal) else 0
            return fields[place - 1][1] if 1 <= place <= len(fields) else None
        made: dict[str, tuple[str, Value]] = {}
        for each in arguments:
            if isinstance(each, exp.PropertyEQ | exp.Kwarg):
                found = [(each.this.name, scope.value(each.expression))]
            elif not (found := fields_of(each, scope.value(each), scope)):
                return None
            made |= {folded(field): (field, value) for field, value in found}
        return struct_of(made.values())
    except ColumnLineageError:
        return None
