"""Sensors that keep records and catalogs up to date while the daemon runs."""
