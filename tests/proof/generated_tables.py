"""Generated tables: three schemas, and rows of few values, so that they join, tie and repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

NUMBER, TEXT, TRUTH, LIST, STRUCT = "number", "text", "truth", "list", "struct"
SCHEMAS = {
    "t": {"k": "INTEGER", "a": "INTEGER", "b": "VARCHAR", "x": "INTEGER", "l": "INTEGER[]"},
    "u": {"k": "INTEGER", "a": "INTEGER", "y": "VARCHAR", "s": "STRUCT(a INTEGER, b VARCHAR)"},
    "v": {"a": "INTEGER", "b": "VARCHAR", "z": "INTEGER", "f": "BOOLEAN"},
}
KINDS = {"INTEGER": NUMBER, "VARCHAR": TEXT, "BOOLEAN": TRUTH, "INTEGER[]": LIST}

numbers = st.one_of(st.none(), st.integers(0, 3))
texts = st.one_of(st.none(), st.sampled_from(["p", "q", "r"]))
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "INTEGER": numbers,
    "VARCHAR": texts,
    "BOOLEAN": st.one_of(st.none(), st.booleans()),
    "INTEGER[]": st.one_of(st.none(), st.lists(numbers, max_size=3)),
    "STRUCT(a INTEGER, b VARCHAR)": st.one_of(st.none(), st.fixed_dictionaries({"a": numbers, "b": texts})),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[tuple[object, ...]]]:
    """Four to eight rows of every table, of few values, so that they join, tie and repeat."""
    made: dict[str, list[tuple[object, ...]]] = {}
    for table, columns in SCHEMAS.items():
        rows = draw(
            st.lists(st.tuples(*(_VALUES[type_] for type_ in columns.values())), min_size=4, max_size=8)
        )
        made[table] = [tuple(row) for row in rows]
    return made


@dataclass(frozen=True)
class Column:
    """A column of a relation: how it is written, and of what kind it is."""

    name: str
    kind: str


def of_kind(columns: Sequence[Column], kind: str) -> list[Column]:
    """The columns of a kind."""
    return [column for column in columns if column.kind == kind]
