"""What a shop says of its files: the source, its settings and its columns."""
