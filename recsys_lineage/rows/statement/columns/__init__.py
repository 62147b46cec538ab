"""Columns of a statement: their names, and their equalities."""
