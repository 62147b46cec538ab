"""The shop: sources, datasets, features, graph, models and recommendations as Dagster assets."""
