"""What families train with PyTorch. These modules import it at their top and are imported inside a fit only."""
