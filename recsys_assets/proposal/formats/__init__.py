"""File formats: a file's encoding, and its format if it is not text."""
