"""Destinations of events: catalogs, topics, files, and whatever else the client has a transport for."""
