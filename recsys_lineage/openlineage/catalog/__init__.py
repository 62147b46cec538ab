"""What a catalog understood of the events, beside what the records say."""
