"""Proposal of a source for a shop: its files are sampled, their columns guessed, and the SQL that maps them written."""
