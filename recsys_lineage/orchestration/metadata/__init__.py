"""Metadata of assets and runs on Dagster's pages."""
