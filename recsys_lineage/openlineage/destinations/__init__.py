"""Destinations of events: catalogs, topics, files, and every other transport of the client."""
