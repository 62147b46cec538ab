"""Facets: what an event tells of its run, job and datasets, one family a module."""
