"""The table of records: each record as one row, added once, with long texts stored by their hash."""
