"""Experiments: assignment of customers to arms, and estimates about the arms that are valid at any time."""
