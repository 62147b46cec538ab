"""Parts of a record: what was read, checked, seen and withheld, by whom, and what went wrong."""
