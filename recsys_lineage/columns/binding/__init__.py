"""Name binding of SQL statements, as DuckDB does it."""
