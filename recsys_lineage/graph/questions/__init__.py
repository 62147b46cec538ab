"""What is asked of the graph, and plain answers."""
