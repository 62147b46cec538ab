"""Facts about a statement's rows: their keys, their number, and the other rows that they depend on."""
