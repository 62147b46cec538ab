"""What the expressions of a SQL statement are made of."""
