"""SQL text: parsing, names and literals."""
