"""Notations of numbers in the texts of files, and of days in their paths."""
