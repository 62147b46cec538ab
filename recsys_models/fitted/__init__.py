"""Fitted models: recommendations, folding in a customer's history, and model files."""
