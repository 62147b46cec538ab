"""Group raw: the source's files, their content, and the raw tables by day."""
