"""Columns of a statement: their names, and which of them are the same."""
