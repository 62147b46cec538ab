"""Parquet files of a table: written, shared between versions, counted and compacted."""
