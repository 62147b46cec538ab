"""Which rows bear witness of a row, and which others need not be looked at."""
