"""Where events go: catalogs, topics, files, and whatever the client has a transport for."""
