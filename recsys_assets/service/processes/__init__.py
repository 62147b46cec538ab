"""Several worker processes that act as one service."""
