"""Samples of large relations that still join: rows are selected by the values of shared columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from recsys_lineage.sql.names import quote


def joined_sample(
    connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str], rows: int, seed: int = 0
) -> tuple[dict[str, dict[str, str]], dict[str, pa.Table]]:
    """Some rows of each relation, small relations as a whole.

    The smallest is sampled first. From each larger one, rows are preferred whose values occur in columns of the same
    name and type in the samples before.

    Args:
        connection: the connection of the relations.
        relations: name → SQL for a FROM clause.
        rows: the most rows taken of each.
        seed: the seed of the selection.

    Returns:
        The schemas, table → column → type, and the rows.
    """
    schemas = {
        name: {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
        for name, relation in relations.items()
    }
    sizes = {
        name: connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
        for name, relation in relations.items()
    }
    taken: dict[str, pa.Table] = {}
    for name in sorted(relations, key=lambda each: (sizes[each], each)):
        row = _name_of_row(schemas[name])
        select = f"SELECT * FROM {relations[name]} AS {row}"
        if sizes[name] > rows:
            shared = _shared(schemas, name, list(taken))
            hits, registered = [], []
            for place, (column, other) in enumerate(shared):
                held = f"_held_{place}"
                connection.register(held, taken[other].select([column]).rename_columns(["value"]))
                registered.append(held)
                hits.append(f"({row}.{quote(column)} IN (SELECT value FROM {held}))::INTEGER")
            order = ", ".join([*([f"{' + '.join(hits)} DESC"] if hits else []), f"hash({row}, {int(seed)})"])
            taken[name] = connection.sql(f"{select} ORDER BY {order} LIMIT {int(rows)}").to_arrow_table()
            for held in registered:
                connection.unregister(held)
        else:
            taken[name] = connection.sql(select).to_arrow_table()
    return schemas, taken


def _name_of_row(columns: Mapping[str, str]) -> str:
    """An alias of a relation for its entire rows; a column of that name would take precedence."""
    taken = {name.casefold() for name in columns}
    return next(name for name in map("_row{}".format, range(len(taken) + 1)) if name not in taken)


def _shared(
    schemas: Mapping[str, Mapping[str, str]], name: str, before: Sequence[str]
) -> list[tuple[str, str]]:
    """Columns that a relation shares with one sampled before, and that one."""
    return [
        (column, other)
        for column, type_ in schemas[name].items()
        for other in before
        if schemas[other].get(column) == type_ and not type_.endswith("]") and "(" not in type_
    ]
