"""The SQL of the shop: `<group>/<table>.sql` has one SELECT for each table, and its leading comment describes the
table.

A file whose name starts with `_` is a named query: if a SELECT reads it by its name without the `_`, it is added as a
common table expression, so that a rule is written once. `macros/` holds expressions that SQL calls like functions, such
as `clean_id(user_id)`, the one cleaner of all ids.
"""

from recsys_assets.sql.load import load_named_query, load_sql, parameters_of, table_names, with_macros

__all__ = ["load_named_query", "load_sql", "parameters_of", "table_names", "with_macros"]
