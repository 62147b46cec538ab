"""Runs from the command line: selection, execution and report."""
