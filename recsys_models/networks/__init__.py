"""Networks that families train, in modules that import PyTorch at their top and are imported inside a fit only."""
