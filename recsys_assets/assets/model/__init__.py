"""Group model: the graph, each family's tuning and fit, their comparison, and which one serves."""
