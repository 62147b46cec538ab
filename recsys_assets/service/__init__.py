"""The service: recommendations over HTTP, what customers do counted at once, exposures written down, champions swapped."""
