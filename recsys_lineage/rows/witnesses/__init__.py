"""Witnesses of a row: the rows it is made of, and the rows that need not be examined."""
