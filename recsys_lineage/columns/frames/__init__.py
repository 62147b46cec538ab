"""Column lineage of Polars frames: derived from their plans, or declared."""
