"""Reading and writing of SQL text: parsing, names and literals."""
