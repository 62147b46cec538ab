"""Versions of a table: the committed ones, and those that were pruned."""
