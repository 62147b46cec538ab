"""Facets: facts in an event about its run, job and datasets, one family per module."""
