"""The code of an asset, and its version."""
