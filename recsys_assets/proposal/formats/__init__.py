"""What a shop's file is before it is a table: in which letters it is written, and what it is where it is no text."""
