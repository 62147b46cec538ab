"""What a statement says: its tables, names, conditions and steps."""
