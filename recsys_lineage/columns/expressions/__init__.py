"""Edges of the expressions of a SQL statement."""
