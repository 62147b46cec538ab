"""Spellings of DuckDB's SQL that sqlglot does not parse."""
