"""Analysis of a statement: its tables, names, conditions and steps."""
