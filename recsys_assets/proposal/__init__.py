"""A first source for a shop: its files looked at, their columns guessed, and the SQL that maps them written."""
