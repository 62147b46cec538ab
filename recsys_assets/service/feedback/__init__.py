"""Feedback: the log of exposures and events that the service writes and reads, and metrics of its own answers."""
