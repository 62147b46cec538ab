"""Records as OpenLineage events."""
