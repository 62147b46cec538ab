"""How good a model is: metrics over the whole catalogue, folds, and whether a difference is more than chance."""
