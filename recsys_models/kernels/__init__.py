"""Numerical kernels that families share: propagation, attention, singular vectors, neighbours, top items."""
