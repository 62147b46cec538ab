"""The Dagster adapter: assets, runs and events. Nothing outside this folder imports Dagster."""
