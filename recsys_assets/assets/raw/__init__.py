"""Group raw: the source's files, what is in them, and the raw tables by day."""
