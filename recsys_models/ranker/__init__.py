"""Two stages as shops run them: a candidate generator, then a learned ranker."""
