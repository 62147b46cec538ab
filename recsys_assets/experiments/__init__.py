"""Experiments: which customer sees which arm, and what can be said of the arms, at any time, from what they did."""
