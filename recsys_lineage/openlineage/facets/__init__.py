"""Facets: what an event says about its run, job and datasets, one family per module."""
