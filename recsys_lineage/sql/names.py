"""Quoting of names and literals in SQL."""

from __future__ import annotations

import glob


def quote(name: str) -> str:
    """A SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: str) -> str:
    """A SQL string literal for the one file at `path`, in places where DuckDB expects a pattern."""
    return literal(glob.escape(path))


def is_pattern(path: str) -> bool:
    """Whether DuckDB would treat a path as a pattern for other files."""
    return glob.has_magic(path)
