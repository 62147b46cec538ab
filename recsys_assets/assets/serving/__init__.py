"""Group serving: recommendations, embeddings, the search index, and the reports."""
