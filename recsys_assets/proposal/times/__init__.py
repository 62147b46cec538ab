"""Times in a shop's files: their notations, and moments spread over several columns."""
