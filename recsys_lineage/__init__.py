"""Lineage-native assets for any Dagster project: a versioned lake, SQL and frame assets, observed reads.

This package knows nothing of recommenders and nothing of `recsys_assets`.
"""
