"""Fitted models: what they answer, scores for a history given when asked, and the files that keep them."""
