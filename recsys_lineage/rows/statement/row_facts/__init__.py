"""Facts about a statement's rows: what identifies them, how many there are, and which others they read."""
