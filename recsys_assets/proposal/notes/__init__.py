"""Notes on a proposal for the person who reviews it."""
