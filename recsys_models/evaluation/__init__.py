"""Evaluation of models: metrics over the whole catalogue, folds, and the significance of differences."""
