"""RowValues: values of one row kept apart from the SQL that looks for it, so that this serves for other rows too."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType

from recsys_lineage.rows.statement.value_literal import StandIn, is_one_of_several, value_literal

_NAME = "__value_of_row_{}__"
_NAMED = re.compile(r"'__value_of_row_(\d+)__'")


@dataclass(frozen=True)
class RowValues:
    """Values of a row as DuckDB gives them to Python.

    Attributes:
        row: by column.
    """

    row: Mapping[str, object]

    def shape(self) -> list[str]:
        """Facts besides its values on which the row's SQL depends: where it is NULL, and where a number."""
        return [_shape(value) for value in self.row.values()]

    def stand_ins(self) -> dict[str, object]:
        """The row with stand-ins for its values."""
        return {
            column: None if value is None else StandIn(_NAME.format(place), value)
            for place, (column, value) in enumerate(self.row.items())
        }

    def can_use_stand_ins(self, sql: str, kinds: Sequence[DuckDBPyType | None]) -> bool:
        """Whether SQL with stand-ins gives the same result as with the values themselves.

        Args:
            sql: the statement of whose result the row is.
            kinds: types of the row's columns; None for one that is not known.
        """
        known = [kind for kind in kinds if kind is not None]
        if len(known) < len(kinds) or _NAMED.search(sql):
            return False
        return not any(map(is_one_of_several, self.row.values(), known))

    def put_in(self, text: str, kinds: Sequence[DuckDBPyType]) -> str:
        """JSON text with the values in place of their stand-ins.

        Raises:
            RowTraceError: a value cannot be one of its column's type.
        """
        written = [
            json.dumps(value_literal(value, kind, column))[1:-1]
            for (column, value), kind in zip(self.row.items(), kinds, strict=True)
        ]
        return _NAMED.sub(lambda found: written[int(found[1])], text)


def _shape(value: object) -> str:
    if value is None:
        return "nothing"
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return "a number" if is_number else "a value"
