"""Nondeterminism: values that may differ when the same statement runs again over the same rows."""
