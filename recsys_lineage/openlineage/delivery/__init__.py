"""Delivery of events to catalogs: positions, replays and refused events."""
