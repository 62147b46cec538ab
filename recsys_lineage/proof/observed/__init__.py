"""Observations of a run from outside of it: the files that it opens, and the code that it executes."""
