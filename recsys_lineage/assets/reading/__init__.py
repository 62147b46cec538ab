"""Readers of an asset's inputs; each observes what it reads."""
