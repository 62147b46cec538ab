"""The sequence encoder: a network that reads a user's latest items in order."""
