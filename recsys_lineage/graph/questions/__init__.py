"""Questions to the graph, and their answers as plain data."""
