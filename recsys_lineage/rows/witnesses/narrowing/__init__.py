"""Narrowing: conditions that leave out rows of which the wanted rows cannot be made."""
