"""A shop's source: its SQL, its settings and its columns."""
