"""Narrowing: conditions that exclude rows that cannot be behind the wanted rows."""
