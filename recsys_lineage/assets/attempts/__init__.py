"""Attempts: running an asset once, and the record that it leaves."""
