"""Commits: a draft becomes a table's next version; old commits are archived."""
