"""Group serving: what the champion says to each customer, the search index, and the reports."""
