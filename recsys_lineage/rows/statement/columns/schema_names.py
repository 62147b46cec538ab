"""Schema names: columns qualified by the schema of their table too, as `main.t.a`."""

from __future__ import annotations

from recsys_lineage.rows.statement.syntax import Node, everything, is_expression

_MAIN = "main"
"""The schema of a table that is called by its name alone."""


def leave_out_schemas(query: Node) -> None:
    """Calls columns by their table alone, in place, since a trace reads rows of that table that have no schema.

    The relations keep theirs, by which they are told from entries of WITH of the same name.

    Args:
        query: a whole syntax tree, whose schemas DuckDB has found to be right.
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
