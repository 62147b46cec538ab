"""Schema names: columns qualified with the schema of their table, as `main.t.a`."""

from __future__ import annotations

from recsys_lineage.rows.statement.syntax import Node, everything, is_expression

_MAIN = "main"
"""The schema of a table that is named without one."""


def leave_out_schemas(query: Node) -> None:
    """Qualify columns by their table alone, in place, because a trace reads the table's rows from relations without a
    schema.

    The relations keep their schemas, which distinguish them from entries of WITH with the same name.

    Args:
        query: a whole syntax tree, whose schemas DuckDB has validated.
    """
    found = everything(query)
    tables = {
        (part.get("schema_name", "").casefold() or _MAIN, part["table_name"].casefold())
        for part in found
        if part.get("type") == "BASE_TABLE"
    }
    for part in found:
        names: list[str] = part["column_names"] if is_expression(part, "COLUMN_REF") else []
        folded = [name.casefold() for name in names]
        for before in (1, 2):  # a schema, or a database and a schema
            if len(names) > before + 1 and (folded[before - 1], folded[before]) in tables:
                part["column_names"] = names[before:]
                break
