"""Times in a shop's files: their notations, and times spread over several columns."""
