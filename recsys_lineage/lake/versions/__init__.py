"""Versions of a table: what was committed, and which of them were pruned."""
