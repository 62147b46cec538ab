"""Group feedback: what was shown and done, what experiments tell, and what drifts."""
