"""Cases of column lineage: small queries with the exact edges of each of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recsys_lineage import ColumnEdge

FOLDER = Path(__file__).parent / "cases"
SCHEMAS: Mapping[str, Mapping[str, str]] = {
    "t": {
        "a": "INTEGER", "b": "VARCHAR", "c": "INTEGER", "d": "DATE",
        "s": "STRUCT(x INTEGER, t STRUCT(y INTEGER))", "l": "INTEGER[]", "m": "MAP(VARCHAR, INTEGER)",
    },
    "u": {"a": "INTEGER", "k": "VARCHAR", "e": "DATE"},
    "v": {"a": "INTEGER", "n": "VARCHAR"},
    "w": {"ls": "STRUCT(p INTEGER, q VARCHAR)[]"},
    "p.parquet": {"x": "INTEGER"},
    "q/*.csv": {"x": "INTEGER", "y": "VARCHAR"},
    "read_csv('r.csv')": {"z": "VARCHAR"},
}  # fmt: skip
_DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")


@dataclass(frozen=True)
class Case:
    """A query and the edges of its columns, in their order."""

    name: str
    sql: str
    edges: Mapping[str, frozenset[ColumnEdge]]

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    """Those of all files, each a text of a name, the edges of each column, those of all (`*`), and the query."""
    found = [
        _case(f"{file.stem}: ", text)
        for file in sorted(FOLDER.glob("*.sql"))
        for text in file.read_text(encoding="utf-8").split("-- # ")[1:]
    ]
    return [case for case in found if not (duckdb.__version__.startswith("1.") and "(DuckDB 2)" in case.name)]


def _case(group: str, text: str) -> Case:
    name, *lines = text.strip().splitlines()
    notes = [line.removeprefix("-- ") for line in lines if line.startswith("-- ")]
    found: dict[str, frozenset[ColumnEdge]] = {}
    for note in notes:
        column, _, said = note.partition(":")
        found[column] = frozenset(_edge(each.strip()) for each in said.split(", ") if each.strip())
    every = found.pop("*", frozenset())
    sql = "\n".join(line for line in lines if not line.startswith("-- ")).strip().removesuffix(";")
    return Case(group + name, sql, {column: edges | every for column, edges in found.items()})


def _edge(said: str) -> ColumnEdge:
    place, subtype, *mask = said.rsplit(" ", 2) if said.endswith(" masking") else said.rsplit(" ", 1)
    table, _, column = place.rpartition(".")
    kind = "DIRECT" if subtype in _DIRECT else "INDIRECT"
    return ColumnEdge(table, column, kind, subtype, masking=mask == ["masking"])  # type: ignore[arg-type]


def written(edges: Mapping[str, Iterable[ColumnEdge]]) -> str:
    """Edges as the cases write them, each column's sorted, for messages."""
    return "\n".join(
        f"{column}: {', '.join(_said(each) for each in sorted(edges[column]))}" for column in edges
    )


def _said(edge: ColumnEdge) -> str:
    return f"{edge.table}.{edge.column} {edge.subtype}{' masking' if edge.masking else ''}"
