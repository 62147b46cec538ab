"""Numerical work that several families share: propagation, attention, spectra, sparse products, ordering."""
