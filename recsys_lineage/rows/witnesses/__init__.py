"""Witnesses of a row: the rows behind it, and the rows that need not be examined."""
