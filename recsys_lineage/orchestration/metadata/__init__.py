"""What Dagster's pages show of an asset and of a run."""
