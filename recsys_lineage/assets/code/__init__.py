"""Which code an asset runs, and its version."""
