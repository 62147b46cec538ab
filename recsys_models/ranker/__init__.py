"""The two-stage recommender: a candidate generator, then a learned ranker."""
