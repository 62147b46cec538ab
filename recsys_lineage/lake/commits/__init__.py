"""Commits: how a draft becomes a table's next version, and where commits are kept."""
