"""What the names of a SQL statement mean, as DuckDB binds them."""
