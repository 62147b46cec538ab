"""CSV files: dialects, records and lines."""
