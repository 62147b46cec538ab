"""Files behind rows: their lines, and the tables of files that a statement names."""
